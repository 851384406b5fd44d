"""How large and how detailed a shape is."""

from __future__ import annotations

import math
from itertools import pairwise

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
)


def perimeter(geometry: Geometry) -> float:
    """Return the length of the outline in pixels, holes included; of a line its length, of a mask its pixels' edges."""
    if isinstance(geometry, Mask):
        framed = np.pad(geometry.to_array().astype(np.int8), 1)
        return float(
            np.count_nonzero(np.diff(framed, axis=0)) + np.count_nonzero(np.diff(framed, axis=1))
        )
    if isinstance(geometry, Polyline):
        return _length(geometry.points)
    return sum(_length((*ring, ring[0])) for ring in _rings(geometry))


def point_count(geometry: Geometry) -> int:
    """Return how many points a person could take hold of; 0 for a mask and a tag."""
    if isinstance(geometry, (Polyline, Keypoints)):
        return len(geometry.points)
    return sum(map(len, _rings(geometry)))


def facts(geometry: Geometry) -> dict[str, float]:
    """Return what is worth knowing: ``x``, ``y``, ``width``, ``height``, ``area``, ``perimeter``, ``points``, ``angle``.

    Pixels, square pixels, degrees clockwise; what means nothing for the kind is left out.
    """
    if geometry.kind == "tag":
        return {}
    x1, y1, x2, y2 = geometry.bounds()
    found = {"x": x1, "y": y1, "width": x2 - x1, "height": y2 - y1}
    if isinstance(geometry, OrientedBox):
        found |= {"width": geometry.w, "height": geometry.h}
        found["angle"] = math.degrees(geometry.angle_rad)
    if not isinstance(geometry, Keypoints):
        found["perimeter"] = perimeter(geometry)
        if not isinstance(geometry, Polyline):
            found["area"] = geometry.area()
    if count := point_count(geometry):
        found["points"] = float(count)
    return found


def _rings(geometry: Geometry) -> tuple[tuple[Point, ...], ...]:
    if isinstance(geometry, Polygon):
        return geometry.rings()
    return (geometry.corners(),) if isinstance(geometry, (Box, OrientedBox)) else ()


def _length(points: tuple[Point, ...]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(points))
