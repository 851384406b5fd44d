"""Shapes turned, stretched and mirrored about a place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.data.annotations import Geometry, Point
from engine.data.annotations.moved import moved


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
    """Return a geometry after a motion, see ``engine.data.annotations.moved``."""
    return moved(geometry, motion.matrix())
