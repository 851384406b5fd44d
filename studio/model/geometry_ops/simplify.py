"""Outlines with fewer points."""

from __future__ import annotations

from typing import Any

from engine.data.annotations import Geometry, Mask, Polygon, Polyline, to_polygons
from studio.model.geometry_ops.areas import area_of, polygons_of, rounded_ring

_SHARES = (1.0, 0.8, 0.6, 0.4)  # of the tolerance, tried in turn


def simplified(geometry: Geometry, tolerance: float) -> Geometry:
    """Return an outline or a line with the fewest points that stay within ``tolerance`` pixels of it.

    Douglas and Peucker (1973), "Algorithms for the reduction of the number of points required to represent a digitized line
    or its caricature"; outlines keep their holes and do not come to cross themselves. Other kinds, and what would vanish,
    come back as they are.

    Args:
        geometry: Any.
        tolerance: Pixels of the image, 0 or more; 0 leaves out points on straight lines only.
    """
    import shapely

    if isinstance(geometry, Polyline):
        line = shapely.LineString(geometry.points).simplify(tolerance)
        points = rounded_ring(line.coords)
        return Polyline(points) if len(points) > 1 else geometry
    if not isinstance(geometry, Polygon):
        return geometry
    parts = polygons_of(_reduced(area_of(geometry), tolerance))
    if len(parts) != 1 or _points(parts[0]) > _points(geometry):
        return geometry
    return parts[0]


def traced(mask: Mask, tolerance: float) -> list[Polygon]:
    """Return the outlines of a mask's parts, largest first, each within ``tolerance`` pixels of the pixels' edges."""
    found = [simplified(polygon, tolerance) for polygon in to_polygons(mask)]
    return [polygon for polygon in found if isinstance(polygon, Polygon)]


def _reduced(area: Any, tolerance: float) -> Any:
    """Return the area with fewer points, all within the tolerance.

    A ring's first point is looked at last, between neighbours that are reduced already, so the library may
    leave the tolerance by a part of it: then a smaller one is asked for.
    """
    import shapely

    for share in _SHARES:
        less = area.simplify(tolerance * share, preserve_topology=True)
        if shapely.hausdorff_distance(area.boundary, less.boundary) <= tolerance + 1e-6:
            return less
    return area


def _points(polygon: Polygon) -> int:
    return sum(map(len, polygon.rings()))
