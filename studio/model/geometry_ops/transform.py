"""Shapes turned, stretched and mirrored about a place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Point,
    Polygon,
    Polyline,
)


@dataclass(frozen=True, slots=True)
class Motion:
    """First stretched by (``sx``, ``sy``), then turned by ``angle_rad`` (clockwise on screen), both about a fixed place.

    Attributes:
        about: The place that stays, image pixels.
        sx: Factor along x; negative mirrors, never 0.
        sy: Factor along y; negative mirrors, never 0.
        angle_rad: Angle of the turn.
    """

    about: Point
    sx: float = 1.0
    sy: float = 1.0
    angle_rad: float = 0.0

    def point(self, point: Point) -> Point:
        """Return where a point goes."""
        (x, y), (cx, cy) = point, self.about
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        u, v = (x - cx) * self.sx, (y - cy) * self.sy
        return cx + u * cos - v * sin, cy + u * sin + v * cos

    def matrix(self) -> np.ndarray:
        """Return the (2, 3) matrix that maps a point to where it goes."""
        origin, right, down = (self.point(p) for p in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)))
        columns = [np.subtract(right, origin), np.subtract(down, origin), origin]
        return np.array(columns, np.float64).T


def transformed(geometry: Geometry, motion: Motion) -> Geometry:
    """Return a geometry after a motion.

    An upright box stays upright: turning moves its middle and leaves its sides. A rotated box stays a rectangle, as in
    ``OrientedBox.scaled``. The pixels of a mask are taken from the nearest ones, what leaves the image is cut off. A tag has
    no place and stays.
    """
    change = _KINDS.get(type(geometry))
    return geometry if change is None else change(geometry, motion)


def _box(box: Box, motion: Motion) -> Box:
    x1, y1, x2, y2 = box.bounds()
    cx, cy = motion.point(((x1 + x2) / 2, (y1 + y2) / 2))
    half_w, half_h = abs(motion.sx) * (x2 - x1) / 2, abs(motion.sy) * (y2 - y1) / 2
    return Box(cx - half_w, cy - half_h, cx + half_w, cy + half_h)


def _oriented(box: OrientedBox, motion: Motion) -> OrientedBox:
    cx, cy = motion.point((box.cx, box.cy))
    cos, sin = math.cos(box.angle_rad), math.sin(box.angle_rad)
    w = box.w * math.hypot(cos * motion.sx, sin * motion.sy)
    h = box.h * math.hypot(sin * motion.sx, cos * motion.sy)
    angle = math.atan2(sin * motion.sy, cos * motion.sx) + motion.angle_rad
    return OrientedBox(cx, cy, w, h, math.remainder(angle, 2 * math.pi))


def _polygon(polygon: Polygon, motion: Motion) -> Polygon:
    rings = [tuple(map(motion.point, ring)) for ring in polygon.rings()]
    return Polygon(rings[0], tuple(rings[1:]))


def _points(geometry: Polyline | Keypoints, motion: Motion) -> Polyline | Keypoints:
    return replace(geometry, points=tuple(map(motion.point, geometry.points)))


def _mask(mask: Mask, motion: Motion) -> Mask:
    """Pixel centres lie at .5: the matrix is shifted for OpenCV, which counts them from 0."""
    matrix = motion.matrix()
    matrix[:, 2] += matrix[:, 0] * 0.5 + matrix[:, 1] * 0.5 - 0.5
    size = (mask.width, mask.height)
    return Mask.from_array(cv2.warpAffine(mask.to_array(), matrix, size, flags=cv2.INTER_NEAREST))


_KINDS: dict[type, Callable[[Any, Motion], Geometry]] = {
    Box: _box,
    OrientedBox: _oriented,
    Polygon: _polygon,
    Polyline: _points,
    Keypoints: _points,
    Mask: _mask,
}
