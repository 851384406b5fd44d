"""Keypoints: a dot for each labelled point, hollow where it is hidden in the picture, and the bones between them."""

from __future__ import annotations

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from engine.data.annotations import Keypoints
from studio.canvas.styles import ShapeStyle
from studio.theme import tokens
from studio.tools.scene import Entry

_HIDDEN = 1  # visibility of a point that was labelled but cannot be seen


class PointsItem:
    """Dots of one size on screen; a round pen draws each as a point. A bone is drawn where both its ends are labelled."""

    def __init__(self, entry: Entry) -> None:
        geometry = entry.shape.geometry
        pairs = (
            zip(geometry.points, geometry.visibility, strict=True)
            if isinstance(geometry, Keypoints)
            else ()
        )
        seen: list[QPointF] = []
        hidden: list[QPointF] = []
        self._places: dict[int, QPointF] = {}
        for number, ((x, y), visibility) in enumerate(pairs):
            if visibility > 0:
                self._places[number] = QPointF(x, y)
                (hidden if visibility == _HIDDEN else seen).append(QPointF(x, y))
        self._all, self._hidden = QPolygonF(seen + hidden), QPolygonF(hidden)
        self.vertex_count = len(seen) + len(hidden)

    def draw(self, painter: QPainter, style: ShapeStyle) -> None:
        """Draw the dots with a painter that is scaled to image pixels."""
        ratio = style.line.widthF() / tokens.OUTLINE_WIDTH
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        bones = [
            QLineF(self._places[a], self._places[b])
            for a, b in style.bones
            if a in self._places and b in self._places
        ]
        if bones:
            for pen in (style.halo, style.line):
                painter.setPen(pen)
                painter.drawLines(bones)
        for points, color, size in (
            (self._all, style.halo.color(), tokens.VERTEX_SIZE + 2),
            (self._all, style.color, tokens.VERTEX_SIZE),
            (self._hidden, style.halo.color(), tokens.VERTEX_SIZE - 3),
        ):
            if not points.isEmpty():
                painter.setPen(_dot_pen(color, size * ratio))
                painter.drawPoints(points)


def _dot_pen(color: QColor, width: float) -> QPen:
    pen = QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    pen.setCosmetic(True)
    return pen
