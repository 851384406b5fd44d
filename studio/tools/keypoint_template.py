"""Where the keypoints of an object lie within the box around it, in fractions of the box."""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, pi, sin

from engine.data.annotations import Keypoints, Point
from engine.data.annotations.geometry import Bounds
from studio.model.records import Shape
from studio.tools.base import rounded

# A standing person seen from the front, in the order of COCO: nose, eyes, ears, shoulders, elbows, wrists, hips, knees,
# ankles, left before right. The person's left is on the picture's right.
_PERSON: tuple[Point, ...] = (
    (0.50, 0.07), (0.55, 0.04), (0.45, 0.04), (0.61, 0.06), (0.39, 0.06), (0.70, 0.20), (0.30, 0.20), (0.82, 0.37), (0.18, 0.37),
    (0.88, 0.53), (0.12, 0.53), (0.63, 0.53), (0.37, 0.53), (0.64, 0.76), (0.36, 0.76), (0.65, 0.97), (0.35, 0.97),
)  # fmt: skip
_INSET = 0.45  # radius of the ring of points of which nothing is known, in box sides


def default_template(count: int) -> tuple[Point, ...]:
    """Return a layout for so many points: a person for 17, else a ring, clockwise from the top."""
    if count == len(_PERSON):
        return _PERSON
    if count == 1:
        return ((0.5, 0.5),)
    turns = (2 * pi * step / count - pi / 2 for step in range(count))
    return tuple((0.5 + _INSET * cos(turn), 0.5 + _INSET * sin(turn)) for turn in turns)


def template_of(keypoints: Keypoints) -> tuple[Point, ...] | None:
    """Return the layout of an object as it lies; None where a point is missing or all lie on one line."""
    if not all(keypoints.visibility):
        return None
    x1, y1, x2, y2 = keypoints.bounds()
    if x2 - x1 < 1 or y2 - y1 < 1:
        return None
    return tuple(((x - x1) / (x2 - x1), (y - y1) / (y2 - y1)) for x, y in keypoints.points)


def template_among(
    shapes: Iterable[Shape], class_id: int, count: int | None
) -> tuple[Point, ...] | None:
    """Return the layout of the newest complete object of a class, None where there is none with ``count`` points (None: any)."""
    for shape in sorted(shapes, key=lambda shape: -shape.id):
        geometry = shape.geometry
        if shape.class_id == class_id and isinstance(geometry, Keypoints):
            fits = len(geometry.points) == count if count is not None else len(geometry.points) > 1
            found = template_of(geometry) if fits else None
            if found is not None:
                return found
    return None


def placed(template: Iterable[Point], box: Bounds) -> tuple[Point, ...]:
    """Return the points of a layout in a box (x1, y1, x2, y2), image pixels."""
    x1, y1, x2, y2 = box
    return tuple((rounded(x1 + u * (x2 - x1)), rounded(y1 + v * (y2 - y1))) for u, v in template)
