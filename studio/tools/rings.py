"""Pure functions on outlines: is a point inside, how far is it, which edge is nearest. Numpy, no shapes, no Qt.

A ring is an (N, 2) float64 array of x, y in image pixels; its last point is joined to its first. A shape's outline is
a list of rings of which the even-odd rule makes exterior and holes. A *path* is the same array left open.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import floor
from typing import TypeGuard

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.data.annotations import Geometry, Keypoints, Mask, Polygon, Polyline, to_polygons

Ring = NDArray[np.float64]
Rect = tuple[float, float, float, float]
_LARGE_MASK = 800  # runs: a mask about 400 pixels wide
_SKETCH_PX = 1.25  # less than a pixel would keep the steps of a slanted edge


def outline(geometry: Geometry) -> list[Ring]:
    """Return the rings of a geometry; lines, keypoints and image tags have none. That of a large mask is a sketch."""
    if is_large_mask(geometry):
        return mask_sketch(geometry)
    return [_array(ring) for part in to_polygons(geometry) for ring in part.rings()]


def is_large_mask(geometry: Geometry) -> TypeGuard[Mask]:
    """Tell whether a geometry is a mask whose outline takes long to work out."""
    return isinstance(geometry, Mask) and len(geometry.counts) > _LARGE_MASK


def _array(points: Sequence[tuple[float, float]]) -> Ring:
    """Return points as an array; going through them as one chain of numbers is four times as fast as pair by pair."""
    flat = np.fromiter(chain.from_iterable(points), np.float64, 2 * len(points))
    return flat.reshape(-1, 2)


def mask_sketch(mask: Mask) -> list[Ring]:
    """Return outlines of a mask that stay within a pixel or two of it and have few vertices, in a fraction of the time.

    The outline along its pixels' edges has a vertex for each step: of a large object tens of thousands, which nobody can see
    and which take a quarter of a second to trace and to draw.
    """
    window, (x, y) = mask.window()
    # A pixel more to the right and below: then the line through pixels' middles has the place of the pixels' edges.
    grown = cv2.dilate(np.pad(window, 1), np.ones((2, 2), np.uint8), anchor=(1, 1))
    contours, _ = cv2.findContours(grown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    thinned = (cv2.approxPolyDP(contour, _SKETCH_PX, True)[:, 0] for contour in contours)
    corner = np.array([x, y]) - 1.0
    return [ring.astype(np.float64) + corner for ring in thinned if len(ring) > 2]


def covers(mask: Mask, x: float, y: float) -> bool:
    """Tell whether a point lies in a pixel of a mask."""
    column, row = floor(x), floor(y)
    if not (0 <= column < mask.width and 0 <= row < mask.height):
        return False
    ends = np.cumsum(mask.counts)
    return bool(np.searchsorted(ends, column * mask.height + row, side="right") % 2)


def area_points(geometry: Geometry) -> Ring:
    """Return the points that a person can snap to: corners, vertices, keypoints; none for a mask."""
    if isinstance(geometry, Mask):
        return np.empty((0, 2))  # its corners are pixel corners, thousands of them
    if isinstance(geometry, Keypoints):
        return np.array(geometry.labelled(), np.float64).reshape(-1, 2)
    if isinstance(geometry, Polyline):
        return np.array(geometry.points, np.float64).reshape(-1, 2)
    rings = outline(geometry)
    return np.concatenate(rings) if rings else np.empty((0, 2))


def is_inside(rings: Sequence[Ring], x: float, y: float) -> bool:
    """Tell whether the point lies inside by the even-odd rule over all rings."""
    crossings = 0
    for ring in rings:
        following = _following(ring)
        (x0, y0), (x1, y1) = ring.T, following.T
        spans = (y0 > y) != (y1 > y)
        if spans.any():
            x0, y0, x1, y1 = x0[spans], y0[spans], x1[spans], y1[spans]
            crossings += int(np.count_nonzero(x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)))
    return crossings % 2 == 1


def nearest_edge(rings: Sequence[Ring], x: float, y: float) -> tuple[float, int, int]:
    """Return ``(distance, ring, edge)`` of the edge nearest to the point; edge i begins at point i.

    The distance is infinite where there are no rings.
    """
    best = (float("inf"), -1, -1)
    for number, ring in enumerate(rings):
        distances = _segment_distances(ring, _following(ring), x, y)
        edge = int(distances.argmin())
        best = min(best, (float(distances[edge]), number, edge))
    return best


def nearest_segment(path: Ring, x: float, y: float) -> tuple[float, int]:
    """Return ``(distance, edge)`` of the edge of an open path nearest to a point; infinite where there is none."""
    if len(path) < 2:
        distance, index = nearest_point(path, x, y)
        return distance, index
    distances = _segment_distances(path[:-1], path[1:], x, y)
    edge = int(distances.argmin())
    return float(distances[edge]), edge


def nearest_point(points: Ring, x: float, y: float) -> tuple[float, int]:
    """Return ``(distance, index)`` of the nearest of some points; infinite where there are none."""
    if not len(points):
        return float("inf"), -1
    distances = np.hypot(points[:, 0] - x, points[:, 1] - y)
    index = int(distances.argmin())
    return float(distances[index]), index


def touches(rings: Sequence[Ring], rect: Rect) -> bool:
    """Tell whether the area of the rings and the rectangle (x1, y1, x2, y2) share a point."""
    x1, y1, x2, y2 = rect
    if any(_crosses(ring, _following(ring), rect) for ring in rings):
        return True
    return is_inside(rings, (x1 + x2) / 2, (y1 + y2) / 2)


def path_touches(path: Ring, rect: Rect) -> bool:
    """Tell whether an open path and the rectangle (x1, y1, x2, y2) share a point."""
    if len(path) < 2:
        return bool(len(path)) and bool(_crosses(path, path, rect))
    return _crosses(path[:-1], path[1:], rect)


def midpoints(ring: Ring) -> Ring:
    """Return the middle of each edge, (N, 2)."""
    return (ring + _following(ring)) / 2


def polygon_from(rings: Sequence[Sequence[tuple[float, float]]]) -> Polygon:
    """Return the polygon whose exterior is the first ring and whose holes are the others."""
    return Polygon(tuple(rings[0]), tuple(tuple(ring) for ring in rings[1:]))


def _following(ring: Ring) -> Ring:
    return np.roll(ring, -1, axis=0)


def _segment_distances(start: Ring, end: Ring, x: float, y: float) -> NDArray[np.float64]:
    along = end - start
    to_point = np.array([x, y]) - start
    length = np.maximum((along * along).sum(axis=1), 1e-12)
    share = np.clip((to_point * along).sum(axis=1) / length, 0.0, 1.0)
    away = to_point - along * share[:, None]
    return np.hypot(away[:, 0], away[:, 1])


def _crosses(begin: Ring, end: Ring, rect: Rect) -> bool:
    """Clip every edge to the rectangle at once (Liang and Barsky, 1984); True where some part of one is left."""
    x1, y1, x2, y2 = rect
    along = end - begin
    enter = np.zeros(len(begin))
    leave = np.ones(len(begin))
    for axis, low, high in ((0, x1, x2), (1, y1, y2)):
        start, step = begin[:, axis], along[:, axis]
        still = step == 0
        safe = np.where(still, 1.0, step)
        first, second = (low - start) / safe, (high - start) / safe
        outside = still & ((start < low) | (start > high))
        enter = np.where(still, enter, np.maximum(enter, np.minimum(first, second)))
        leave = np.where(still, leave, np.minimum(leave, np.maximum(first, second)))
        leave = np.where(outside, -1.0, leave)
    return bool((enter <= leave).any())
