"""Cutting a shape along a line; shapely does the geometry and is imported only then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.data.annotations import Geometry, Point, Polygon, Polyline, to_polygons
from studio.tools.base import rounded
from studio.tools.finishing import MIN_AREA, MIN_SIDE, from_shapely


def cut_apart(geometry: Geometry, line: Sequence[Point]) -> list[Geometry]:
    """Return the parts into which a line cuts a shape, the largest first; the shape alone where it does not cut it.

    Args:
        geometry: A polygon, a box (its parts are polygons) or an open line.
        line: Two or more points, image pixels.
    """
    from shapely import LineString, get_parts
    from shapely.ops import split

    blade = LineString(line)
    if isinstance(geometry, Polyline):
        whole: Any = LineString(geometry.points)
        found = [part for part in get_parts(split(whole, blade)) if part.length >= MIN_SIDE]
        lines: list[Geometry] = [_line(part) for part in sorted(found, key=_length, reverse=True)]
        return lines if len(lines) > 1 else [geometry]
    parts = [part for polygon in to_polygons(geometry) for part in _cut_polygon(polygon, blade)]
    parts.sort(key=lambda polygon: -polygon.area())
    return list(parts) if len(parts) > 1 else [geometry]


def _cut_polygon(polygon: Polygon, blade: Any) -> list[Polygon]:
    from shapely import Polygon as Area
    from shapely import get_parts, make_valid
    from shapely.ops import split

    whole = Area(polygon.exterior, polygon.holes)
    if not whole.is_valid:  # an outline that crosses itself
        whole = make_valid(whole)
    parts = [
        p
        for area in get_parts(whole)
        if area.geom_type == "Polygon"
        for p in get_parts(split(area, blade))
    ]
    return [
        from_shapely(part)
        for part in parts
        if part.geom_type == "Polygon" and part.area >= MIN_AREA
    ]


def _line(part: Any) -> Polyline:
    return Polyline(tuple((rounded(x), rounded(y)) for x, y in part.coords))


def _length(part: Any) -> float:
    return float(part.length)
