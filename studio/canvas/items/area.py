"""Shapes that cover an area: polygons, boxes, oriented boxes, masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF
from shiboken6 import VoidPtr

from studio.canvas.styles import ShapeStyle
from studio.tools.rings import Ring
from studio.tools.scene import Entry


class AreaItem:
    """An outline with holes, in image pixels."""

    def __init__(self, entry: Entry) -> None:
        self.vertex_count = sum(len(ring) for ring in entry.rings)
        polygons = [_polygon(ring) for ring in entry.rings]
        self._polygon = polygons[0] if len(polygons) == 1 else None
        self._path = QPainterPath()  # odd-even filling makes the holes
        if self._polygon is None:
            for polygon in polygons:
                self._path.addPolygon(polygon)
                self._path.closeSubpath()

    def draw(self, painter: QPainter, style: ShapeStyle) -> None:
        """Draw fill, halo and outline with a painter that is scaled to image pixels."""
        # The outline covers the fill's edge, so the fill needs no smoothing: it is six times as fast without.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(style.fill)
        self._draw(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(style.halo)
        self._draw(painter)
        painter.setPen(style.line)
        self._draw(painter)

    def _draw(self, painter: QPainter) -> None:
        if self._polygon is not None:
            painter.drawPolygon(self._polygon)
        else:
            painter.drawPath(self._path)


def _polygon(ring: Ring) -> QPolygonF:
    """Return a ring as Qt's polygon; its points are copied at once, which is seven times as fast as one by one."""
    polygon = QPolygonF()
    polygon.resize(len(ring))
    if len(ring):
        # Shiboken's stub knows neither the size nor that the result is a buffer.
        memory: Any = VoidPtr(polygon.data(), len(ring) * 16, True)  # type: ignore[call-arg, arg-type]
        np.frombuffer(memory, np.float64).reshape(-1, 2)[:] = ring
    return polygon
