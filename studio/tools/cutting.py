"""Cutting a shape along a line; shapely does the geometry and is imported only then. Masks are cut between their pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor
from typing import Any

import cv2
import numpy as np

from engine.data.annotations import Geometry, Mask, Point, Polygon, Polyline, to_polygons
from studio.tools.base import Pixels, rounded
from studio.tools.finishing import MIN_AREA, MIN_SIDE, from_shapely

_THICK = 3  # pixels under a line, across it, where it bends or crosses itself
_MIN_PIXELS = 4  # of a mask: a line along a ragged edge leaves crumbs that nobody meant to cut off


def cut_apart(geometry: Geometry, line: Sequence[Point]) -> list[Geometry]:
    """Return the parts into which a line cuts a shape, the largest first; the shape alone where it does not cut it.

    Args:
        geometry: A polygon, a box (its parts are polygons), an open line or a mask.
        line: Two or more points, image pixels.
    """
    if isinstance(geometry, Mask):
        return list(_cut_mask(geometry, line))
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


def _cut_mask(mask: Mask, line: Sequence[Point]) -> list[Mask]:
    """Return the parts of a mask; what hangs together and is not cut itself stays with the largest."""
    window, (left, top) = mask.window()
    rows, columns = _blade(window, [(x - left, y - top) for x, y in line])
    if not len(rows):
        return [mask]
    origins = cv2.connectedComponents(window, connectivity=4)[1][rows, columns]
    split = window.copy()
    split[rows, columns] = 0
    _, parts, stats, _ = cv2.connectedComponentsWithStats(split, connectivity=4)
    sizes = stats[:, cv2.CC_STAT_AREA]
    found: dict[int, set[int]] = {}  # by what hung together, the parts that lie along the line
    for beside in _beside(parts, rows, columns):
        for origin, part in {*zip(origins.tolist(), beside.tolist(), strict=True)}:
            if part and sizes[part] >= _MIN_PIXELS:
                found.setdefault(origin, set()).add(part)
    cut = [part for pieces in found.values() if len(pieces) > 1 for part in pieces]
    if not cut:
        return [mask]
    for _ in range(_THICK):  # the pixels under the line go to a side of it
        for beside in _beside(parts, rows, columns):
            parts[rows, columns] = np.where(parts[rows, columns], parts[rows, columns], beside)
    cut.sort(key=lambda part: -int(sizes[part]))
    made, size = [], (mask.height, mask.width)
    for part in cut[1:]:
        x, y, width, height = (int(value) for value in stats[part][: cv2.CC_STAT_AREA])
        x1, y1 = max(x - _THICK, 0), max(y - _THICK, 0)
        place = slice(y1, y + height + _THICK), slice(x1, x + width + _THICK)
        own = parts[place] == part
        made.append(Mask.from_window(own, (left + x1, top + y1), *size))
        window[place][own] = 0
    return [Mask.from_window(window, (left, top), *size), *made]


def _blade(window: Pixels, line: Sequence[Point]) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the object's pixels under a line; no step over the sides of pixels leads past them."""
    blade = np.zeros_like(window)
    if window.size:
        stops = np.array([(floor(x), floor(y)) for x, y in line], np.int32)
        cv2.polylines(blade, [stops], isClosed=False, color=1)
    rows, columns = np.nonzero(blade & window)
    return rows, columns


def _beside(parts: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Return the numbers of the pixels above, below, left and right of some, 0 beside the window."""
    height, width = parts.shape
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        r, c = rows + down, columns + right
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        yield np.where(inside, parts[r.clip(0, height - 1), c.clip(0, width - 1)], 0)


def _line(part: Any) -> Polyline:
    return Polyline(tuple((rounded(x), rounded(y)) for x, y in part.coords))


def _length(part: Any) -> float:
    return float(part.length)
