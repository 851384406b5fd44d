"""The same object as another kind of geometry."""

from __future__ import annotations

from collections.abc import Callable

from engine.data.annotations import (
    Geometry,
    Mask,
    Polygon,
    Polyline,
    to_box,
    to_mask,
    to_oriented_box,
    to_polygons,
)
from studio.model.geometry_ops.areas import Size, rounded_ring
from studio.model.geometry_ops.simplify import traced

TRACE_TOLERANCE = 0.75  # pixels: the stairs of a slanting edge go, what a person sees stays


def converted(geometry: Geometry, kind: str, size_wh: Size) -> list[Geometry]:
    """Return a geometry as another kind; several where a mask has several parts, none where the kind cannot hold it.

    A box is the extent, a rotated box the smallest one around, a mask the pixels whose centres are inside. The polygon of
    a mask follows its edges within 0.75 pixels. A closed line may become a polygon; keypoints may become their box.

    Args:
        geometry: Any; a tag becomes nothing.
        kind: A key of :data:`TARGETS`.
        size_wh: Width and height of the image in pixels.
    """
    if geometry.kind == kind:
        return [geometry]
    if geometry.kind == "tag":
        return []
    return TARGETS[kind](geometry, size_wh)


def _box(geometry: Geometry, size_wh: Size) -> list[Geometry]:
    box = to_box(geometry)
    return [box] if box.x2 > box.x1 and box.y2 > box.y1 else []


def _oriented_box(geometry: Geometry, size_wh: Size) -> list[Geometry]:
    if isinstance(geometry, Polyline) and len(geometry.points) > 2:
        geometry = Polygon(geometry.points)
    box = to_oriented_box(geometry)
    return [box] if box is not None and min(box.w, box.h) > 0 else []


def _polygon(geometry: Geometry, size_wh: Size) -> list[Geometry]:
    if isinstance(geometry, Mask):
        return list(traced(geometry, TRACE_TOLERANCE))
    if isinstance(geometry, Polyline):
        return [Polygon(geometry.points)] if len(geometry.points) > 2 else []
    rings = (rounded_ring(polygon.exterior) for polygon in to_polygons(geometry))
    return [Polygon(ring) for ring in rings if len(ring) > 2]


def _mask(geometry: Geometry, size_wh: Size) -> list[Geometry]:
    mask = to_mask(
        _polygon(geometry, size_wh)[0] if _is_ring(geometry) else geometry, *size_wh[::-1]
    )
    return [mask] if mask.area() else []


def _is_ring(geometry: Geometry) -> bool:
    return isinstance(geometry, Polyline) and len(geometry.points) > 2


TARGETS: dict[str, Callable[[Geometry, Size], list[Geometry]]] = {
    "box": _box,
    "oriented_box": _oriented_box,
    "polygon": _polygon,
    "mask": _mask,
}
