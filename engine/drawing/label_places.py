"""Where the name of a box goes: near one of its corners, in the picture, not over another name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

Plate = tuple[int, int, int, int]  # x1, y1, x2, y2 in pixels


def place_label(
    corners: np.ndarray, size: tuple[int, int], picture: tuple[int, int], taken: Sequence[Plate]
) -> Plate:
    """Return the first place for a label that is free, else the one that covers the least of others.

    Args:
        corners: Of the box, (4, 2) x and y in pixels, in any order round it; the first is where a label stands where nothing
            is in its way: on it, or below it at the upper edge of the picture.
        size: Width and height of the label.
        picture: Width and height.
        taken: The labels that are there.
    """
    places = list(_places(corners, size, picture))
    covered = [_covered(place, taken) for place in places]
    return places[int(np.argmin(covered))]  # of equal ones the first


def free_place(
    corners: np.ndarray, size: tuple[int, int], picture: tuple[int, int], taken: Sequence[Plate]
) -> Plate | None:
    """Return the first place for a label that is free, None without one; see :func:`place_label`."""
    places = _places(corners, size, picture)
    return next((place for place in places if not _covered(place, taken)), None)


def _places(
    corners: np.ndarray, size: tuple[int, int], picture: tuple[int, int]
) -> Iterator[Plate]:
    """Give places in the order of liking, all of them in the picture from left to right, most from top to bottom."""
    width, height = size
    middle = corners.mean(axis=0)
    found = []
    for x, y in corners.tolist():
        # A label beside a right corner ends there, as one beside a left corner begins there
        left = int(min(max(x if x <= middle[0] else x - width, 0), max(picture[0] - width, 0)))
        found += [(left, int(y - height)), (left, int(y))]
    inside = [place for place in found if place[1] >= 0 and place[1] + height <= picture[1]]
    for left, top in inside or [found[1]]:
        yield left, top, left + width, top + height


def _covered(place: Plate, taken: Sequence[Plate]) -> int:
    """Return how many pixels of others a label would cover."""
    x1, y1, x2, y2 = place
    others = np.asarray(taken, dtype=np.int64).reshape(-1, 4)
    wide = np.minimum(others[:, 2], x2) - np.maximum(others[:, 0], x1)
    high = np.minimum(others[:, 3], y2) - np.maximum(others[:, 1], y1)
    return int((wide.clip(0) * high.clip(0)).sum())
