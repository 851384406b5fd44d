"""Edits of suggestions, the shapes a model proposed: accept turns them into shapes, reject drops them."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from studio.language import ntr, tr
from studio.model.edits.base import Changes, Edit
from studio.model.edits.batch import Batch
from studio.model.edits.shapes import AddShapes
from studio.model.errors import EditError
from studio.model.records import Shape, shape_from_dict
from studio.model.store import Store


@dataclass(frozen=True)
class RemoveSuggestions(Edit):
    """Take suggestions away, or (``removed`` False) put them back."""

    suggestions: tuple[Shape, ...]
    removed: bool = True
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Reject {suggestions}").format(
            suggestions=suggestion_count(self.suggestions)
        )

    def bind(self, store: Store) -> RemoveSuggestions:
        waiting: dict[int, Shape] = {}
        for image_id in {shape.image_id for shape in self.suggestions}:
            waiting.update({shape.id: shape for shape in store.suggestions(image_id)})
        if any(shape.id not in waiting for shape in self.suggestions) or not self.suggestions:
            raise EditError(
                tr("A suggestion is no longer there."), remedy=tr("Run the model again.")
            )
        return RemoveSuggestions(tuple(waiting[s.id] for s in self.suggestions), True, self.label)

    def apply(self, store: Store) -> None:
        if self.removed:
            store.delete_suggestions([shape.id for shape in self.suggestions])
        else:
            store.insert_suggestions(self.suggestions)

    def inverse(self) -> RemoveSuggestions:
        return RemoveSuggestions(self.suggestions, not self.removed, self.label)

    def changes(self) -> Changes:
        return Changes(suggestions=frozenset(shape.image_id for shape in self.suggestions))

    def values(self) -> dict[str, Any]:
        shapes = [shape.to_dict() for shape in self.suggestions]
        return {"suggestions": shapes, "removed": self.removed}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> RemoveSuggestions:
        shapes = tuple(map(shape_from_dict, values["suggestions"]))
        return cls(shapes, values["removed"], values["label"])


def accept(suggestions: Sequence[Shape]) -> Batch:
    """Return the edit that turns ``suggestions`` into shapes; undoing it brings the suggestions back."""
    chosen = tuple(suggestions)
    return Batch(
        (RemoveSuggestions(chosen), AddShapes(chosen)),
        tr("Accept {suggestions}").format(suggestions=suggestion_count(chosen)),
    )


def suggestion_count(suggestions: Sequence[Shape]) -> str:
    """Return ``suggestion`` or ``3 suggestions``."""
    return ntr("suggestion", "{count} suggestions", len(suggestions)).format(count=len(suggestions))
