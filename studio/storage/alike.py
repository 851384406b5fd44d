"""Shapes that say the same of an image: of one class and kind, each of their points within half a pixel.

From which vertex on and in which direction a polygon or a box is told makes no difference: programs have their own habits.
Lines may have a direction that means something, so theirs counts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from engine.data.annotations import Box, Geometry, Keypoints, Mask, OrientedBox, Polygon, Polyline
from studio.model.records import Shape
from studio.storage.ring_match import is_same_polygon, ring_sizes

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
    places: dict[Hashable, list[tuple[Points, Geometry]]] = {}
    for shape in present:
        key, points = _said(shape)
        turned = _turns(points) if isinstance(shape.geometry, OrientedBox) else [points]
        places.setdefault(key, []).extend((one, shape.geometry) for one in turned)
    known = {key: _sorted(found) for key, found in places.items()}
    return [shape for shape in shapes if not _is_known(shape, known)]


@dataclass(frozen=True)
class _Places:
    """The shapes of one key: a row of coordinates for each, sorted by the first, by which those nearby are found."""

    rows: np.ndarray
    geometries: list[Geometry]


def _sorted(places: Sequence[tuple[Points, Geometry]]) -> _Places:
    rows = np.array([points for points, _ in places], float).reshape(len(places), -1)
    order = rows[:, 0].argsort() if rows.size else np.arange(len(places))
    return _Places(rows[order], [places[place][1] for place in order.tolist()])


def _is_known(shape: Shape, known: dict[Hashable, _Places]) -> bool:
    key, points = _said(shape)
    found = known.get(key)
    if found is None or not found.rows.size:
        return found is not None
    wanted = np.array(points, float).reshape(-1)
    around = 2 * NEAR_PX  # more than is near, so that rounding loses none
    first, last = np.searchsorted(found.rows[:, 0], (wanted[0] - around, wanted[0] + around))
    near = (np.abs(found.rows[first:last] - wanted) <= NEAR_PX).all(axis=1)
    places = (np.flatnonzero(near) + first).tolist()
    return any(_agree(shape.geometry, found.geometries[place]) for place in places)


def _agree(one: Geometry, other: Geometry) -> bool:
    """Tell whether two geometries whose points are near each other are the same: of polygons these are only the bounds."""
    if isinstance(one, Polygon) and isinstance(other, Polygon):
        return is_same_polygon(one, other, NEAR_PX)
    return True


def _said(shape: Shape) -> _Said:
    """Return what has to be equal for two shapes to be alike, and the points that have to be near."""
    geometry = shape.geometry
    facts, points = _SAID.get(type(geometry), _nothing)(geometry)
    return (shape.class_id, geometry.kind, facts), points


def _of_box(box: Box) -> _Said:
    (x1, x2), (y1, y2) = sorted((box.x1, box.x2)), sorted((box.y1, box.y2))
    return (), ((x1, y1), (x2, y2))


def _of_oriented_box(box: OrientedBox) -> _Said:
    return (), box.corners()


def _of_polygon(polygon: Polygon) -> _Said:
    x1, y1, x2, y2 = polygon.bounds()
    return ring_sizes(polygon), ((x1, y1), (x2, y2))


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
