"""Conversions between kinds of geometry. Each says what it loses."""

from __future__ import annotations

import math

import cv2
import numpy as np

from engine.data.annotations.contours import mask_to_rings
from engine.data.annotations.geometry import (
    Box,
    Geometry,
    Keypoints,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.annotations.mask import Mask
from engine.ops.polygons import polygon_area
from engine.ops.raster import polygons2masks


def to_box(geometry: Geometry) -> Box:
    """Return the upright box around a geometry: loses everything but the extent."""
    return geometry if isinstance(geometry, Box) else Box(*geometry.bounds())


def to_oriented_box(geometry: Geometry) -> OrientedBox | None:
    """Return the smallest rotated box around a geometry: exact for boxes; None for lines, keypoints, tags and nothing."""
    if isinstance(geometry, OrientedBox):
        return geometry
    if isinstance(geometry, Box):
        x1, y1, x2, y2 = geometry.bounds()
        return OrientedBox((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, 0.0)
    points = [point for polygon in to_polygons(geometry) for point in polygon.exterior]
    if not points:
        return None
    # OpenCV turns as we do: from the x axis to the y axis, clockwise on screen.
    (cx, cy), (w, h), degrees = cv2.minAreaRect(np.array(points, dtype=np.float32))
    return OrientedBox(cx, cy, w, h, math.radians(degrees))


def to_polygons(geometry: Geometry) -> list[Polygon]:
    """Return the outline as polygons with holes; exact for every kind that covers an area.

    A mask of several parts gives one polygon a part, largest first. Lines, keypoints and tags give none.
    """
    if isinstance(geometry, Polygon):
        return [geometry]
    if isinstance(geometry, (Box, OrientedBox)):
        return [Polygon(geometry.corners())]
    if isinstance(geometry, Mask):
        window, (x, y) = geometry.window()
        return [polygon.translated(x, y) for polygon in mask_to_polygons(window)]
    return []


def to_mask(geometry: Geometry, height: int, width: int) -> Mask:
    """Return the pixels whose centres lie inside a geometry, in an image of height x width.

    Lines, keypoints and tags give an empty mask.

    Raises:
        ValueError: The geometry is a mask of another size.
    """
    if isinstance(geometry, Mask):
        if (geometry.height, geometry.width) != (height, width):
            raise ValueError(
                f"expected a mask of {height} x {width}, received {geometry.height} x {geometry.width}"
            )
        return geometry
    if isinstance(geometry, (Polyline, Keypoints, Tag)):
        return Mask((height * width,), height, width)
    rings = [np.array(ring) for polygon in to_polygons(geometry) for ring in polygon.rings()]
    masks = polygons2masks((height, width), rings)
    return Mask.from_array(np.bitwise_xor.reduce(masks, axis=0))


def mask_to_polygons(mask: np.ndarray) -> list[Polygon]:
    """Trace an (H, W) mask into polygons along the pixel edges, holes with their polygon, largest first."""
    rings = mask_to_rings(mask)
    areas = [polygon_area(ring) for ring in rings]
    outer = sorted((i for i, a in enumerate(areas) if a > 0), key=lambda i: -areas[i])
    holes: dict[int, list[np.ndarray]] = {i: [] for i in outer}
    for i, area in enumerate(areas):
        if area < 0:
            holes[_owner(rings[i], rings, outer)].append(rings[i])
    return [Polygon.of(rings[i].tolist(), [h.tolist() for h in holes[i]]) for i in outer]


def _owner(hole: np.ndarray, rings: list[np.ndarray], outer: list[int]) -> int:
    """Return the smallest outer ring around a hole: the last that contains it, largest first."""
    # A ring begins with an edge that has its object below, so this pixel belongs to the object around it.
    x, y = hole[0] + 0.5
    return next(i for i in reversed(outer) if _contains(rings[i], x, y))


def _contains(ring: np.ndarray, x: float, y: float) -> bool:
    """Even-odd rule for a ring along pixel edges and a point at a pixel centre."""
    following = np.roll(ring, -1, axis=0)
    crosses = (ring[:, 1] > y) != (following[:, 1] > y)
    return bool(np.count_nonzero(crosses & (ring[:, 0] > x)) % 2)
