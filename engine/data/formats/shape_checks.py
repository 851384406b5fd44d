"""Whether a shape that was read can be used: finite, of some area, on the picture. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Point,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.labels.parse import crosses_itself
from engine.data.problems import Kind

# No picture is larger; farther numbers are mistakes and overflow what computes with them.
FARTHEST = 1e7
# Rounding and half pixels reach this far over a border without anybody's fault.
OVERHANG = 1.0
_NUMBERS = {int, float}

SWAPPED = "Its corners were in the wrong order and were swapped."
CROSSING = (
    "Its outline crosses itself; areas covered twice count as outside. Redraw it if that is wrong."
)
OUTSIDE = "It reaches over the border of its picture and was kept as it is."


class UnusableShapeError(ValueError):
    """A shape that has to be left out; the text says why."""


@dataclass(frozen=True, slots=True)
class Remark:
    """What is worth saying of a shape that is kept."""

    reason: str
    kind: Kind


def checked(
    geometry: Geometry, width: float, height: float, is_proven: bool = False
) -> tuple[Geometry, list[Remark]]:
    """Return a shape fit for use, and what was changed or is odd about it.

    Args:
        geometry: As read.
        width: Columns of the picture; with 0 nothing is said about places outside.
        height: Rows of the picture.
        is_proven: A polygon's points are known to be finite and to enclose an area.

    Raises:
        UnusableShapeError: It is not finite, has no area where it should, or lies outside the picture.
    """
    if isinstance(geometry, Tag):
        return geometry, []
    remarks: list[Remark] = []
    if isinstance(geometry, Box):
        geometry = _ordered(geometry, remarks)
    elif isinstance(geometry, Polygon):
        geometry = geometry if is_proven else _usable_polygon(geometry)
        if any(crosses_itself(np.array(ring)) for ring in geometry.rings()):
            remarks.append(Remark(CROSSING, "note"))
    elif isinstance(geometry, Mask):
        if not geometry.area():
            raise UnusableShapeError("The mask is empty.")
        return geometry, remarks
    else:
        _refuse(geometry)
    if width and height and _is_over_border(geometry, width, height):
        remarks.append(Remark(OUTSIDE, "note"))
    return geometry, remarks


def finite_points(points: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    """Return points as tuples of floats.

    Raises:
        UnusableShapeError: One is no pair of finite numbers of a size that pictures have.
    """
    if set(map(len, points)) == {2}:
        values = finite_values([*chain.from_iterable(points)])
        return tuple(zip(values[::2], values[1::2], strict=True))
    out = []
    for point in points:
        if len(point) != 2:
            raise UnusableShapeError(f"Expected points of 2 numbers, received {len(point)}.")
        out.append((finite(point[0]), finite(point[1])))
    return tuple(out)


def finite_values(values: list[Any]) -> list[float]:
    """Return numbers as floats, fast where all are fit: a data set has tens of millions of them.

    Raises:
        UnusableShapeError: One is no number, not finite, or larger than pictures are.
    """
    if set(map(type, values)) <= _NUMBERS and sum(map(abs, values)) <= FARTHEST:
        return [*map(float, values)]
    return [finite(value) for value in values]


def finite(value: object, what: str = "a coordinate") -> float:
    """Return a number as float.

    Raises:
        UnusableShapeError: It is none, is not finite, or is larger than pictures are.
    """
    kind = type(value)
    is_number = kind is float or kind is int or isinstance(value, float)
    if not is_number:  # a flag is none either
        raise UnusableShapeError(f"Expected a number as {what}, received {_short(value)}.")
    if not abs(value) <= FARTHEST:  # type: ignore[arg-type]
        raise UnusableShapeError(f"Expected a finite number as {what}, received {_short(value)}.")
    return float(value)  # type: ignore[arg-type]


def parse_number(text: str, what: str = "a coordinate") -> float:
    """Return the finite number that a text holds.

    Raises:
        UnusableShapeError: It holds none.
    """
    try:
        value = float(text)
    except ValueError:
        raise UnusableShapeError(f"Expected a number as {what}, received {_short(text)}.") from None
    return finite(value, what)


def is_flat(points: Sequence[Point]) -> bool:
    """Tell whether all points lie on one line; a bow-tie has no signed area but is not flat."""
    (x0, y0), *rest = points
    offsets = [(x - x0, y - y0) for x, y in rest]
    reach, fx, fy = max((x * x + y * y, x, y) for x, y in offsets)
    limit = 1e-6 * reach
    return all(abs(x * fy - y * fx) <= limit for x, y in offsets)


def _ordered(box: Box, remarks: list[Remark]) -> Box:
    for value in box.bounds():
        finite(value)
    if box.x2 < box.x1 or box.y2 < box.y1:
        remarks.append(Remark(SWAPPED, "changed"))
        box = Box(
            min(box.x1, box.x2), min(box.y1, box.y2), max(box.x1, box.x2), max(box.y1, box.y2)
        )
    if box.x1 == box.x2 or box.y1 == box.y2:
        raise UnusableShapeError("The box has no area.")
    return box


def _usable_polygon(polygon: Polygon) -> Polygon:
    """Check the rings; holes without area are dropped, they take nothing away."""
    outer = finite_points(polygon.exterior)
    if len(outer) < 3:
        raise UnusableShapeError(f"Expected a polygon of 3 or more points, received {len(outer)}.")
    if is_flat(outer):
        raise UnusableShapeError("The polygon has no area.")
    if not polygon.holes:
        return polygon
    holes = [hole for hole in map(finite_points, polygon.holes) if len(hole) > 2]
    return Polygon(polygon.exterior, tuple(hole for hole in holes if not is_flat(hole)))


def _refuse(geometry: OrientedBox | Polyline | Keypoints) -> None:
    """Check the kinds that have nothing to repair."""
    if isinstance(geometry, OrientedBox):
        for value in (geometry.cx, geometry.cy, geometry.w, geometry.h, geometry.angle_rad):
            finite(value)
        if geometry.w <= 0 or geometry.h <= 0:
            raise UnusableShapeError("The rotated box has no area.")
        return
    points = finite_points(geometry.points)
    if isinstance(geometry, Polyline) and (len(points) < 2 or len(set(points)) < 2):
        raise UnusableShapeError("Expected a line through 2 or more points.")
    if isinstance(geometry, Keypoints) and not geometry.labelled():
        raise UnusableShapeError("None of its keypoints is labelled.")


def _is_over_border(geometry: Geometry, width: float, height: float) -> bool:
    """Tell whether a shape reaches over the border.

    Raises:
        UnusableShapeError: Nothing of it is inside.
    """
    x1, y1, x2, y2 = geometry.bounds()
    if x2 < 0 or y2 < 0 or x1 > width or y1 > height:
        raise UnusableShapeError(
            f"It lies outside its picture of {width:g} x {height:g} pixels "
            f"(from {x1:g}, {y1:g} to {x2:g}, {y2:g})."
        )
    return min(x1, y1) < -OVERHANG or x2 > width + OVERHANG or y2 > height + OVERHANG


def _short(value: object) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def rectangle_of(polygon: Polygon) -> OrientedBox | None:
    """Return the rotated box that four corners are, from its own top left on; None where they are none."""
    corners = polygon.exterior
    if len(corners) != 4:
        return None
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners
    w, h = math.dist(corners[0], corners[1]), math.dist(corners[1], corners[2])
    is_closed = math.dist((ax + cx, ay + cy), (bx + dx, by + dy)) < 0.01
    is_square = abs((bx - ax) * (cx - bx) + (by - ay) * (cy - by)) < 0.01 * max(w * h, 1)
    if not (is_closed and is_square):
        return None
    angle = math.atan2(by - ay, bx - ax)
    return OrientedBox((ax + cx) / 2, (ay + cy) / 2, w, h, angle)


def degrees(angle_rad: float) -> float:
    """Return an angle as degrees from 0 to below 360, as tools write it; whole ones come out whole."""
    turned = math.degrees(angle_rad) % 360.0
    near = round(turned, 9)
    return 0.0 if near == 360.0 else near
