"""Edits of suggestions, the shapes a model proposed: accept turns them into shapes, reject drops them."""

# ruff: noqa: D102 - the methods are documented once, in the base class
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from studio.language import ntr, tr
from studio.model.edits.base import Changes, Edit
from studio.model.errors import EditError
from studio.model.provenance import accepted_now
from studio.model.records import Shape, shape_from_dict
from studio.model.review import this_person
from studio.model.store import Store
from studio.model.suggestion_rows import SuggestionRow


@dataclass(frozen=True)
class RemoveSuggestions(Edit):
    """Take suggestions away, or (``removed`` False) put them back."""

    suggestions: tuple[Shape, ...]
    removed: bool = True
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Reject {suggestions}").format(
            suggestions=suggestion_count(len(self.suggestions))
        )

    def bind(self, store: Store) -> RemoveSuggestions:
        found = store.suggestions_by_id([shape.id for shape in self.suggestions])
        _check_there(len(self.suggestions), len(found))
        return RemoveSuggestions(tuple(found), True, self.label)

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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a suggestion is drawn before and after it becomes a shape, and what its class gives it; its number stays."""

    id: int
    image_id: int
    z: int = 0
    shape_z: int = 0
    defaults: Mapping[str, Any] = field(default_factory=dict)

    def values(self) -> list[Any]:
        """Return plain values for JSON, as few as tell it."""
        known = [self.id, self.image_id, self.z, self.shape_z]
        return [*known, dict(self.defaults)] if self.defaults else known


@dataclass(frozen=True)
class AcceptSuggestions(Edit):
    """Turn suggestions into shapes under their numbers, or (``accepted`` False) back into suggestions.

    The journal keeps their numbers and not their outlines, so that ten thousand are a short row.

    Attributes:
        places: The suggestions; binding reads where they are drawn, and which attributes that an object of their class has
            at first they lack.
        stamp: Attributes that say who accepted them and when.
        accepted: Whether this accepts, or takes an acceptance back.
    """

    places: tuple[Place, ...]
    stamp: Mapping[str, str] = field(default_factory=dict)
    accepted: bool = True
    label: str = ""

    def title(self) -> str:
        return self.label or tr("Accept {suggestions}").format(
            suggestions=suggestion_count(len(self.places))
        )

    def bind(self, store: Store) -> AcceptSuggestions:
        found = store.suggestion_places([place.id for place in self.places])
        _check_there(len(self.places), len(found))
        classes = {cls.id: cls for cls in store.classes()}
        tops: dict[int, int] = {}
        bound = []
        for place in self.places:
            image_id, z, class_id, names = found[place.id]
            top = tops.get(image_id)
            tops[image_id] = (store.top_z(image_id) if top is None else top) + 1
            lacking = classes[class_id].lacking(names) if class_id in classes else {}
            bound.append(Place(place.id, image_id, z, tops[image_id], lacking))
        return replace(self, places=tuple(bound))

    def apply(self, store: Store) -> None:
        if self.accepted:
            store.accept_suggestions(
                [(place.id, place.shape_z, place.defaults) for place in self.places], self.stamp
            )
        else:
            store.take_acceptance_back(
                [(place.id, place.z, dict.fromkeys(place.defaults)) for place in self.places],
                list(self.stamp),
            )

    def inverse(self) -> AcceptSuggestions:
        return replace(self, accepted=not self.accepted)

    def changes(self) -> Changes:
        images = frozenset(place.image_id for place in self.places)
        return Changes(
            shapes=images, suggestions=images, ids=frozenset(place.id for place in self.places)
        )

    def values(self) -> dict[str, Any]:
        places = [place.values() for place in self.places]
        return {"places": places, "stamp": dict(self.stamp), "accepted": self.accepted}

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> AcceptSuggestions:
        places = tuple(Place(*place) for place in values["places"])
        return cls(places, dict(values["stamp"]), values["accepted"], values["label"])


def accept(
    suggestions: Sequence[Shape | SuggestionRow], person: str | None = None
) -> AcceptSuggestions:
    """Return the edit that turns ``suggestions`` into shapes; undoing it brings the suggestions back.

    Args:
        suggestions: Of one image or many.
        person: Who accepts them; None: who the computer says it is.
    """
    stamp = accepted_now(this_person() if person is None else person)
    return AcceptSuggestions(tuple(Place(row.id, row.image_id) for row in suggestions), stamp)


def suggestion_count(count: int) -> str:
    """Return ``suggestion`` or ``3 suggestions``."""
    return ntr("suggestion", "{count} suggestions", count).format(count=count)


def _check_there(wanted: int, found: int) -> None:
    if not wanted or found != wanted:
        raise EditError(tr("A suggestion is no longer there."), remedy=tr("Run the model again."))
