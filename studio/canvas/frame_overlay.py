"""The frame around the selection, and the vertices that were chosen together."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from engine.data.annotations import Point
from studio.canvas.viewport import Viewport
from studio.theme import tokens
from studio.tools.frame import Frame

_LIGHT, _DARK = QColor("#FFFFFF"), QColor(tokens.HALO)
_ACCENT = QColor(tokens.DARK.accent)
_DASH = [3.0, 3.0]  # in pen widths
_HANDLE_SIDE = 7.0  # logical pixels
_CHOSEN_SIZE = tokens.VERTEX_SIZE_HOVER


def paint_frame(painter: QPainter, frame: Frame, viewport: Viewport) -> None:
    """Draw a frame with its handles and its knob, with a painter in device pixels."""
    ratio = viewport.pixel_ratio
    radius = hit_radius(viewport)
    corners = [_on_canvas(point, viewport) for point in frame.corners(radius)]
    handles = {part: _on_canvas(at, viewport) for part, at in frame.handles(radius).items()}
    knob = handles.pop("turn")
    top = (corners[0] + corners[1]) / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for ink, dashed in ((_DARK, False), (_LIGHT, True)):
        pen = QPen(ink, ratio)
        if dashed:
            pen.setDashPattern(_DASH)
        painter.setPen(pen)
        painter.drawPolygon(QPolygonF(corners))
        painter.drawLine(QLineF(top, knob))
    painter.setPen(QPen(_ACCENT, 1.5 * ratio))
    painter.setBrush(_LIGHT)
    half = _HANDLE_SIDE * ratio / 2
    for place in handles.values():
        painter.drawRect(QRectF(place.x() - half, place.y() - half, 2 * half, 2 * half))
    painter.drawEllipse(knob, half * 1.2, half * 1.2)


def paint_chosen(painter: QPainter, places: Sequence[Point], viewport: Viewport) -> None:
    """Draw the vertices that were chosen together: filled, where the others are hollow."""
    points = QPolygonF([_on_canvas(place, viewport) for place in places])
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for ink, size in (
        (_DARK, _CHOSEN_SIZE + 4),
        (_LIGHT, _CHOSEN_SIZE + 2),
        (_ACCENT, _CHOSEN_SIZE - 2),
    ):
        width = size * viewport.pixel_ratio
        painter.setPen(QPen(ink, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(points)


def frame_points(frame: Frame, viewport: Viewport) -> list[Point]:
    """Return the image points that the drawn frame reaches."""
    radius = hit_radius(viewport)
    return [*frame.corners(radius), *frame.handles(radius).values()]


def hit_radius(viewport: Viewport) -> float:
    """Return the radius within which a handle is hit, in image pixels."""
    return tokens.VERTEX_HIT_SIZE / 2 * viewport.pixel_ratio / viewport.scale


def _on_canvas(point: Point, viewport: Viewport) -> QPointF:
    return QPointF(*viewport.to_device(*point))
