"""The line tool: lanes, cracks, wires. Click point by point or drag; double click or Enter ends the line."""

from __future__ import annotations

from engine.data.annotations import Point, Polyline
from studio.language import tr
from studio.model.edits import AddShapes, Edit
from studio.tools.base import rounded
from studio.tools.finishing import MIN_SIDE
from studio.tools.path_tool import PathTool


class PolylineTool(PathTool):
    """An open line; what lies outside the image is drawn to its border."""

    too_few = tr("A line needs two points; Escape drops it.")

    def _made(self, points: list[Point]) -> Edit | None:
        inside = [self.scene.clamp(*point) for point in points]
        line = Polyline(tuple((rounded(x), rounded(y)) for x, y in inside))
        if line.length() < MIN_SIDE:
            self.notice.text = tr(
                "Nothing was added: the line is shorter than one pixel of the image."
            )
            return None
        return AddShapes((self.scene.drawn(line),))
