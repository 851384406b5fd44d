"""Between what a person types about a class and its values: choices, bones, mirror pairs; and the order of the hierarchy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from studio.language import tr
from studio.model.attribute_def import AttributeDef, AttributeKind, AttributeValue
from studio.model.class_tree import parents_of, with_below
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef

_YES = (tr("yes"), "yes", "true", "on", "1")
_NO = (tr("no"), "no", "false", "off", "0")


def depths(classes: Sequence[ClassDef]) -> dict[int, int]:
    """Return how many classes each is below, by class id; a parent that was removed counts as none."""
    parents = parents_of(classes)
    found = {}
    for cls in classes:
        depth, above = 0, cls.parent
        while above in parents and depth <= len(classes):
            depth, above = depth + 1, parents[above]
        found[cls.id] = depth
    return found


def possible_parents(cls: ClassDef, classes: Sequence[ClassDef]) -> list[ClassDef]:
    """Return the classes that a class can be below: all but itself and those below it."""
    below = with_below((cls.id,), parents_of(classes))
    return [other for other in classes if other.id not in below]


def split_words(text: str) -> tuple[str, ...]:
    """Return the words between commas, without empty ones."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


def attribute_from_words(
    name: str, kind: AttributeKind, choices: str, default: str
) -> AttributeDef:
    """Return the attribute that a row of the table describes.

    Raises:
        EditError: The default is no value of the kind, or name and choices make no sense.
    """
    return AttributeDef(
        name.strip(),
        kind,
        split_words(choices) if kind == "choice" else (),
        _default(name, kind, default.strip()),
    )


def scheme_from_words(names: str, bones: str, mirror: str) -> KeypointScheme | None:
    """Return the keypoints that three lines describe; None where no names are given.

    Args:
        names: The points between commas, in their order.
        bones: Pairs of numbers from 1, as in ``1-2, 2-3``.
        mirror: Pairs that change places in a mirror, written alike.

    Raises:
        EditError: A pair is none, or names a point that there is not.
    """
    points = split_words(names)
    if not points:
        if bones.strip() or mirror.strip():
            raise EditError(
                tr("Bones and pairs need keypoints."), remedy=tr("Name the keypoints first.")
            )
        return None
    flips = list(range(len(points)))
    for first, second in _pairs(mirror, len(points)):
        flips[first], flips[second] = second, first
    mirrored = tuple(flips) if mirror.strip() else ()
    return KeypointScheme(len(points), mirrored, points, tuple(_pairs(bones, len(points))))


def pair_words(pairs: Iterable[tuple[int, int]]) -> str:
    """Return pairs of places from 0 as a person would type them, from 1."""
    return ", ".join(f"{first + 1}-{second + 1}" for first, second in pairs)


def _pairs(text: str, count: int) -> list[tuple[int, int]]:
    found = []
    for word in split_words(text):
        match = re.fullmatch(r"(\d{1,4})\s*-\s*(\d{1,4})", word)
        places = tuple(int(number) - 1 for number in match.groups()) if match else ()
        if len(places) != 2 or places[0] == places[1] or not all(0 <= p < count for p in places):
            raise EditError(
                tr("{word!r} is no pair of keypoints.").format(word=word),
                remedy=tr("Write pairs of numbers from 1 to {count}, as in 1-2, 2-3.").format(
                    count=count
                ),
            )
        found.append((places[0], places[1]))
    return found


def _default(name: str, kind: AttributeKind, text: str) -> AttributeValue | None:
    if not text:
        return None
    if kind == "flag":
        if text.casefold() not in _YES + _NO:
            raise EditError(
                tr("The default of {name} is yes or no, not {text!r}.").format(name=name, text=text)
            )
        return text.casefold() in _YES
    if kind == "number":
        try:
            return float(text)
        except ValueError as error:
            raise EditError(
                tr("The default of {name} is no number: {text!r}.").format(name=name, text=text)
            ) from error
    return text
