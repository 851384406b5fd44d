"""The last step of drawing: cut at the image's border, and refuse what is no shape."""

from __future__ import annotations

from collections.abc import Sequence

from engine.data.annotations import Box, Point, Polygon
from studio.tools.base import rounded

MIN_AREA = 1.0  # square pixels: less cannot be seen, trained on, or hit again
MIN_SIDE = 1.0  # pixels


def finish_polygon(points: Sequence[Point], size_wh: tuple[int, int]) -> list[Polygon]:
    """Return what a drawn ring leaves within the image: nothing, one polygon, or several where the border cuts it apart.

    A ring that lies within the image keeps its points as they were drawn (but for repeated ones), so that nothing changes
    silently.
    """
    ring = _without_repeats([(rounded(x), rounded(y)) for x, y in points])
    if len(ring) < 3:
        return []
    width, height = size_wh
    if all(0 <= x <= width and 0 <= y <= height for x, y in ring):
        polygon = Polygon(tuple(ring))
        return [polygon] if polygon.area() >= MIN_AREA else []
    return _cut(ring, size_wh)


def finish_box(first: Point, second: Point, size_wh: tuple[int, int]) -> Box | None:
    """Return the box between two corners within the image, None where too little is left."""
    width, height = size_wh
    (x1, x2), (y1, y2) = sorted((first[0], second[0])), sorted((first[1], second[1]))
    box = Box(
        rounded(max(x1, 0.0)),
        rounded(max(y1, 0.0)),
        rounded(min(x2, float(width))),
        rounded(min(y2, float(height))),
    )
    return box if box.x2 - box.x1 >= MIN_SIDE and box.y2 - box.y1 >= MIN_SIDE else None


def _cut(ring: Sequence[Point], size_wh: tuple[int, int]) -> list[Polygon]:
    import shapely  # here: only a shape that leaves the image needs it, and importing takes 0.1 s

    drawn = shapely.Polygon(ring)
    if not drawn.is_valid:
        drawn = shapely.make_valid(drawn)
    inside = drawn.intersection(shapely.box(0, 0, *size_wh))
    parts = [part for part in shapely.get_parts(inside) if part.geom_type == "Polygon"]
    return [from_shapely(part) for part in parts if part.area >= MIN_AREA]


def from_shapely(part: object) -> Polygon:
    """Return a polygon of shapely with its coordinates rounded to a tenth of a pixel."""
    exterior = _ring_of(part.exterior)  # type: ignore[attr-defined]
    return Polygon(exterior, tuple(_ring_of(hole) for hole in part.interiors))  # type: ignore[attr-defined]


def _ring_of(ring: object) -> tuple[Point, ...]:
    points = [(rounded(x), rounded(y)) for x, y in ring.coords[:-1]]  # type: ignore[attr-defined]
    return tuple(_without_repeats(points))


def _without_repeats(points: Sequence[Point]) -> list[Point]:
    """Drop points that equal the one before, and a last one that equals the first."""
    kept = [point for at, point in enumerate(points) if at == 0 or point != points[at - 1]]
    while len(kept) > 1 and kept[0] == kept[-1]:
        kept.pop()
    return kept
