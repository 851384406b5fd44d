"""Cutting polygons at the border of the picture, all polygons of a picture at once. Numpy only."""

from __future__ import annotations

import numpy as np


def clip_polygons(
    points: np.ndarray, counts: np.ndarray, bounds: tuple[float, float, float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Cut polygons at a rectangle, one side after the other (Sutherland and Hodgman 1974).

    Parts that the border separates stay joined by edges along the border, which enclose no area.

    Args:
        points: (P, 2) points of all polygons, one polygon after the other.
        counts: (n,) number of points of each; none may be 0.
        bounds: Corners (x0, y0, x1, y1) of the rectangle.

    Returns:
        The points inside and the new counts, (n,), 0 for a polygon that lies outside.
    """
    counts = np.asarray(counts)
    x0, y0, x1, y1 = bounds
    for axis, limit, sign in ((0, x0, 1), (0, x1, -1), (1, y0, 1), (1, y1, -1)):
        if not len(points):
            break
        depth = sign * (points[:, axis] - points.dtype.type(limit))  # not negative: inside
        if depth.min() >= 0:
            continue
        points, counts = _cut(points, counts, depth, axis, limit)
    return points, counts


def clip_polygon(points: np.ndarray, width: float, height: float) -> np.ndarray:
    """Cut one polygon (n, 2) at 0..width, 0..height; empty when it lies outside."""
    return clip_polygons(points, np.array([len(points)]), (0.0, 0.0, width, height))[0]


def following(counts: np.ndarray, total: int) -> np.ndarray:
    """Return for each point of joined polygons the index of the next point of its polygon."""
    out = np.arange(1, total + 1)
    ends = np.cumsum(counts)
    full = counts > 0
    out[ends[full] - 1] = ends[full] - counts[full]
    return out


def _cut(
    points: np.ndarray, counts: np.ndarray, depth: np.ndarray, axis: int, limit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Keep the points of not negative depth and add those where edges cross the line."""
    after = following(counts, len(points))
    inside = depth >= 0
    crosses = inside != inside[after]
    at = np.flatnonzero(crosses)
    share = depth[at] / (depth[at] - depth[after[at]])
    crossing = points[at] + share[:, None] * (points[after[at]] - points[at])
    crossing[:, axis] = limit
    # Each point inside is followed by the crossing on the edge that leaves it, where there is one.
    made = inside.astype(np.int64) + crosses
    start = np.cumsum(made) - made
    out = np.empty((int(made.sum()), 2), dtype=points.dtype)
    out[start[inside]] = points[inside]
    out[start[at] + inside[at]] = crossing
    owner = np.repeat(np.arange(len(counts)), counts)
    kept = np.bincount(owner[inside], minlength=len(counts))
    return out, kept + np.bincount(owner[at], minlength=len(counts))
