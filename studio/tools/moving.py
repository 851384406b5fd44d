"""Shapes moved together within the image, and what is left of one that a hand has made too small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    OrientedBox,
    Point,
    Polygon,
    Polyline,
    Tag,
)
from studio.model.records import Shape
from studio.tools.base import rounded
from studio.tools.finishing import MIN_AREA, MIN_SIDE
from studio.tools.rings import Rect


def moved(
    shapes: Sequence[Shape], dx: float, dy: float, size_wh: tuple[int, int]
) -> tuple[Shape, ...]:
    """Return the shapes moved together, at most until one of them reaches the border of the image."""
    dx, dy = offset_within(shapes, rounded(dx), rounded(dy), size_wh)
    return tuple(replace(shape, geometry=shape.geometry.translated(dx, dy)) for shape in shapes)


def offset_within(
    shapes: Sequence[Shape], dx: float, dy: float, size_wh: tuple[int, int]
) -> tuple[float, float]:
    """Return how far the shapes can go of (dx, dy) until the first of them reaches the border."""
    bounds = joint_bounds(shapes)
    if bounds is None:
        return 0.0, 0.0
    x1, y1, x2, y2 = bounds
    width, height = size_wh
    dx = min(max(dx, min(0.0, -x1)), max(0.0, width - x2))
    dy = min(max(dy, min(0.0, -y1)), max(0.0, height - y2))
    return dx, dy


def joint_bounds(shapes: Sequence[Shape]) -> Rect | None:
    """Return the box around all shapes that have a place, None where none has."""
    boxes = [shape.geometry.bounds() for shape in shapes if not isinstance(shape.geometry, Tag)]
    if not boxes:
        return None
    x1, y1, x2, y2 = zip(*boxes, strict=True)
    return min(x1), min(y1), max(x2), max(y2)


def is_whole(geometry: Geometry) -> bool:
    """Tell whether a reshaped geometry still covers something."""
    if isinstance(geometry, Box):
        x1, y1, x2, y2 = geometry.bounds()
        return x2 - x1 >= MIN_SIDE and y2 - y1 >= MIN_SIDE
    if isinstance(geometry, OrientedBox):
        return min(geometry.w, geometry.h) >= MIN_SIDE
    return not isinstance(geometry, Polygon) or geometry.area() >= MIN_AREA


def settled(geometry: Geometry) -> Geometry:
    """Return the geometry with its coordinates to a tenth of a pixel; a rotated box keeps its angle and sides."""
    if isinstance(geometry, Box):
        return Box(*map(rounded, geometry.bounds()))
    if isinstance(geometry, Polygon):
        exterior, *holes = (tuple(map(_settled_point, ring)) for ring in geometry.rings())
        return Polygon(exterior, tuple(holes))
    if isinstance(geometry, (Polyline, Keypoints)):
        return replace(geometry, points=tuple(map(_settled_point, geometry.points)))
    return geometry


def _settled_point(point: Point) -> Point:
    return rounded(point[0]), rounded(point[1])
