"""What a person can take hold of on a shape, and what the shape becomes when it is dragged there.

Each kind of geometry has its row in :data:`HANDLES`; a mask and an image tag have none. *Vertices* are points of the
shape; *ghosts* sit on the middle of an edge: on a polygon dragging one inserts a vertex, on a box it moves the edge.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from engine.data.annotations import Box, Geometry, Keypoints, OrientedBox, Polygon, Polyline
from studio.tools.rings import Ring, midpoints, nearest_point, polygon_from

MIN_SHAPE = 5.0  # in hit radii: a shape smaller than this on screen can only be moved as a whole
MIN_EDGE = 4.0  # in hit radii: a shorter edge has no ghost, its vertices would cover it


@dataclass(frozen=True, slots=True)
class Handle:
    """One place to take hold of."""

    kind: Literal["vertex", "ghost"]
    ring: int
    index: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Grip:
    """A handle of a certain shape."""

    shape_id: int
    handle: Handle


@dataclass(frozen=True, slots=True)
class HandleKind:
    """The functions of one kind of geometry; rings are (N, 2) image pixels."""

    vertices: Callable[[Any], list[Ring]]
    ghosts: Callable[[Any], list[Ring]]
    move_vertex: Callable[[Any, int, int, float, float], Geometry]
    drag_ghost: Callable[[Any, int, int, float, float], Geometry]
    remove_vertex: Callable[[Any, int, int], Geometry | None]


def shown_handles(geometry: Geometry, radius: float) -> tuple[list[Ring], list[Ring]]:
    """Return the vertices and the ghosts that are of use at a zoom where a hit radius is ``radius`` image pixels.

    A ghost that is left out has NaN for coordinates, so that places keep their numbers.
    """
    kind = HANDLES.get(type(geometry))
    if kind is None:
        return [], []
    vertices = kind.vertices(geometry)
    if not isinstance(geometry, Keypoints):
        x1, y1, x2, y2 = geometry.bounds()
        if max(x2 - x1, y2 - y1) < MIN_SHAPE * radius:
            return [], []
    ghosts = []
    for ring, ghost in zip(vertices, kind.ghosts(geometry), strict=False):
        lengths = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T)
        ghosts.append(np.where((lengths >= MIN_EDGE * radius)[: len(ghost), None], ghost, np.nan))
    return vertices, ghosts


def handle_at(geometry: Geometry, x: float, y: float, radius: float) -> Handle | None:
    """Return the handle nearest to a point within ``radius``, a vertex before a ghost."""
    for name, rings in zip(("vertex", "ghost"), shown_handles(geometry, radius), strict=True):
        best: tuple[float, Handle] | None = None
        for number, ring in enumerate(rings):
            distance, index = nearest_point(np.nan_to_num(ring, nan=np.inf), x, y)
            if distance <= radius and (best is None or distance < best[0]):
                place = float(ring[index, 0]), float(ring[index, 1])
                best = distance, Handle(name, number, index, *place)  # type: ignore[arg-type]
        if best is not None:
            return best[1]
    return None


def dragged(geometry: Geometry, handle: Handle, x: float, y: float) -> Geometry:
    """Return the geometry after the handle was dragged to (x, y)."""
    kind = HANDLES[type(geometry)]
    change = kind.move_vertex if handle.kind == "vertex" else kind.drag_ghost
    return change(geometry, handle.ring, handle.index, x, y)


def grip_after(grip: Grip, geometry: Geometry, x: float, y: float) -> Grip | None:
    """Return the grip on the vertex that a drag to (x, y) has moved or made; None where corners may have changed places."""
    if not isinstance(geometry, (Polygon, Polyline, Keypoints)):
        return None
    handle = grip.handle
    index = handle.index if handle.kind == "vertex" else handle.index + 1
    return Grip(grip.shape_id, Handle("vertex", handle.ring, index, x, y))


def still_there(handle: Handle, geometry: Geometry) -> bool:
    """Tell whether the geometry has this vertex at this place; an undo may have taken it away."""
    kind = HANDLES.get(type(geometry))
    rings = kind.vertices(geometry) if kind and handle.kind == "vertex" else []
    if handle.ring >= len(rings) or handle.index >= len(rings[handle.ring]):
        return False
    x, y = rings[handle.ring][handle.index]
    return abs(x - handle.x) < 0.01 and abs(y - handle.y) < 0.01


def without_vertex(geometry: Geometry, handle: Handle) -> Geometry | None:
    """Return the geometry without a vertex, None where it cannot lose one."""
    kind = HANDLES.get(type(geometry))
    if kind is None or handle.kind != "vertex":
        return None
    return kind.remove_vertex(geometry, handle.ring, handle.index)


def with_vertex(
    geometry: Polygon | Polyline, ring: int, edge: int, x: float, y: float
) -> Polygon | Polyline:
    """Return the outline or line with a vertex at (x, y) on the edge that begins at point ``edge``."""
    if isinstance(geometry, Polyline):
        points = geometry.points
        return Polyline((*points[: edge + 1], (x, y), *points[edge + 1 :]))
    rings = [list(points) for points in geometry.rings()]
    rings[ring].insert(edge + 1, (x, y))
    return polygon_from(rings)


def _polygon_vertices(polygon: Polygon) -> list[Ring]:
    return [np.array(ring, np.float64) for ring in polygon.rings()]


def _polygon_ghosts(polygon: Polygon) -> list[Ring]:
    return [midpoints(ring) for ring in _polygon_vertices(polygon)]


def _polygon_move(polygon: Polygon, ring: int, index: int, x: float, y: float) -> Polygon:
    rings = [list(points) for points in polygon.rings()]
    rings[ring][index] = (x, y)
    return polygon_from(rings)


def _polygon_remove(polygon: Polygon, ring: int, index: int) -> Polygon | None:
    rings = [list(points) for points in polygon.rings()]
    if len(rings[ring]) > 3:
        del rings[ring][index]
    elif ring > 0:
        del rings[ring]  # a hole of two points is no hole
    else:
        return None
    return polygon_from(rings)


def _line_vertices(line: Polyline) -> list[Ring]:
    return [np.array(line.points, np.float64).reshape(-1, 2)]


def _line_ghosts(line: Polyline) -> list[Ring]:
    path = _line_vertices(line)[0]
    return [(path[:-1] + path[1:]) / 2]


def _line_move(line: Polyline, ring: int, index: int, x: float, y: float) -> Polyline:
    return Polyline((*line.points[:index], (x, y), *line.points[index + 1 :]))


def _line_remove(line: Polyline, ring: int, index: int) -> Polyline | None:
    if len(line.points) <= 2:
        return None
    return Polyline((*line.points[:index], *line.points[index + 1 :]))


def _box_vertices(box: Box | OrientedBox) -> list[Ring]:
    return [np.array(box.corners(), np.float64)]


def _box_ghosts(box: Box | OrientedBox) -> list[Ring]:
    return [midpoints(ring) for ring in _box_vertices(box)]


def _box_move(box: Box, ring: int, index: int, x: float, y: float) -> Box:
    fixed_x, fixed_y = box.corners()[(index + 2) % 4]
    return Box(min(x, fixed_x), min(y, fixed_y), max(x, fixed_x), max(y, fixed_y))


def _box_edge(box: Box, ring: int, index: int, x: float, y: float) -> Box:
    """Move one edge: 0 top, 1 right, 2 bottom, 3 left."""
    if index % 2 == 0:
        fixed = box.y2 if index == 0 else box.y1
        return replace(box, y1=min(y, fixed), y2=max(y, fixed))
    fixed = box.x1 if index == 1 else box.x2
    return replace(box, x1=min(x, fixed), x2=max(x, fixed))


def _oriented_move(box: OrientedBox, ring: int, index: int, x: float, y: float) -> OrientedBox:
    fixed_x, fixed_y = box.corners()[(index + 2) % 4]
    along, across = _in_box_axes(box, x - fixed_x, y - fixed_y)
    center = (x + fixed_x) / 2, (y + fixed_y) / 2
    return OrientedBox(*center, abs(along), abs(across), box.angle_rad)


def _oriented_edge(box: OrientedBox, ring: int, index: int, x: float, y: float) -> OrientedBox:
    fixed_x, fixed_y = _box_ghosts(box)[0][(index + 2) % 4]
    along, across = _in_box_axes(box, x - fixed_x, y - fixed_y)
    cos, sin = math.cos(box.angle_rad), math.sin(box.angle_rad)
    if index % 2 == 0:  # top or bottom: the height changes
        center = fixed_x - sin * across / 2, fixed_y + cos * across / 2
        return OrientedBox(*center, box.w, abs(across), box.angle_rad)
    center = fixed_x + cos * along / 2, fixed_y + sin * along / 2
    return OrientedBox(*center, abs(along), box.h, box.angle_rad)


def _in_box_axes(box: OrientedBox, dx: float, dy: float) -> tuple[float, float]:
    cos, sin = math.cos(box.angle_rad), math.sin(box.angle_rad)
    return dx * cos + dy * sin, dy * cos - dx * sin


def _keep_box(box: Any, ring: int, index: int) -> None:
    """A box has four corners and keeps them."""


def _keypoint_vertices(keypoints: Keypoints) -> list[Ring]:
    return [np.array(keypoints.labelled(), np.float64).reshape(-1, 2)]


def _no_ghosts(keypoints: Keypoints) -> list[Ring]:
    return []


def _keypoint_move(keypoints: Keypoints, ring: int, index: int, x: float, y: float) -> Keypoints:
    place = _labelled_place(keypoints, index)
    points = (*keypoints.points[:place], (x, y), *keypoints.points[place + 1 :])
    return Keypoints(points, keypoints.visibility)


def _keypoint_remove(keypoints: Keypoints, ring: int, index: int) -> Keypoints | None:
    """A keypoint keeps its place in the skeleton; it becomes one that is not labelled."""
    if len(keypoints.labelled()) == 1:
        return None
    place = _labelled_place(keypoints, index)
    visibility = (*keypoints.visibility[:place], 0, *keypoints.visibility[place + 1 :])
    return Keypoints(keypoints.points, visibility)


def _labelled_place(keypoints: Keypoints, index: int) -> int:
    return [place for place, seen in enumerate(keypoints.visibility) if seen > 0][index]


HANDLES: dict[type, HandleKind] = {
    Polygon: HandleKind(
        _polygon_vertices, _polygon_ghosts, _polygon_move, with_vertex, _polygon_remove
    ),
    Polyline: HandleKind(_line_vertices, _line_ghosts, _line_move, with_vertex, _line_remove),
    Box: HandleKind(_box_vertices, _box_ghosts, _box_move, _box_edge, _keep_box),
    OrientedBox: HandleKind(_box_vertices, _box_ghosts, _oriented_move, _oriented_edge, _keep_box),
    Keypoints: HandleKind(
        _keypoint_vertices, _no_ghosts, _keypoint_move, _keypoint_move, _keypoint_remove
    ),
}
