"""What every edit is: a value that can be applied, turned round and written as JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from studio.model.store import Store


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edit touches, so that only those who show it are told.

    Attributes:
        shapes: Images whose shapes differ.
        suggestions: Images whose suggestions differ.
        records: Images whose own record (split, status) differs.
        classes: The class list differs.
        images: The image list differs.
        ids: Which shapes of those images differ; None: any of them may.
    """

    shapes: frozenset[int] = frozenset()
    suggestions: frozenset[int] = frozenset()
    records: frozenset[int] = frozenset()
    classes: bool = False
    images: bool = False
    ids: frozenset[int] | None = None

    def __or__(self, other: Changes) -> Changes:
        return Changes(
            self.shapes | other.shapes,
            self.suggestions | other.suggestions,
            self.records | other.records,
            self.classes or other.classes,
            self.images or other.images,
            _both_ids(self, other),
        )


class Edit(ABC):
    """One step that can be undone.

    What a tool or a panel makes may be incomplete: :meth:`bind` fills in numbers and the state
    before. Only bound edits are applied and kept in the journal, so that undo works after a restart
    from the journal alone.
    """

    KINDS: ClassVar[dict[str, type[Edit]]] = {}
    label: str  # what the history calls it; empty: :meth:`title` finds words

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        Edit.KINDS[cls.__name__] = cls

    @abstractmethod
    def title(self) -> str:
        """Return what was done, in the user's words."""

    @abstractmethod
    def bind(self, store: Store) -> Edit:
        """Return the complete edit for the project as it is now.

        Raises:
            EditError: The edit does not fit the project (a shape or class it names is gone).
        """

    @abstractmethod
    def apply(self, store: Store) -> None:
        """Change the store; called inside a transaction, on a bound edit.

        Raises:
            EditError: The project is no longer as the edit expects it.
        """

    @abstractmethod
    def inverse(self) -> Edit:
        """Return the bound edit that takes this one back."""

    @abstractmethod
    def changes(self) -> Changes:
        """Return what applying it (or its inverse) touches."""

    def image_count(self) -> int:
        """Return how many images it touches, as far as that is known before it is bound."""
        touched = self.changes()
        return len(touched.shapes | touched.suggestions | touched.records)

    @abstractmethod
    def values(self) -> dict[str, Any]:
        """Return the fields as plain values for JSON."""

    @classmethod
    @abstractmethod
    def from_values(cls, values: dict[str, Any]) -> Edit:
        """Return the edit whose :meth:`values` these are."""

    def to_dict(self) -> dict[str, Any]:
        """Return what the journal keeps."""
        return {"kind": type(self).__name__, "label": self.label, **self.values()}


def _both_ids(*several: Changes) -> frozenset[int] | None:
    found: set[int] = set()
    for changes in several:
        if changes.shapes and changes.ids is None:
            return None
        found |= changes.ids or frozenset()
    return frozenset(found)


def edit_from_dict(data: dict[str, Any]) -> Edit:
    """Return the edit that :meth:`Edit.to_dict` described.

    Raises:
        KeyError: The kind is unknown, or a field is missing.
    """
    return Edit.KINDS[data["kind"]].from_values(data)
