"""A shape's parts and holes, and what of it fits into another image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
)
from studio.model.geometry_ops.areas import Size, area_of, polygons_of


def split_parts(geometry: Geometry) -> list[Geometry]:
    """Return the parts that do not hang together, the largest first: of a mask, or of an outline that crosses itself.

    Pixels of a mask hang together by their sides only, as its outlines do. What is in one part already comes back as it is.
    """
    if isinstance(geometry, Mask):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            geometry.to_array(), connectivity=4
        )
        if count <= 2:
            return [geometry]
        order = sorted(range(1, count), key=lambda label: -stats[label, cv2.CC_STAT_AREA])
        return [Mask.from_array(labels == label) for label in order]
    if isinstance(geometry, Polygon):
        parts = polygons_of(area_of(geometry))
        return list(parts) if len(parts) > 1 else [geometry]
    return [geometry]


def without_holes(geometry: Geometry) -> Geometry:
    """Return a polygon or mask with its holes filled; any other kind as it is."""
    if isinstance(geometry, Polygon):
        return Polygon(geometry.exterior)
    if isinstance(geometry, Mask):
        framed = np.pad(geometry.to_array(), 1)
        _, outside, _, _ = cv2.floodFill(framed.copy(), None, (0, 0), 1, flags=4)
        return Mask.from_array((framed | (1 - outside))[1:-1, 1:-1])
    return geometry


def fit_into(geometry: Geometry, size_wh: Size) -> Geometry | None:
    """Return what of a geometry lies within an image, at the same pixels; None where too little is left.

    An outline that the border cuts into several parts keeps the largest; a rotated box or a line is kept whole as long as
    its middle is inside.
    """
    fit = _FITS.get(type(geometry))
    return geometry if fit is None else fit(geometry, size_wh)


def _fit_box(box: Box, size_wh: Size) -> Box | None:
    width, height = size_wh
    cut = Box(max(box.x1, 0.0), max(box.y1, 0.0), min(box.x2, width), min(box.y2, height))
    return cut if cut.x2 - cut.x1 >= 1 and cut.y2 - cut.y1 >= 1 else None


def _fit_polygon(polygon: Polygon, size_wh: Size) -> Polygon | None:
    if _is_within(polygon, size_wh):
        return polygon
    import shapely

    parts = polygons_of(area_of(polygon).intersection(shapely.box(0, 0, *size_wh)))
    return parts[0] if parts else None


def _fit_mask(mask: Mask, size_wh: Size) -> Mask | None:
    width, height = size_wh
    if (mask.width, mask.height) == (width, height):
        return mask
    array = mask.to_array()[:height, :width]
    below, right = height - array.shape[0], width - array.shape[1]
    return Mask.from_array(np.pad(array, ((0, below), (0, right)))) if array.any() else None


def _fit_keypoints(keypoints: Keypoints, size_wh: Size) -> Keypoints | None:
    """A point outside the image becomes one that is not labelled."""
    width, height = size_wh
    inside = [0 <= x <= width and 0 <= y <= height for x, y in keypoints.points]
    seen = tuple(v if ok else 0 for v, ok in zip(keypoints.visibility, inside, strict=True))
    return Keypoints(keypoints.points, seen) if any(seen) else None


def _fit_whole(geometry: OrientedBox | Polyline, size_wh: Size) -> OrientedBox | Polyline | None:
    x1, y1, x2, y2 = geometry.bounds()
    width, height = size_wh
    return geometry if 0 <= (x1 + x2) / 2 <= width and 0 <= (y1 + y2) / 2 <= height else None


def _is_within(geometry: Geometry, size_wh: Size) -> bool:
    x1, y1, x2, y2 = geometry.bounds()
    return x1 >= 0 and y1 >= 0 and x2 <= size_wh[0] and y2 <= size_wh[1]


_FITS: dict[type, Callable[[Any, Size], Geometry | None]] = {
    Box: _fit_box,
    Polygon: _fit_polygon,
    Mask: _fit_mask,
    Keypoints: _fit_keypoints,
    OrientedBox: _fit_whole,
    Polyline: _fit_whole,
}
