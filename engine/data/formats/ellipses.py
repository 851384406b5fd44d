"""Circles and ellipses of other tools as polygons: so many points that no edge is off by more than a tenth of a pixel.

Formats that have ellipses get them again, unless somebody moved a corner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.data.annotations import Polygon

_OFF = 0.1  # pixels
_FEWEST, _MOST = 12, 180
_NEAR = 0.02  # pixels that a corner may be off its ellipse


@dataclass(frozen=True, slots=True)
class Ellipse:
    """Centre, radii along its own axes, and the angle of the first axis from x towards y."""

    cx: float
    cy: float
    rx: float
    ry: float
    angle_rad: float = 0.0


def ellipse_polygon(cx: float, cy: float, rx: float, ry: float, angle_rad: float = 0.0) -> Polygon:
    """Return an ellipse as a polygon.

    Args:
        cx: Centre.
        cy: Centre.
        rx: Half its extent along its own x axis, in pixels.
        ry: Half its extent along its own y axis.
        angle_rad: Angle of its x axis, clockwise on screen.
    """
    # An edge over the angle t is off by r * (1 - cos(t / 2)), about r * t * t / 8.
    radius = max(abs(rx), abs(ry), _OFF)
    count = math.ceil(2 * math.pi / math.sqrt(8 * _OFF / radius)) if math.isfinite(radius) else 0
    count = 4 * math.ceil(min(max(count, _FEWEST), _MOST) / 4)
    cos, sin = math.cos(angle_rad), math.sin(angle_rad)
    points = []
    for step in range(count):
        u = rx * math.cos(2 * math.pi * step / count)
        v = ry * math.sin(2 * math.pi * step / count)
        points.append((cx + u * cos - v * sin, cy + u * sin + v * cos))
    return Polygon(tuple(points))


def ellipse_of(polygon: Polygon) -> Ellipse | None:
    """Return the ellipse that a polygon stands for; None where its corners are not spread over one evenly."""
    count = len(polygon.exterior)
    if polygon.holes or count < _FEWEST or count % 4:
        return None
    points = np.array(polygon.exterior)
    center = points.mean(0)
    # Two radii a quarter of the way apart carry the whole ellipse: p = c + a cos t + b sin t.
    a, b = points[0] - center, points[count // 4] - center
    t = math.tau * np.arange(count)[:, None] / count
    if np.abs(center + a * np.cos(t) + b * np.sin(t) - points).max() > _NEAR:
        return None
    turned, (rx, ry), _ = np.linalg.svd(np.stack((a, b), axis=1))
    angle = math.atan2(turned[1, 0], turned[0, 0])
    if abs(np.dot(a, b)) < 1e-3 * max(rx * ry, 1):  # the radii are the axes: keep which is first
        rx, ry, angle = math.hypot(*a), math.hypot(*b), math.atan2(a[1], a[0])
    return Ellipse(float(center[0]), float(center[1]), float(rx), float(ry), float(angle))
