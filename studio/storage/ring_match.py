"""Whether two polygons are the same rings: from whichever vertex on and in whichever direction, holes in any order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from engine.data.annotations import Polygon

Ring: TypeAlias = np.ndarray  # (N, 2)


def rings_of(polygon: Polygon) -> list[Ring]:
    """Return the rings of a polygon, the exterior first, without a last point that repeats the first."""
    return [np.array(_open(ring), float).reshape(-1, 2) for ring in polygon.rings()]


def is_same_ring(one: Ring, other: Ring, near: float) -> bool:
    """Tell whether each vertex of a ring lies near its counterpart of another one.

    There is no canonical first vertex: of two that lie equally far to the left, rounding would choose now this one, now
    that. So each vertex of the other ring near the first of this one is tried as its counterpart, which is seldom more
    than one.

    Args:
        one: (N, 2) pixels.
        other: (M, 2) pixels.
        near: How far apart two vertices may be in x and in y, pixels.
    """
    if len(one) != len(other):
        return False
    if not len(one):
        return True
    starts = np.flatnonzero((np.abs(other - one[0]) <= near).all(axis=1))
    for start in starts.tolist():
        for turned in (other[start:], other[:start]), (other[start::-1], other[:start:-1]):
            if (np.abs(np.concatenate(turned) - one) <= near).all():
                return True
    return False


def is_same_polygon(one: Polygon, other: Polygon, near: float) -> bool:
    """Tell whether two polygons have the same exterior and the same holes, each vertex within ``near`` pixels."""
    if one == other:  # as after importing a file again: most are settled here
        return True
    (outer, *holes), (other_outer, *left) = rings_of(one), rings_of(other)
    if len(holes) != len(left) or not is_same_ring(outer, other_outer, near):
        return False
    for hole in holes:
        match = next((n for n, ring in enumerate(left) if is_same_ring(hole, ring, near)), None)
        if match is None:
            return False
        del left[match]
    return True


def ring_sizes(polygon: Polygon) -> tuple[int, ...]:
    """Return how many vertices the exterior has, then the holes, the smallest first."""
    outer, *holes = (len(_open(ring)) for ring in polygon.rings())
    return (outer, *sorted(holes))


def _open(ring: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    return ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
