"""Holes in one ring: the label text of the field holds a single ring an object, so holes are joined to it.

A bridge is an edge walked there and back. It encloses no area, and under the even-odd rule, which our
masks and OpenCV's ``fillPoly`` follow, the joined ring covers exactly what the polygon covers.
"""

from __future__ import annotations

import numpy as np

from engine.data.annotations import Polygon
from engine.ops.polygons import join_rings, polygon_area


def bridged(polygons: list[Polygon]) -> np.ndarray:
    """Join the outlines and holes of the parts of one object into one ring, (n, 2)."""
    rings = []
    for polygon in polygons:
        outer, *holes = (np.array(ring, dtype=np.float64) for ring in polygon.rings())
        # Holes run against their outline, so that the non-zero rule of other programs agrees.
        rings.append(outer if polygon_area(outer) > 0 else outer[::-1])
        rings += [hole if polygon_area(hole) < 0 else hole[::-1] for hole in holes]
    return join_rings(rings)


def unbridged(ring: np.ndarray) -> Polygon:
    """Undo :func:`bridged` where the ring is one outline with holes; other rings stay as they are."""
    rings = _cut(np.asarray(ring, dtype=np.float64))
    if len(rings) > 1:
        rings.sort(key=lambda r: -abs(polygon_area(r)))
        outer, holes = rings[0], rings[1:]
        if all(_inside(hole[0], outer) for hole in holes):
            return Polygon.of(outer.tolist(), [hole.tolist() for hole in holes])
    return Polygon.of(np.asarray(ring).tolist())


def separated(polygon: Polygon) -> list[Polygon]:
    """Return the parts of an object that :func:`bridged` joined, each with its holes; others as they are."""
    rings = _cut(np.array(polygon.exterior, dtype=np.float64))
    if len(rings) == 1:
        return [polygon]
    rings.sort(key=lambda r: -abs(polygon_area(r)))
    depths = [sum(_inside(ring[0], outer) for outer in rings[:i]) for i, ring in enumerate(rings)]
    outers = [i for i, depth in enumerate(depths) if depth % 2 == 0]
    holes: dict[int, list[list[list[float]]]] = {i: [] for i in outers}
    for i, ring in enumerate(rings):
        if depths[i] % 2:
            owner = next(o for o in reversed(outers) if o < i and _inside(ring[0], rings[o]))
            holes[owner].append(ring.tolist())
    parts = [Polygon.of(rings[i].tolist(), holes[i]) for i in outers]
    parts[0] = Polygon(parts[0].exterior, (*parts[0].holes, *polygon.holes))
    return parts


def _cut(ring: np.ndarray) -> list[np.ndarray]:
    """Cut a ring at all its bridges."""
    loops, done = [ring], []
    while loops:
        loop = loops.pop()
        bridge = _first_bridge(loop)
        if bridge is None:
            done.append(loop)
            continue
        i, j = bridge  # loop[i] -> loop[i + 1] ... loop[j] -> loop[j + 1] = loop[i]
        # Both ends of the bridge appear twice; each loop keeps its own once.
        parts = loop[i + 1 : j], np.concatenate((loop[j + 1 :], loop[:i]))
        if min(map(len, parts)) < 3:
            return [ring]
        loops += parts
    return done


def _first_bridge(loop: np.ndarray) -> tuple[int, int] | None:
    """Return the edges (i, j), i < j, that run there and back between the same two points."""
    points = list(map(tuple, loop.tolist()))
    edges = {}
    for j in range(len(points)):
        here, there = points[j], points[(j + 1) % len(points)]
        if (i := edges.get((there, here))) is not None and j - i > 3:
            return i, j
        edges.setdefault((here, there), j)
    return None


def _inside(point: np.ndarray, ring: np.ndarray) -> bool:
    """Even-odd rule for one point."""
    x, y = point
    (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
    crosses = (y0 > y) != (y1 > y)
    at = x0[crosses] + (y - y0[crosses]) * (x1 - x0)[crosses] / (y1 - y0)[crosses]
    return bool(np.count_nonzero(at > x) % 2)
