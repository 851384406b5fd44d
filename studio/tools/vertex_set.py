"""Several vertices of the selected shapes at once: which lie in a band, and what becomes of them together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.data.annotations import Geometry, Keypoints, Point, Polygon, Polyline
from studio.model.records import Shape, moved_to
from studio.tools.handles import HANDLES, Grip
from studio.tools.rings import Rect

EDITABLE = (Polygon, Polyline, Keypoints)  # kinds whose vertices move one by one


@dataclass(frozen=True, slots=True, order=True)
class Vertex:
    """A vertex of a shape, by its place in it."""

    shape_id: int
    ring: int
    index: int


def vertices_in(shapes: Iterable[Shape], rect: Rect) -> frozenset[Vertex]:
    """Return the vertices of the shapes that lie in a rectangle (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = rect
    found = set()
    for shape in shapes:
        for ring, points in enumerate(_rings(shape.geometry)):
            xs, ys = points.T
            inside = (xs >= x1) & (xs <= x2) & (ys >= y1) & (ys <= y2)
            found |= {Vertex(shape.id, ring, int(i)) for i in np.flatnonzero(inside)}
    return frozenset(found)


def still_vertices(vertices: Iterable[Vertex], shapes: Sequence[Shape]) -> frozenset[Vertex]:
    """Return those of the vertices that the shapes still have; an undo may have taken some away."""
    sizes = {shape.id: [len(ring) for ring in _rings(shape.geometry)] for shape in shapes}
    return frozenset(
        v
        for v in vertices
        if v.ring < len(sizes.get(v.shape_id, ())) and v.index < sizes[v.shape_id][v.ring]
    )


def places_of(vertices: Iterable[Vertex], shapes: Sequence[Shape]) -> tuple[Point, ...]:
    """Return where the vertices are, in image pixels."""
    rings = {shape.id: _rings(shape.geometry) for shape in shapes}
    points = (rings[v.shape_id][v.ring][v.index] for v in sorted(vertices))
    return tuple((float(x), float(y)) for x, y in points)


def vertex_of(grip: Grip) -> Vertex | None:
    """Return the vertex that a grip holds, None for a ghost."""
    handle = grip.handle
    is_vertex = handle.kind == "vertex"
    return Vertex(grip.shape_id, handle.ring, handle.index) if is_vertex else None


def moved_vertices(
    shapes: Iterable[Shape],
    vertices: Iterable[Vertex],
    dx: float,
    dy: float,
    size_wh: tuple[int, int],
) -> tuple[Shape, ...]:
    """Return the shapes whose vertices were moved by (dx, dy) pixels, all alike, at most to the image's border."""
    by_shape = _by_shape(vertices)
    held = [shape for shape in shapes if shape.id in by_shape]
    if not held:
        return ()
    points = np.array(places_of([v for vs in by_shape.values() for v in vs], held))
    low, high = points.min(axis=0), points.max(axis=0)
    step = np.clip((dx, dy), np.minimum(-low, 0), np.maximum(np.array(size_wh) - high, 0))
    changed = []
    for shape in held:
        geometry = shape.geometry
        rings = _rings(geometry)
        for vertex in by_shape[shape.id]:
            x, y = rings[vertex.ring][vertex.index] + step
            place = round(float(x), 1) + 0.0, round(float(y), 1) + 0.0
            geometry = HANDLES[type(geometry)].move_vertex(
                geometry, vertex.ring, vertex.index, *place
            )
        changed.append(moved_to(shape, geometry))
    return tuple(changed)


def without_vertices(
    shapes: Iterable[Shape], vertices: Iterable[Vertex]
) -> tuple[tuple[Shape, ...], bool]:
    """Return the shapes without the vertices, and whether some shape was kept as it was because too little was left."""
    by_shape = _by_shape(vertices)
    changed, refused = [], False
    for shape in shapes:
        geometry: Geometry | None = shape.geometry
        for vertex in sorted(by_shape.get(shape.id, ()), reverse=True):
            if geometry is not None:
                remove = HANDLES[type(geometry)].remove_vertex
                geometry = remove(geometry, vertex.ring, vertex.index)
        refused |= geometry is None
        if geometry is not None and geometry != shape.geometry:
            changed.append(moved_to(shape, geometry))
    return tuple(changed), refused


def _by_shape(vertices: Iterable[Vertex]) -> dict[int, list[Vertex]]:
    groups: dict[int, list[Vertex]] = {}
    for vertex in vertices:
        groups.setdefault(vertex.shape_id, []).append(vertex)
    return groups


def _rings(geometry: Geometry) -> list[np.ndarray]:
    return HANDLES[type(geometry)].vertices(geometry) if isinstance(geometry, EDITABLE) else []
