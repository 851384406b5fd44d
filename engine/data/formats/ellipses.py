"""Circles and ellipses of other tools as polygons: so many points that no edge is off by more than a tenth of a pixel."""

from __future__ import annotations

import math

from engine.data.annotations import Polygon

_OFF = 0.1  # pixels
_FEWEST, _MOST = 12, 180


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
