"""Where a point goes that comes near another shape, and the way along that shape's border between two such points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import dist, inf
from typing import Literal

import numpy as np

from engine.data.annotations import Mask, Point, Polyline
from studio.tools.base import rounded
from studio.tools.rings import Ring, nearest_edge, nearest_point, nearest_segment
from studio.tools.scene import Entry, Scene

_ON_PATH = -1  # number of the "ring" of an open line
_EDGE_SHARE = 0.75  # of the reach of a vertex: where both are near, the vertex is meant


@dataclass(frozen=True, slots=True)
class Snap:
    """A point, and what attracted it.

    Attributes:
        point: Image pixels, a tenth of a pixel.
        kind: ``free`` where nothing did; ``border`` is that of the image.
        shape_id: The shape whose vertex or edge it is, else 0.
        ring: Which of its rings; -1 for an open line.
        place: Number of the edge and, behind the point, the share of it.
    """

    point: Point
    kind: Literal["free", "vertex", "edge", "border"] = "free"
    shape_id: int = 0
    ring: int = 0
    place: float = 0.0

    @property
    def is_on_shape(self) -> bool:
        """Whether it lies on another shape."""
        return self.kind in ("vertex", "edge")


def find_snap(
    scene: Scene, x: float, y: float, tolerance: float, ignore: Iterable[int] = ()
) -> Snap:
    """Return where a point at (x, y) goes: to a vertex, else to an edge of a shape, else to the image's border, else nowhere.

    Args:
        scene: The shapes; snapping may be switched off there.
        x: Image pixels.
        y: Image pixels.
        tolerance: How far a vertex reaches; 0: nothing attracts.
        ignore: Shapes that attract nothing.
    """
    if not scene.snapping or tolerance <= 0:
        return Snap((rounded(x), rounded(y)))
    rect = (x - tolerance, y - tolerance, x + tolerance, y + tolerance)
    left_out = frozenset(ignore)
    entries = [e for e in scene.entries_touching(rect) if e.shape.id not in left_out]
    found = _nearest_vertex(entries, x, y, tolerance)
    found = found or _nearest_on_edge(entries, x, y, tolerance * _EDGE_SHARE)
    if found is not None:
        return found
    point, snapped = scene.snap_to_border(x, y, tolerance)
    return Snap(point, "border" if snapped else "free")


def border_between(scene: Scene, first: Snap, second: Snap) -> list[Snap]:
    """Return the vertices that lie between two places of one border, the shorter way round; none for places of different ones."""
    same = first.is_on_shape and second.is_on_shape and first.shape_id == second.shape_id
    entry = scene.entry(first.shape_id)
    if not same or first.ring != second.ring or entry is None:
        return []
    ring = entry.points if first.ring == _ON_PATH else entry.rings[first.ring]
    if max(first.place, second.place) >= len(ring):  # the neighbour was changed meanwhile
        return []
    ways = [_forward(ring, first.place, second.place, first.ring != _ON_PATH)]
    ways.append(_reversed(_forward(ring, second.place, first.place, first.ring != _ON_PATH)))
    ends = first.point, second.point
    best = min((way for way in ways if way is not None), key=lambda way: _length(ring, way, ends))
    return [
        Snap((rounded(ring[i, 0]), rounded(ring[i, 1])), "vertex", first.shape_id, first.ring, i)
        for i in best
    ]


def _forward(ring: Ring, start: float, stop: float, closed: bool) -> list[int] | None:
    """Return the vertices strictly between two places, walking upwards; None where an open line has no such way."""
    count = len(ring)
    if stop < start:
        if not closed:
            return None
        stop += count
    return [i % count for i in range(int(np.floor(start)) + 1, int(np.ceil(stop)))]


def _reversed(way: list[int] | None) -> list[int] | None:
    return None if way is None else way[::-1]


def _length(ring: Ring, way: Sequence[int], ends: tuple[Point, Point]) -> float:
    stops = [ends[0], *((float(ring[i, 0]), float(ring[i, 1])) for i in way), ends[1]]
    return sum(map(dist, stops, stops[1:]))


def _paths(entry: Entry) -> list[tuple[int, Ring]]:
    """Return what of a shape attracts, with the number of each ring; a mask's pixel corners do not."""
    if isinstance(entry.shape.geometry, Mask):
        return []
    if entry.rings:
        return list(enumerate(entry.rings))
    return [(_ON_PATH, entry.points)] if len(entry.points) else []


def _nearest_vertex(entries: Iterable[Entry], x: float, y: float, reach: float) -> Snap | None:
    best, found = reach, None
    for entry in entries:
        for number, ring in _paths(entry):
            distance, index = nearest_point(ring, x, y)
            if distance <= best:
                point = float(ring[index, 0]), float(ring[index, 1])
                best, found = distance, Snap(point, "vertex", entry.shape.id, number, index)
    return found


def _nearest_on_edge(entries: Iterable[Entry], x: float, y: float, reach: float) -> Snap | None:
    best, found = reach, None
    for entry in entries:
        for number, ring in _paths(entry):
            if number == _ON_PATH and not isinstance(entry.shape.geometry, Polyline):
                continue  # keypoints have no edges
            distance, edge = _edge_of(number, ring, x, y)
            if distance <= best:
                point, share = _foot(ring[edge], ring[(edge + 1) % len(ring)], x, y)
                best = distance
                found = Snap(point, "edge", entry.shape.id, number, edge + share)
    return found


def _edge_of(number: int, ring: Ring, x: float, y: float) -> tuple[float, int]:
    if number == _ON_PATH:
        return nearest_segment(ring, x, y)
    distance, _, edge = nearest_edge([ring], x, y)
    return (distance, edge) if edge >= 0 else (inf, 0)


def _foot(start: Ring, end: Ring, x: float, y: float) -> tuple[Point, float]:
    """Return the point of an edge nearest to (x, y), and its share of the edge in [0, 1)."""
    along = end - start
    length = float(along @ along)
    share = float((np.array([x, y]) - start) @ along) / length if length else 0.0
    share = min(max(share, 0.0), 0.999999)
    foot = start + share * along
    return (rounded(float(foot[0])), rounded(float(foot[1]))), share
