"""What can be done to one vertex: put one on an edge, take it away, move it a little."""

from __future__ import annotations

from collections.abc import Iterable

from engine.data.annotations import Keypoints, Polygon, Polyline
from studio.language import tr
from studio.model.edits import Edit, ReplaceShapes
from studio.model.records import Shape, moved_to
from studio.tools.base import Pointer, rounded
from studio.tools.handles import (
    Grip,
    Handle,
    dragged,
    grip_after,
    still_there,
    with_vertex,
    without_vertex,
)
from studio.tools.rings import nearest_edge, nearest_segment
from studio.tools.scene import Scene

_WHY_KEPT: dict[type, str] = {
    Polygon: tr("A polygon keeps three points; Delete removes the whole shape."),
    Polyline: tr("A line keeps two points; Delete removes the whole shape."),
    Keypoints: tr("The last point stays; Delete removes the whole shape."),
}


def vertex_inserted(
    scene: Scene, shape_ids: Iterable[int], event: Pointer
) -> tuple[Edit, Grip] | None:
    """Return the edit that puts a vertex on the edge under the cursor, and a hold of it.

    Args:
        scene: The shapes.
        shape_ids: Those that count, the first with an edge there is taken.
        event: Where.
    """
    for shape_id in shape_ids:
        entry = scene.entry(shape_id)
        if entry is None or not isinstance(entry.shape.geometry, (Polygon, Polyline)):
            continue
        if isinstance(entry.shape.geometry, Polyline):
            ring, (distance, edge) = 0, nearest_segment(entry.points, event.x, event.y)
        else:
            distance, ring, edge = nearest_edge(entry.rings, event.x, event.y)
        if distance <= event.tolerance:
            x, y = rounded(event.x), rounded(event.y)
            grip = Grip(shape_id, Handle("vertex", ring, edge + 1, x, y))
            geometry = with_vertex(entry.shape.geometry, ring, edge, x, y)
            shapes = (moved_to(entry.shape, geometry),)
            return ReplaceShapes(shapes, label=tr("Add vertex")), grip
    return None


def held_shape(scene: Scene, grip: Grip | None) -> Shape | None:
    """Return the shape of a grip whose handle is still where it was; none that was locked meanwhile."""
    shape = scene.shape(grip.shape_id) if grip is not None else None
    if shape is None or grip is None or shape.locked:
        return None
    if not still_there(grip.handle, shape.geometry):
        return None
    return shape


def vertex_removed(shape: Shape, grip: Grip) -> tuple[Edit | None, str]:
    """Return the edit that takes a vertex away; where the shape needs it, None and why."""
    geometry = without_vertex(shape.geometry, grip.handle)
    if geometry is None:
        return None, _WHY_KEPT.get(type(shape.geometry), tr("A box keeps its corners."))
    return ReplaceShapes((moved_to(shape, geometry),), label=tr("Remove vertex")), ""


def vertex_nudged(
    scene: Scene, shape: Shape, grip: Grip, dx: float, dy: float
) -> tuple[Shape, Grip | None]:
    """Return the shape with its vertex moved by (dx, dy) pixels within the image, and a hold of it there."""
    x, y = scene.clamp(grip.handle.x + dx, grip.handle.y + dy)
    x, y = rounded(x), rounded(y)
    geometry = dragged(shape.geometry, grip.handle, x, y)
    return moved_to(shape, geometry), grip_after(grip, geometry, x, y)
