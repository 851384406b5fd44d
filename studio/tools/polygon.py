"""The polygon tool: click point by point, or drag to draw freehand; both may be mixed in one outline."""

from __future__ import annotations

from engine.data.annotations import Point
from studio.language import tr
from studio.model.edits import AddShapes, Edit
from studio.tools.finishing import finish_polygon
from studio.tools.path_tool import PathTool
from studio.tools.path_tool import State as State

NOTHING_LEFT = tr("Nothing was added: the outline covers less than one pixel of the image.")


class PolygonTool(PathTool):
    """Pressing near the first point, a double click or Enter closes the outline.

    The outline gets the class that is current when it is closed. After closing the tool is ready for the next one.
    """

    needed = 3
    closes = True
    too_few = tr("A polygon needs three points; Escape drops it.")

    def _made(self, points: list[Point]) -> Edit | None:
        polygons = finish_polygon(points, self.scene.size_wh)
        if not polygons:
            self.notice.text = NOTHING_LEFT
            return None
        return AddShapes(tuple(map(self.scene.drawn, polygons)))
