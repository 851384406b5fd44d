"""The box tool: drag from corner to corner, or click two corners."""

from __future__ import annotations

from engine.data.annotations import Box, Geometry, Point
from studio.language import tr
from studio.tools.finishing import finish_box
from studio.tools.two_points import State as State
from studio.tools.two_points import TwoPointTool


class BoxTool(TwoPointTool):
    """Shift keeps the box square; Escape leaves nothing."""

    too_small = tr("Nothing was added: the box is smaller than one pixel of the image.")

    def _drawn(self, first: Point, second: Point) -> Geometry:
        (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(first, second, strict=True))
        return Box(x1, y1, x2, y2)

    def _finished(self, first: Point, second: Point) -> list[Geometry]:
        box = finish_box(first, second, self.scene.size_wh)
        return [] if box is None else [box]
