"""How much two annotated shapes overlap, whatever their kinds. Pure functions; no image is needed."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from engine.data.annotations import Box, Geometry, Polygon, Tag
from engine.data.annotations.convert import to_polygons
from engine.metrics.overlaps import box_overlaps

_RASTER = 192  # pixels of the longer side: an IoU is right to about a hundredth
_LEAST = 0.05  # boxes that overlap less belong to objects that have nothing to do with one another


def overlaps(first: Sequence[Geometry], second: Sequence[Geometry]) -> np.ndarray:
    """Return the intersection over union of every shape with every other, (len(first), len(second)).

    Two outlines are compared as outlines; an outline with a box, or keypoints with anything, as the boxes around
    them. A tag, which has no place, and a shape without extent overlap nothing.
    """
    if not first or not second:
        return np.zeros((len(first), len(second)))
    found = box_overlaps(_bounds(first), _bounds(second))
    for row, column in np.argwhere(found > _LEAST).tolist():
        if _has_outline(first[row]) and _has_outline(second[column]):
            found[row, column] = outline_overlap(first[row], second[column])
    return found


def outline_overlap(first: Geometry, second: Geometry) -> float:
    """Return the intersection over union of two outlines, from pixels of a window around both."""
    rings = [to_polygons(first), to_polygons(second)]
    corners = np.array([first.bounds(), second.bounds()])
    low, high = corners[:, :2].min(0), corners[:, 2:].max(0)
    scale = _RASTER / max(float((high - low).max()), 1e-6)
    size = np.maximum(np.ceil((high - low) * scale), 1).astype(int)
    one, other = (_raster(polygons, low, scale, size) for polygons in rings)
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 0.0


def _raster(
    polygons: Sequence[Polygon], low: np.ndarray, scale: float, size: np.ndarray
) -> np.ndarray:
    """Return the inside of polygons on the window (h, w) uint8, holes left out."""
    canvas = np.zeros((size[1], size[0]), np.uint8)
    for polygon in polygons:
        for number, ring in enumerate(polygon.rings()):
            points = np.round((np.asarray(ring, float) - low) * scale - 0.5).astype(np.int32)
            cv2.fillPoly(canvas, [points], int(number == 0))
    return canvas


def _has_outline(geometry: Geometry) -> bool:
    return not isinstance(geometry, Box | Tag) and geometry.area() > 0


def _bounds(shapes: Sequence[Geometry]) -> np.ndarray:
    return np.array([shape.bounds() for shape in shapes], dtype=float).reshape(-1, 4)
