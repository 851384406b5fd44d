"""Polygons as arrays of points: measures, bounds, resampling, simplification.

Loads no torch. A polygon is an (n, 2) array of x, y, its last point joined to its first; several outer
rings or holes are one polygon whose parts are joined by edges walked there and back, as the label text
of the field writes them. Rasterising is in :mod:`engine.ops.raster`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def polygon_area(points: np.ndarray) -> float:
    """Return the signed area by the shoelace formula; positive when the points run clockwise on screen."""
    if len(points) < 3:
        return 0.0
    x, y = np.asarray(points, dtype=np.float64).T
    turns = np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:])  # the edge that closes it comes by itself
    return float(turns + x[-1] * y[0] - y[-1] * x[0]) / 2


def segment2box(segment: np.ndarray, width: float = 640, height: float = 640) -> np.ndarray:
    """Return the corners (4,) around a polygon cut at the border of a ``width`` x ``height`` image.

    Edges that cross the border count: the box surrounds the part of the polygon's outline inside the
    image. Zeros when nothing of the outline lies inside.
    """
    inside = _clip_ring(np.asarray(segment, dtype=np.float64), width, height)
    if not len(inside):
        return np.zeros(4, dtype=np.float32)
    return np.concatenate((inside.min(0), inside.max(0))).astype(np.float32)


def segments2boxes(segments: Sequence[np.ndarray]) -> np.ndarray:
    """Return the boxes around polygons as centre and size, (n, 4) float32 in the unit of the points."""
    boxes = np.zeros((len(segments), 4), dtype=np.float32)
    for box, segment in zip(boxes, segments, strict=True):
        low, high = segment.min(0), segment.max(0)
        box[:2], box[2:] = (low + high) / 2, high - low
    return boxes


def resample_segments(segments: Sequence[np.ndarray], n: int = 1000) -> np.ndarray:
    """Return each polygon as ``n`` points evenly spread over its closed outline, (len, n, 2) float32.

    The first point stays; the corners in between are cut by less than the spacing.
    """
    out = np.zeros((len(segments), n, 2), dtype=np.float32)
    for row, segment in zip(out, segments, strict=True):
        if len(segment) == n:
            row[:] = segment
            continue
        ring = np.concatenate((segment, segment[:1])).astype(np.float64)
        steps = np.hypot(*np.diff(ring, axis=0).T)
        along = np.concatenate(([0.0], np.cumsum(steps)))
        at = np.arange(n) * (along[-1] / n)
        row[:, 0] = np.interp(at, along, ring[:, 0])
        row[:, 1] = np.interp(at, along, ring[:, 1])
    return out


def simplify(points: np.ndarray, tolerance: float) -> np.ndarray:
    """Drop points that lie within ``tolerance`` of the outline without them (Douglas and Peucker 1973).

    Returns:
        (k, 2) of the input's dtype, never fewer than three points when three were given.
    """
    if len(points) <= 3 or tolerance <= 0:
        return np.asarray(points)
    points = np.asarray(points)
    # A ring has no ends: cut it at two points far apart, so that the result does not depend on the first.
    start = int(np.argmax(((points - points.mean(0)) ** 2).sum(1)))
    far = int(np.argmax(((points - points[start]) ** 2).sum(1)))
    first, second = sorted((start, far))
    keep = np.zeros(len(points), dtype=bool)
    keep[[first, second]] = True
    order = np.arange(len(points))
    for chain in (order[first : second + 1], np.concatenate((order[second:], order[: first + 1]))):
        keep[chain[_douglas_peucker(points[chain].astype(np.float64), tolerance)]] = True
    if keep.sum() < 3:
        keep[int(np.argmax(_distance_to_line(points, points[first], points[second])))] = True
    return points[keep]


def join_rings(rings: Sequence[np.ndarray]) -> np.ndarray:
    """Join rings into one polygon by edges walked there and back between near points.

    The joining edges enclose no area, so measures and masks are those of the rings together.
    """
    joined = np.asarray(rings[0])
    for ring in rings[1:]:
        ring = np.asarray(ring)
        gaps = ((joined[:, None] - ring[None]) ** 2).sum(2)
        here, there = np.unravel_index(int(gaps.argmin()), gaps.shape)
        tour = np.concatenate((ring[there:], ring[: there + 1]))
        joined = np.concatenate((joined[: here + 1], tour, joined[here:]))
    return joined


def _clip_ring(ring: np.ndarray, width: float, height: float) -> np.ndarray:
    """Cut a ring at the image border, one side after the other (Sutherland and Hodgman 1974)."""
    for axis, limit, sign in ((0, 0.0, 1), (0, width, -1), (1, 0.0, 1), (1, height, -1)):
        if not len(ring):
            break
        depth = sign * (ring[:, axis] - limit)  # not negative: inside
        if depth.min() >= 0:
            continue
        following, next_depth = np.roll(ring, -1, axis=0), np.roll(depth, -1)
        crosses = (depth >= 0) != (next_depth >= 0)
        share = np.divide(depth, depth - next_depth, out=np.zeros_like(depth), where=crosses)
        crossing = ring + share[:, None] * (following - ring)
        crossing[:, axis] = limit
        both = np.stack((ring, crossing), 1).reshape(-1, 2)
        ring = both[np.stack((depth >= 0, crosses), 1).ravel()]
    return ring


def _distance_to_line(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the distance of points to the segment from ``a`` to ``b``."""
    along, offset = b - a, points - a
    length2 = float(along @ along)
    share = np.clip(offset @ along / length2, 0, 1) if length2 else np.zeros(len(points))
    return np.hypot(*(offset - share[:, None] * along).T)


def _douglas_peucker(chain: np.ndarray, tolerance: float) -> np.ndarray:
    """Return which points of an open chain to keep."""
    keep = np.zeros(len(chain), dtype=bool)
    keep[[0, -1]] = True
    stack = [(0, len(chain) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        distance = _distance_to_line(chain[first + 1 : last], chain[first], chain[last])
        worst = int(distance.argmax())
        if distance[worst] > tolerance:
            middle = first + 1 + worst
            keep[middle] = True
            stack += [(first, middle), (middle, last)]
    return keep
