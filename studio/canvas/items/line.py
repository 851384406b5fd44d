"""Open lines: halo and line, no fill."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPolygonF

from engine.data.annotations import Polyline
from studio.canvas.styles import ShapeStyle
from studio.tools.scene import Entry


class LineItem:
    """A line through its points, in image pixels."""

    def __init__(self, entry: Entry) -> None:
        geometry = entry.shape.geometry
        points = geometry.points if isinstance(geometry, Polyline) else ()
        self._line = QPolygonF([QPointF(x, y) for x, y in points])
        self.vertex_count = len(points)

    def draw(self, painter: QPainter, style: ShapeStyle) -> None:
        """Draw with a painter that is scaled to image pixels."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (style.halo, style.line):
            painter.setPen(pen)
            painter.drawPolyline(self._line)
