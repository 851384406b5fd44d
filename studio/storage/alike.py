"""Shapes that say the same of an image: of one class and kind, each of their points within half a pixel."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
from typing import Any, TypeAlias

import numpy as np

from engine.data.annotations import Box, Geometry, Keypoints, Mask, OrientedBox, Polygon, Polyline
from studio.model.records import Shape

NEAR_PX = 0.5
Points: TypeAlias = Sequence[tuple[float, float]]
# What has to be equal, and the points that have to be near.
_Said: TypeAlias = tuple[Hashable, Points]
_CORNERS = 4


def unlike(present: Sequence[Shape], shapes: Iterable[Shape]) -> list[Shape]:
    """Return those of ``shapes`` that say something else than each of ``present``, in their order.

    Two of ``shapes`` are not compared with each other.

    Args:
        present: Shapes of an image.
        shapes: Others of the same image.
    """
    places: dict[Hashable, list[Points]] = {}
    for shape in present:
        key, points = _said(shape)
        turned = _turns(points) if isinstance(shape.geometry, OrientedBox) else [points]
        places.setdefault(key, []).extend(turned)
    known = {key: _sorted(points) for key, points in places.items()}
    return [shape for shape in shapes if not _is_known(shape, known)]


def _sorted(places: Sequence[Points]) -> np.ndarray:
    """Return a row of coordinates for each shape, sorted by the first, by which those nearby are found."""
    rows = np.array(places, float).reshape(len(places), -1)
    return rows[rows[:, 0].argsort()] if rows.size else rows


def _is_known(shape: Shape, known: dict[Hashable, np.ndarray]) -> bool:
    key, points = _said(shape)
    rows = known.get(key)
    if rows is None or not rows.size:
        return rows is not None
    wanted = np.array(points, float).reshape(-1)
    around = 2 * NEAR_PX  # more than is near, so that rounding loses none
    first, last = np.searchsorted(rows[:, 0], (wanted[0] - around, wanted[0] + around))
    return bool((np.abs(rows[first:last] - wanted) <= NEAR_PX).all(axis=1).any())


def _said(shape: Shape) -> _Said:
    """Return what has to be equal for two shapes to be alike, and the points that have to be near."""
    geometry = shape.geometry
    facts, points = _SAID.get(type(geometry), _nothing)(geometry)
    return (shape.class_id, geometry.kind, facts), points


def _of_box(box: Box) -> _Said:
    return (), ((box.x1, box.y1), (box.x2, box.y2))


def _of_oriented_box(box: OrientedBox) -> _Said:
    return (), box.corners()


def _of_polygon(polygon: Polygon) -> _Said:
    rings = polygon.rings()
    return tuple(map(len, rings)), tuple(chain.from_iterable(rings))


def _of_polyline(line: Polyline) -> _Said:
    return len(line.points), line.points


def _of_keypoints(keypoints: Keypoints) -> _Said:
    return keypoints.visibility, keypoints.labelled()


def _of_mask(mask: Mask) -> _Said:
    return (mask.counts, mask.height, mask.width), ()


def _nothing(_geometry: Geometry) -> _Said:
    return (), ()


_SAID: dict[type, Callable[[Any], _Said]] = {
    Box: _of_box,
    OrientedBox: _of_oriented_box,
    Polygon: _of_polygon,
    Polyline: _of_polyline,
    Keypoints: _of_keypoints,
    Mask: _of_mask,
}


def _turns(corners: Points) -> list[Points]:
    """Return the corners of a rotated box from each of them on: programs differ in which side is its width."""
    return [
        tuple(corners[(n + start) % _CORNERS] for n in range(_CORNERS)) for start in range(_CORNERS)
    ]
