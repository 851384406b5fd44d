"""Between our geometry and shapely's: areas in, polygons with holes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from engine.data.annotations import Geometry, Point, Polygon, to_polygons

if TYPE_CHECKING:
    import shapely
    from shapely.geometry.base import BaseGeometry

Size: TypeAlias = tuple[int, int]

MIN_PART = 1.0  # square pixels: a smaller piece is a rounding error, nobody's object


def area_of(geometry: Geometry) -> BaseGeometry:
    """Return what a geometry covers, made valid; empty for lines, points and tags."""
    import shapely

    parts = [
        shapely.Polygon(p.exterior, p.holes) for p in to_polygons(geometry) if len(p.exterior) > 2
    ]
    valid = [part if part.is_valid else shapely.make_valid(part) for part in parts]
    return shapely.union_all(valid) if valid else shapely.Polygon()


def polygons_of(area: BaseGeometry) -> list[Polygon]:
    """Return the parts of an area that are large enough to be seen, the largest first."""
    import shapely

    found: list[Polygon] = []
    for part in _areas(shapely.get_parts(area, return_index=False)):
        polygon = _polygon(part)
        if polygon is not None and polygon.area() >= MIN_PART:
            found.append(polygon)
    return sorted(found, key=lambda polygon: -polygon.area())


def rounded_ring(points: Iterable[Sequence[float]]) -> tuple[Point, ...]:
    """Return the points to a tenth of a pixel, without one that equals the point before it."""
    kept: list[Point] = []
    for x, y in points:
        point = (round(x, 1) + 0.0, round(y, 1) + 0.0)
        if not kept or point != kept[-1]:
            kept.append(point)
    while len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    return tuple(kept)


def _areas(parts: Iterable[BaseGeometry]) -> list[shapely.Polygon]:
    """Return the polygons among parts; a collection gives those within it, lines and points give none."""
    import shapely

    found: list[shapely.Polygon] = []
    for part in parts:
        if isinstance(part, shapely.Polygon):
            found.append(part)
        elif hasattr(part, "geoms"):
            found += _areas(part.geoms)
    return found


def _polygon(part: shapely.Polygon) -> Polygon | None:
    exterior = rounded_ring(part.exterior.coords)
    if len(exterior) < 3:
        return None
    holes = (rounded_ring(hole.coords) for hole in part.interiors)
    return Polygon(exterior, tuple(hole for hole in holes if len(hole) > 2))
