"""The suggestions that wait in a whole project: which to look at, in which order, how many pass a threshold."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

SuggestionOrder = Literal["unsure", "sure", "image"]
SUGGESTION_ORDERS: tuple[SuggestionOrder, ...] = get_args(SuggestionOrder)
_NO_SCORE = 2.0  # a map of classes has none: it stands behind every score


class SuggestionRow(NamedTuple):
    """What a list knows of a suggestion: everything but its outline. A tuple: a gallery has ten thousand of them.

    Attributes:
        id: Number within the project.
        image_id: The image it lies on.
        class_id: Its class.
        score: Confidence in [0, 1], None where the model gives none.
        model: The model that made it, empty where nobody knows.
    """

    id: int
    image_id: int
    class_id: int
    score: float | None
    model: str = ""


@dataclass(frozen=True, slots=True)
class SuggestionFilter:
    """Which suggestions to look at; None: any.

    Attributes:
        class_id: Of this class.
        model: Of this model; empty: of one that nobody knows.
    """

    class_id: int | None = None
    model: str | None = None

    def passes(self, row: SuggestionRow) -> bool:
        """Tell whether a suggestion is to be looked at."""
        return (self.class_id is None or row.class_id == self.class_id) and (
            self.model is None or row.model == self.model
        )


EVERY_SUGGESTION = SuggestionFilter()


def arranged(
    rows: Iterable[SuggestionRow],
    wanted: SuggestionFilter = EVERY_SUGGESTION,
    order: SuggestionOrder = "unsure",
    places: Mapping[int, int] | None = None,
) -> list[SuggestionRow]:
    """Return those that pass, sorted; equals by their number.

    Args:
        rows: Suggestions.
        wanted: Which to return.
        order: ``unsure`` begins with the lowest score, ``sure`` with the highest, ``image`` goes by the images.
        places: The place of each image in the list of images, for the order ``image``.
    """
    at = places or {}

    def by_image(row: SuggestionRow) -> tuple[Any, ...]:
        return at.get(row.image_id, len(at)), row.image_id, -_score(row), row.id

    keys: dict[SuggestionOrder, Callable[[SuggestionRow], tuple[Any, ...]]] = {
        "unsure": lambda row: (_score(row), row.id),
        "sure": lambda row: (-_score(row), row.id),
        "image": by_image,
    }
    return sorted(filter(wanted.passes, rows), key=keys[order])


class ScoreTable:
    """How many suggestions of each class are as sure as a threshold: one look-up, however many there are.

    Args:
        rows: Suggestions.
    """

    def __init__(self, rows: Iterable[SuggestionRow]) -> None:
        self._scores: dict[int, list[float]] = {}
        for row in rows:
            self._scores.setdefault(row.class_id, []).append(_score(row))
        for scores in self._scores.values():
            scores.sort()

    def classes(self) -> list[int]:
        """Return the classes that have suggestions."""
        return list(self._scores)

    def total(self, class_id: int) -> int:
        """Return how many suggestions a class has."""
        return len(self._scores.get(class_id, ()))

    def passing(self, class_id: int, threshold: float) -> int:
        """Return how many suggestions of a class :func:`are_sure` would return."""
        scores = self._scores.get(class_id, [])
        return len(scores) - bisect_left(scores, threshold)


def are_sure(
    rows: Iterable[SuggestionRow], thresholds: Mapping[int, float]
) -> Sequence[SuggestionRow]:
    """Return the suggestions whose score is at least the threshold of their class; without a score they are.

    Args:
        rows: Suggestions.
        thresholds: By class, 0 to 1; a class without one has none that pass.
    """
    return [
        row
        for row in rows
        if row.class_id in thresholds and _score(row) >= thresholds[row.class_id]
    ]


def _score(row: SuggestionRow) -> float:
    return _NO_SCORE if row.score is None else row.score
