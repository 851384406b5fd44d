"""An attribute that every object of a class may have: its name, what values it takes, what it is at first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from engine.data.annotations.attribute_names import RESERVED
from studio.language import ntr, tr
from studio.model.errors import EditError

AttributeKind = Literal["text", "number", "choice", "flag"]
ATTRIBUTE_KINDS: tuple[AttributeKind, ...] = get_args(AttributeKind)
AttributeValue = str | float | bool


@dataclass(frozen=True, slots=True)
class AttributeDef:
    """An attribute of the objects of a class.

    Attributes:
        name: Key in ``Shape.attributes``; not empty, not one of the reserved names.
        kind: ``text``, ``number``, ``choice`` (one of ``choices``) or ``flag`` (yes or no).
        choices: What a choice can be, in the order in which it is offered; empty for the other kinds.
        default: The value that a new shape of the class gets, and one that becomes of the class without having a value of
            its own; None: none. Shapes that are there already are not changed by it.
    """

    name: str
    kind: AttributeKind = "text"
    choices: tuple[str, ...] = ()
    default: AttributeValue | None = None

    def __post_init__(self) -> None:
        if not self.name.strip() or self.name in RESERVED:
            raise EditError(
                tr("An attribute cannot be called {name!r}.").format(name=self.name),
                value=self.name,
                remedy=tr("Choose a name that is not empty and none of {reserved}.").format(
                    reserved=", ".join(RESERVED)
                ),
            )
        if self.kind not in ATTRIBUTE_KINDS:
            raise EditError(
                tr("Expected {attribute_kinds}, received {kind!r}.").format(
                    attribute_kinds=", ".join(ATTRIBUTE_KINDS), kind=self.kind
                )
            )
        if (self.kind == "choice") != bool(self.choices):
            raise EditError(
                ntr(
                    "The attribute {name} is a {kind} with {count} choice.",
                    "The attribute {name} is a {kind} with {count} choices.",
                    len(self.choices),
                ).format(name=self.name, kind=self.kind, count=len(self.choices)),
                remedy=tr("Give a choice at least one value, and the other kinds none."),
            )
        if len(set(self.choices)) != len(self.choices):
            raise EditError(
                tr("The attribute {name} offers the same choice twice.").format(name=self.name)
            )
        if self.default is not None and not self.accepts(self.default):
            raise EditError(
                tr("{default!r} is no {kind} that {name} can be.").format(
                    default=self.default, kind=self.kind, name=self.name
                )
            )

    def accepts(self, value: object) -> bool:
        """Return whether ``value`` is one that the attribute can have."""
        if self.kind == "flag":
            return isinstance(value, bool)
        if self.kind == "number":
            is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return is_number and math.isfinite(value)  # type: ignore[arg-type]
        return isinstance(value, str) and (self.kind == "text" or value in self.choices)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "choices": list(self.choices),
            "default": self.default,
        }


def attribute_from_dict(values: Mapping[str, Any]) -> AttributeDef:
    """Return the attribute that :meth:`AttributeDef.to_dict` described."""
    choices = tuple(map(str, values.get("choices") or ()))
    return AttributeDef(str(values["name"]), values["kind"], choices, values.get("default"))


def default_words(attribute: AttributeDef) -> str:
    """Return an attribute's default as a person would type it."""
    if isinstance(attribute.default, bool):
        return tr("yes") if attribute.default else tr("no")
    return "" if attribute.default is None else str(attribute.default)
