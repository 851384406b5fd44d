"""Cuboids of CVAT: drawn as the outline of their eight corners, which stay in an attribute.

A shape lies in the picture, so what is annotated and learned from is the outline. CVAT gets the cuboid again, unless
somebody moved the outline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.data.annotations import Geometry, Point, Polygon

CUBOID = "cuboid"  # the attribute: x, y of each corner in the order of KEYS
# Top left, bottom left, top right and bottom right of the front, then of the back.
KEYS = tuple(f"{a}{corner}{side}" for side in (1, 2) for corner in ("tl", "bl", "tr", "br") for a in "xy")  # fmt: skip
_NEAR = 0.01  # pixels that rounded numbers may be off


def cuboid_values(number: Callable[[str], float]) -> list[float]:
    """Return the corners as the attribute holds them; ``number`` reads one by its key."""
    return [number(key) for key in KEYS]


def cuboid_polygon(values: Sequence[float]) -> Polygon:
    """Return the outline around the corners: their convex hull, counted from the leftmost."""
    points = sorted({(x, y) for x, y in zip(values[::2], values[1::2], strict=True)})
    return Polygon((*_chain(points)[:-1], *_chain(points[::-1])[:-1]))


def cuboid_of(geometry: Geometry, attributes: Mapping[str, Any]) -> list[float] | None:
    """Return the corners that a shape's attribute holds; None where there is none or the outline is another by now."""
    told = attributes.get(CUBOID)
    if not isinstance(geometry, Polygon) or not isinstance(told, list) or len(told) != len(KEYS):
        return None
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in told):
        return None
    outline = cuboid_polygon(told)
    if geometry.holes or len(outline.exterior) != len(geometry.exterior):
        return None
    pairs = zip(outline.exterior, geometry.exterior, strict=True)
    is_same = all(max(abs(a[0] - b[0]), abs(a[1] - b[1])) <= _NEAR for a, b in pairs)
    return told if is_same else None


def format_cuboid(values: Sequence[float]) -> str:
    """Return the attributes of CVAT's element, each with a space before it."""
    return "".join(f' {key}="{value:.4f}"' for key, value in zip(KEYS, values, strict=True))


def _chain(points: Sequence[Point]) -> list[Point]:
    """Return one half of a convex hull by Andrew's monotone chain (1979); the points are sorted."""
    chain: list[Point] = []
    for point in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
