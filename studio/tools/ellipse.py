"""Circle and ellipse; both are kept as polygons with as many vertices as their size needs."""

from __future__ import annotations

from math import acos, ceil, cos, dist, pi, sin

from engine.data.annotations import Geometry, Point, Polygon
from studio.language import tr
from studio.tools.base import rounded
from studio.tools.finishing import finish_polygon
from studio.tools.two_points import TwoPointTool

_ERROR_PX = 0.25  # how far the polygon may stay inside the curve: less than anybody sees or labels
_FEWEST, _MOST = 8, 256


class CircleTool(TwoPointTool):
    """Press in the middle, let go on the rim; or click both."""

    too_small = tr("Nothing was added: the circle covers less than one pixel of the image.")

    def _drawn(self, first: Point, second: Point) -> Geometry:
        radius = dist(first, second)
        return ellipse_polygon(first, radius, radius)

    def _finished(self, first: Point, second: Point) -> list[Geometry]:
        radius = dist(first, second)
        ring = ellipse_polygon(first, radius, radius).exterior
        return list(finish_polygon(ring, self.scene.size_wh))


class EllipseTool(TwoPointTool):
    """Drag from corner to corner of the box around it; Shift makes a circle."""

    too_small = tr("Nothing was added: the ellipse covers less than one pixel of the image.")

    def _drawn(self, first: Point, second: Point) -> Geometry:
        return _within(first, second)

    def _finished(self, first: Point, second: Point) -> list[Geometry]:
        return list(finish_polygon(_within(first, second).exterior, self.scene.size_wh))


def ellipse_polygon(center: Point, radius_x: float, radius_y: float) -> Polygon:
    """Return the polygon on an upright ellipse, at most a quarter of a pixel inside the curve.

    Args:
        center: Image pixels.
        radius_x: Half of the width, pixels.
        radius_y: Half of the height, pixels.
    """
    count = vertex_count(max(radius_x, radius_y))
    angles = (2 * pi * step / count for step in range(count))
    return Polygon(
        tuple(
            (rounded(center[0] + radius_x * cos(a)), rounded(center[1] + radius_y * sin(a)))
            for a in angles
        )
    )


def vertex_count(radius: float) -> int:
    """Return how many vertices keep a circle of ``radius`` pixels within a quarter of a pixel; a multiple of four.

    The middle of a chord over the angle 2 a lies r (1 - cos a) inside the circle.
    """
    if radius <= _ERROR_PX:
        return _FEWEST
    needed = pi / acos(1 - _ERROR_PX / radius)
    return min(max(4 * ceil(needed / 4), _FEWEST), _MOST)


def _within(first: Point, second: Point) -> Polygon:
    center = (first[0] + second[0]) / 2, (first[1] + second[1]) / 2
    return ellipse_polygon(center, abs(second[0] - first[0]) / 2, abs(second[1] - first[1]) / 2)
