"""Geometries after a motion of the plane: turned, stretched, mirrored, shifted by a matrix."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from engine.data.annotations.geometry import (
    Box,
    Geometry,
    Keypoints,
    OrientedBox,
    Point,
    Polygon,
    Polyline,
)
from engine.data.annotations.mask import Mask


def moved(geometry: Geometry, matrix: np.ndarray) -> Geometry:
    """Return a geometry after a motion.

    An upright box stays upright: its middle moves, its sides are stretched as the axes are and do not turn. A rotated
    box stays a rectangle, as in ``OrientedBox.scaled``. The pixels of a mask are taken from the nearest ones, what
    leaves the image is cut off. A tag has no place and stays.

    Args:
        geometry: What is moved, image pixels.
        matrix: (2, 3), gives ``matrix @ (x, y, 1)`` for a point x, y.
    """
    change = _KINDS.get(type(geometry))
    return geometry if change is None else change(geometry, np.asarray(matrix, np.float64))


def _point(matrix: np.ndarray, point: Point) -> Point:
    x, y = point
    (a, b, c), (d, e, f) = matrix.tolist()
    return a * x + b * y + c, d * x + e * y + f


def _box(box: Box, matrix: np.ndarray) -> Box:
    x1, y1, x2, y2 = box.bounds()
    cx, cy = _point(matrix, ((x1 + x2) / 2, (y1 + y2) / 2))
    stretch_x, stretch_y = np.hypot(matrix[0, :2], matrix[1, :2]).tolist()
    half_w, half_h = stretch_x * (x2 - x1) / 2, stretch_y * (y2 - y1) / 2
    return Box(cx - half_w, cy - half_h, cx + half_w, cy + half_h)


def _oriented(box: OrientedBox, matrix: np.ndarray) -> OrientedBox:
    cx, cy = _point(matrix, (box.cx, box.cy))
    cos, sin = math.cos(box.angle_rad), math.sin(box.angle_rad)
    along, across = matrix[:, :2] @ (cos, sin), matrix[:, :2] @ (-sin, cos)
    angle = math.remainder(math.atan2(along[1], along[0]), 2 * math.pi)
    return OrientedBox(
        cx, cy, box.w * float(np.hypot(*along)), box.h * float(np.hypot(*across)), angle
    )


def _polygon(polygon: Polygon, matrix: np.ndarray) -> Polygon:
    rings = [tuple(_point(matrix, point) for point in ring) for ring in polygon.rings()]
    return Polygon(rings[0], tuple(rings[1:]))


def _points(geometry: Polyline | Keypoints, matrix: np.ndarray) -> Polyline | Keypoints:
    return replace(geometry, points=tuple(_point(matrix, point) for point in geometry.points))


def _mask(mask: Mask, matrix: np.ndarray) -> Mask:
    """Pixel centres lie at .5: the matrix is shifted for OpenCV, which counts them from 0."""
    shifted = matrix.copy()
    shifted[:, 2] += shifted[:, 0] * 0.5 + shifted[:, 1] * 0.5 - 0.5
    size = (mask.width, mask.height)
    return Mask.from_array(cv2.warpAffine(mask.to_array(), shifted, size, flags=cv2.INTER_NEAREST))


_KINDS: dict[type, Callable[[Any, np.ndarray], Geometry]] = {
    Box: _box,
    OrientedBox: _oriented,
    Polygon: _polygon,
    Polyline: _points,
    Keypoints: _points,
    Mask: _mask,
}
