"""A geometry between two others: what an object of a video is between two frames on which somebody drew it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
    to_polygons,
)
from studio.language import tr
from studio.model.errors import EditError
from studio.model.kind_words import KIND_WORDS

_SAMPLES = 64  # of an outline, to find which vertex of one belongs to which of the other
Ring = Sequence[tuple[float, float]]


def between(first: Geometry, second: Geometry, share: float) -> Geometry:
    """Return what lies between two geometries: ``first`` at share 0, ``second`` at share 1.

    Boxes, lines and keypoints move in straight lines, a rotated box turns the shorter way. Of two outlines those vertices
    belong together that make the sum of the squared ways smallest after the middles were laid upon each other; where one
    has fewer, it gets more on its edges. Holes belong together by their order from left to right; where their numbers
    differ, those of the nearer outline are kept. Masks are mixed by the distance to their borders (Raya and Udupa,
    Shape-based interpolation of multidimensional objects, 1990), their middles laid upon each other.

    Args:
        first: A geometry.
        second: Another one of the same kind; a box and an outline meet as outlines.
        share: How far from the first to the second, 0..1.

    Raises:
        EditError: The kinds have nothing in common.
    """
    if share <= 0 or share >= 1:
        return first if share <= 0 else second
    if type(first) is not type(second):
        first, second = _as_polygon(first, second), _as_polygon(second, first)
    mix = _KINDS.get(type(first))
    if mix is None:
        raise _strangers(first, second)
    return mix(first, second, share)


def _box(first: Box, second: Box, share: float) -> Box:
    return Box(*_mixed(first.bounds(), second.bounds(), share))


def _oriented(first: OrientedBox, second: OrientedBox, share: float) -> OrientedBox:
    cx, cy, w, h = _mixed(
        (first.cx, first.cy, first.w, first.h), (second.cx, second.cy, second.w, second.h), share
    )
    # A box that is turned by half a turn is the same box.
    turn = math.remainder(second.angle_rad - first.angle_rad, math.pi)
    return OrientedBox(cx, cy, w, h, first.angle_rad + share * turn)


def _polygon(first: Polygon, second: Polygon, share: float) -> Polygon:
    outer = _ring(first.exterior, second.exterior, share)
    if len(first.holes) == len(second.holes):
        pairs = zip(sorted(first.holes, key=_left), sorted(second.holes, key=_left), strict=True)
        return Polygon(outer, tuple(_ring(a, b, share) for a, b in pairs))
    nearer = first if share < 0.5 else second
    dx, dy = _middle(np.array(outer)) - _middle(np.array(nearer.exterior))
    holes = (tuple((x + dx, y + dy) for x, y in hole) for hole in nearer.holes)
    return Polygon(outer, tuple(holes))


def _polyline(first: Polyline, second: Polyline, share: float) -> Polyline:
    a, b = _same_count(np.array(first.points), np.array(second.points), closed=False)
    return Polyline(_tuples((1 - share) * a + share * b))


def _keypoints(first: Keypoints, second: Keypoints, share: float) -> Keypoints:
    if len(first.points) != len(second.points):
        raise EditError(tr("The two have different numbers of keypoints."))
    a, b = np.array(first.points), np.array(second.points)
    nearer = first if share < 0.5 else second
    points = (1 - share) * a + share * b
    # A keypoint that is nowhere in one of them has no way to go.
    for i, (va, vb) in enumerate(zip(first.visibility, second.visibility, strict=True)):
        if not va or not vb:
            points[i] = nearer.points[i]
    return replace(nearer, points=_tuples(points))


def _mask(first: Mask, second: Mask, share: float) -> Mask:
    if (first.height, first.width) != (second.height, second.width):
        raise EditError(tr("The two masks have different sizes."))
    arrays = [mask.to_array().astype(np.uint8) for mask in (first, second)]
    middles = [np.argwhere(array).mean(0)[::-1] if array.any() else np.zeros(2) for array in arrays]
    target = (1 - share) * middles[0] + share * middles[1]
    depth = np.zeros(arrays[0].shape, np.float32)
    for array, middle, weight in zip(arrays, middles, (1 - share, share), strict=True):
        shift = np.column_stack((np.eye(2), target - middle))
        moved = cv2.warpAffine(array, shift, array.shape[::-1], flags=cv2.INTER_NEAREST)
        depth += weight * _depth(moved)
    return Mask.from_array(depth > 0)


_KINDS: dict[type, Callable[[Any, Any, float], Geometry]] = {
    Box: _box,
    OrientedBox: _oriented,
    Polygon: _polygon,
    Polyline: _polyline,
    Keypoints: _keypoints,
    Mask: _mask,
    Tag: lambda first, _second, _share: first,
}


def _as_polygon(geometry: Geometry, other: Geometry) -> Geometry:
    found = to_polygons(geometry)
    if not found:
        raise _strangers(geometry, other)
    return found[0]


def _strangers(first: Geometry, second: Geometry) -> EditError:
    return EditError(
        tr("There is nothing between {first} and {second}.").format(
            first=KIND_WORDS[first.kind], second=KIND_WORDS[second.kind]
        ),
        remedy=tr("Draw the object in the same way on both images."),
    )


def _mixed(first: Sequence[float], second: Sequence[float], share: float) -> list[float]:
    return [(1 - share) * a + share * b for a, b in zip(first, second, strict=True)]


def _ring(first: Ring, second: Ring, share: float) -> tuple[tuple[float, float], ...]:
    a, b = np.array(first, float), np.array(second, float)
    if _area(a) * _area(b) < 0:
        b = b[::-1]
    if len(a) != len(b):
        a, b = _same_count(a, _turned(a, b), closed=True)
    # With equal counts vertices belong to vertices, whatever the edges' lengths.
    shift = _best_shift(a, b)
    return _tuples((1 - share) * a + share * np.roll(b, -shift, axis=0))


def _best_shift(a: np.ndarray, b: np.ndarray) -> int:
    """Return by how many places ``b`` (n, 2) is rolled back to lie best on ``a`` (n, 2)."""
    a, b = a - _middle(a), b - _middle(b)
    costs = [((a - np.roll(b, -shift, axis=0)) ** 2).sum() for shift in range(len(b))]
    return int(np.argmin(costs))


def _turned(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the ring ``b`` (m, 2) beginning at the vertex nearest to where ``a`` (n, 2) begins, along the outline."""
    at = np.arange(_SAMPLES) / _SAMPLES
    shift = _best_shift(_along(a, at), _along(b, at)) / _SAMPLES
    places = _places(b, closed=True)
    gaps = np.abs(places - shift)
    return np.roll(b, -int(np.argmin(np.minimum(gaps, 1 - gaps))), axis=0)


def _same_count(a: np.ndarray, b: np.ndarray, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return both outlines with the vertices of both, each at its share of the outline's length."""
    if len(a) == len(b):
        return a, b
    at = np.unique(np.concatenate((_places(a, closed), _places(b, closed))))
    return _along(a, at, closed), _along(b, at, closed)


def _places(points: np.ndarray, closed: bool) -> np.ndarray:
    """Return where each vertex lies, as a share of the length, 0..1."""
    ring = np.concatenate((points, points[:1])) if closed else points
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))))
    shares = along / max(along[-1], 1e-9)
    return shares[:-1] if closed else shares


def _along(points: np.ndarray, at: np.ndarray, closed: bool = True) -> np.ndarray:
    """Return the points at shares of the length, (len(at), 2)."""
    ring = np.concatenate((points, points[:1])) if closed else points
    places = _places(points, closed)
    places = np.append(places, 1.0) if closed else places
    return np.stack([np.interp(at, places, ring[:, axis]) for axis in (0, 1)], 1)


def _area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def _middle(points: np.ndarray) -> np.ndarray:
    return points.mean(0)


def _left(ring: Ring) -> tuple[float, float]:
    return min(ring)


def _depth(mask: np.ndarray) -> np.ndarray:
    """Return how deep each pixel lies inside a mask, negative outside."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return inside - outside


def _tuples(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in points)
