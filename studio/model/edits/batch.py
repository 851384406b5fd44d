"""Several edits as one step of the history."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from studio.language import tr
from studio.model.edits.base import Changes, Edit, edit_from_dict
from studio.model.errors import EditError
from studio.model.store import Store


@dataclass(frozen=True)
class Batch(Edit):
    """Edits that are applied in order and undone together.

    All of them are bound to the project as it was before the first: a batch must not name what
    another of its edits makes.
    """

    edits: tuple[Edit, ...]
    label: str = ""

    def title(self) -> str:
        return self.label or self.edits[0].title()

    def bind(self, store: Store) -> Batch:
        if not self.edits:
            raise EditError(tr("A batch needs at least one edit."))
        return Batch(tuple(edit.bind(store) for edit in self.edits), self.label)

    def apply(self, store: Store) -> None:
        for edit in self.edits:
            edit.apply(store)

    def inverse(self) -> Batch:
        return Batch(tuple(edit.inverse() for edit in reversed(self.edits)), self.label)

    def changes(self) -> Changes:
        return reduce(or_, (edit.changes() for edit in self.edits), Changes())

    def values(self) -> dict[str, Any]:
        return {"edits": [edit.to_dict() for edit in self.edits]}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Batch:
        return cls(tuple(map(edit_from_dict, values["edits"])), values["label"])
