"""Union, subtraction and overlap of areas.

Outlines stay outlines. Where a mask takes part the result is a mask, exact to the pixel: an outline of it would have
thousands of corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import ceil, floor

import numpy as np

from engine.data.annotations import Geometry, Mask, to_mask
from studio.language import tr
from studio.model.errors import EditError
from studio.model.geometry_ops.areas import Size, area_of, polygons_of
from studio.model.kind_words import kind_text

_AREAS = ("box", "oriented_box", "polygon", "mask")


def unite(geometries: Sequence[Geometry], size_wh: Size) -> Geometry:
    """Return the area that any of the geometries covers.

    It is a polygon where they hang together; where they do not, one mask of several parts: one object stays one shape.

    Args:
        geometries: Two or more that cover an area.
        size_wh: Width and height of the image in pixels.

    Raises:
        EditError: One of them covers no area, or there are fewer than two.
    """
    _check(geometries)
    if any(isinstance(geometry, Mask) for geometry in geometries):
        return _covered(geometries, size_wh)
    import shapely

    parts = polygons_of(shapely.union_all([area_of(geometry) for geometry in geometries]))
    if len(parts) == 1:
        return parts[0]
    return _covered(parts, size_wh)


def subtract(first: Geometry, others: Sequence[Geometry], size_wh: Size) -> list[Geometry]:
    """Return what is left of ``first`` outside all of ``others``; what lies within it becomes a hole.

    Polygons that fall apart give one polygon a part, the largest first; nothing left is an empty list.

    Raises:
        EditError: One of them covers no area, or ``others`` is empty.
    """
    _check([first, *others])
    if isinstance(first, Mask) or any(isinstance(other, Mask) for other in others):
        whole = _covered(others, size_wh).to_array()
        left = to_mask(first, size_wh[1], size_wh[0]).to_array() & (1 - whole)
        return [Mask.from_array(left)] if left.any() else []
    import shapely

    cut = shapely.union_all([area_of(other) for other in others])
    return list(polygons_of(area_of(first).difference(cut)))


def intersect(geometries: Sequence[Geometry], size_wh: Size) -> list[Geometry]:
    """Return the area that all of the geometries cover; an empty list where there is none.

    Raises:
        EditError: One of them covers no area, or there are fewer than two.
    """
    _check(geometries)
    if any(isinstance(geometry, Mask) for geometry in geometries):
        common = _common(geometries, size_wh)
        return [common] if common.area() else []
    import shapely

    return list(polygons_of(shapely.intersection_all([area_of(g) for g in geometries])))


def _covered(geometries: Sequence[Geometry], size_wh: Size) -> Mask:
    """Return the pixels of all geometries, each drawn in its own box.

    A thousand outlines, each drawn in an image of 4000 x 3000, take half a minute.
    """
    width, height = size_wh
    pixels = np.zeros((height, width), np.uint8)
    for geometry in geometries:
        left, top, right, bottom = _box_of(geometry, size_wh)
        if left < right and top < bottom:
            pixels[top:bottom, left:right] |= _drawn(geometry, left, top, right, bottom)
    return Mask.from_array(pixels)


def _common(geometries: Sequence[Geometry], size_wh: Size) -> Mask:
    width, height = size_wh
    arrays = (to_mask(geometry, height, width).to_array() for geometry in geometries)
    return Mask.from_array(reduce(np.bitwise_and, arrays))


def _box_of(geometry: Geometry, size_wh: Size) -> tuple[int, int, int, int]:
    """Return the pixels that an area may cover, as (left, top, right, bottom) within the image; a mask's are all."""
    width, height = size_wh
    if isinstance(geometry, Mask):
        return 0, 0, width, height
    x1, y1, x2, y2 = geometry.bounds()
    return max(floor(x1), 0), max(floor(y1), 0), min(ceil(x2), width), min(ceil(y2), height)


def _drawn(geometry: Geometry, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """Return the pixels of a geometry within a box of the image."""
    here = geometry if isinstance(geometry, Mask) else geometry.translated(-left, -top)
    return to_mask(here, bottom - top, right - left).to_array()


def _check(geometries: Sequence[Geometry]) -> None:
    if len(geometries) < 2:
        raise EditError(
            tr("This needs two shapes or more."), remedy=tr("Select them with Shift+click.")
        )
    for geometry in geometries:
        if geometry.kind not in _AREAS:
            raise EditError(
                tr("A {kind} covers no area.").format(kind=kind_text(geometry.kind)),
                remedy=tr("Select polygons, boxes or masks only."),
            )
