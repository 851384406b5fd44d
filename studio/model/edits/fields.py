"""An edit of everything but a shape's outline: class, attributes, order, lock, whether it is shown.

The journal keeps the changed fields only. Hiding ten thousand polygons is a list of numbers, not their outlines twice.
"""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.language import ntr, tr
from studio.model.edits.base import Changes, Edit
from studio.model.errors import EditError
from studio.model.kind_words import shapes_text
from studio.model.records import ClassDef, Shape, ShapeRow
from studio.model.store import Store

FIELDS = ("class_id", "source", "score", "attributes", "z", "locked", "hidden")
Fields = Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True)
class SetFields(Edit):
    """Give shapes (by id) other values in some of :data:`FIELDS`; binding reads ``before`` and the images.

    A shape whose class changes gets what objects of the new one have at first and it lacks.
    """

    after: Fields
    label: str = ""
    before: Fields | None = None
    images: frozenset[int] = frozenset()

    def title(self) -> str:
        return self.label or tr("Change {shapes}").format(shapes=shape_count(len(self.after)))

    def bind(self, store: Store) -> SetFields:
        if not self.after:
            raise EditError(tr("An edit of shapes needs at least one shape."))
        if unknown := {name for values in self.after.values() for name in values} - set(FIELDS):
            raise EditError(
                tr("A shape has no field {unknown} to change.").format(
                    unknown=", ".join(sorted(unknown))
                )
            )
        _check_classes(self.after, store)
        now = store.shape_fields(list(self.after))
        for shape_id in self.after:
            if shape_id not in now:
                raise EditError(
                    tr("Shape {shape_id} is no longer there.").format(shape_id=shape_id)
                )
        classes = {cls.id: cls for cls in store.classes()}
        after = {i: _with_defaults(values, now[i], classes) for i, values in self.after.items()}
        before = {
            shape_id: {name: now[shape_id][name] for name in values}
            for shape_id, values in after.items()
        }
        images = frozenset(int(values["image_id"]) for values in now.values())
        return SetFields(after, self.label, before, images)

    def apply(self, store: Store) -> None:
        store.set_shape_fields(self.after)

    def inverse(self) -> SetFields:
        return SetFields(self.before or {}, self.label, self.after, self.images)

    def changes(self) -> Changes:
        return Changes(shapes=self.images, ids=frozenset(self.after))

    def values(self) -> dict[str, Any]:
        return {
            "after": _pairs(self.after),
            "before": _pairs(self.before or {}),
            "images": sorted(self.images),
        }

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> SetFields:
        after, before = (dict(values[name]) for name in ("after", "before"))
        return cls(after, values["label"], before, frozenset(values["images"]))


def assign_class(shapes: Sequence[Shape | ShapeRow], class_id: int, label: str = "") -> SetFields:
    """Return the edit that gives ``shapes`` the class ``class_id``."""
    label = label or tr("Change class of {shapes}").format(shapes=shapes_text(shapes))
    return SetFields({shape.id: {"class_id": class_id} for shape in shapes}, label)


def set_marks(shapes: Sequence[Shape | ShapeRow], field: str, value: bool) -> SetFields | None:
    """Return the edit that locks, unlocks, hides or shows shapes; None where all of them are so already.

    Args:
        shapes: The shapes.
        field: ``locked`` or ``hidden``.
        value: What it becomes.
    """
    changed = [shape for shape in shapes if getattr(shape, field) is not value]
    if not changed:
        return None
    label = _MARKED[field][value].format(shapes=shape_count(len(changed)))
    return SetFields({shape.id: {field: value} for shape in changed}, label)


_MARKED = {
    "locked": (tr("Unlock {shapes}"), tr("Lock {shapes}")),
    "hidden": (tr("Show {shapes}"), tr("Hide {shapes}")),
}


def set_attributes(
    shapes: Sequence[Shape | ShapeRow], values: Mapping[str, Any], label: str = ""
) -> SetFields | None:
    """Return the edit that gives shapes these attributes, None for a value taking one away; None where nothing changes."""
    after = {}
    for shape in shapes:
        merged = {**shape.attributes, **values}
        wanted = {name: value for name, value in merged.items() if value is not None}
        if wanted != shape.attributes:
            after[shape.id] = {"attributes": wanted}
    label = label or tr("Change {values} of {shapes}").format(
        values=", ".join(values).replace("_", " "), shapes=shape_count(len(after))
    )
    return SetFields(after, label) if after else None


def with_fields(shape: Shape, values: Mapping[str, Any]) -> Shape:
    """Return the shape with other values in some fields."""
    return replace(shape, **dict(values))


def shape_count(count: int) -> str:
    """Return ``shape`` or ``3 shapes``."""
    return ntr("shape", "{count} shapes", count).format(count=count)


def _check_classes(after: Fields, store: Store) -> None:
    wanted = {values["class_id"] for values in after.values() if "class_id" in values}
    for class_id in wanted - {cls.id for cls in store.classes()}:
        raise EditError(
            tr("The project has no class {class_id}.").format(class_id=class_id),
            remedy=tr("Add a class or choose another one."),
        )


def _with_defaults(
    values: Mapping[str, Any], now: Mapping[str, Any], classes: Mapping[int, ClassDef]
) -> Mapping[str, Any]:
    """Return the values, with the attributes that a new class gives to a shape."""
    class_id = values.get("class_id", now["class_id"])
    known = values.get("attributes", now["attributes"])
    added = classes[class_id].lacking(known) if class_id != now["class_id"] else {}
    return {**values, "attributes": {**added, **known}} if added else values


def _pairs(fields: Fields) -> list[list[Any]]:
    """Return pairs: JSON would turn the numbers of a mapping's keys into text."""
    return [[shape_id, dict(values)] for shape_id, values in fields.items()]
