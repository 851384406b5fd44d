"""Rulers along the canvas's upper and left edge, in pixels or in the project's unit."""

from __future__ import annotations

from math import ceil, floor, isnan, log10

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from studio.canvas.viewport import Viewport
from studio.language import tr
from studio.model.calibration import PIXELS, Calibration
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors

RULER_SIZE = 20  # logical pixels
_LABEL_GAP = 72  # logical pixels between two numbers at least
_STEPS = (1.0, 2.0, 5.0, 10.0)


class Ruler(QWidget):
    """One ruler; it marks where the cursor is. The mouse goes through it to the canvas.

    Args:
        viewport: Where the picture lies.
        orientation: Along which edge.
        parent: The canvas.
    """

    def __init__(self, viewport: Viewport, orientation: Qt.Orientation, parent: QWidget) -> None:
        super().__init__(parent)
        self._viewport = viewport
        self._is_level = orientation == Qt.Orientation.Horizontal
        self._calibration = PIXELS
        self._cursor = float("nan")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(tr("Horizontal ruler") if self._is_level else tr("Vertical ruler"))

    def set_calibration(self, calibration: Calibration) -> None:
        """Count in another unit."""
        self._calibration = calibration
        self.update()

    def show_cursor(self, place: float) -> None:
        """Mark an image coordinate; NaN marks none."""
        old, self._cursor = self._cursor, place
        for value in (old, place):
            if not isnan(value):
                at = floor(self._along(value))
                sides = (
                    (at - 2, 0, 5, self.height())
                    if self._is_level
                    else (0, at - 2, self.width(), 5)
                )
                self.update(*sides)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the strip, its ticks and numbers, and the cursor's mark."""
        colors = current_colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.panel))
        painter.setPen(QColor(colors.outline))
        length = self.width() if self._is_level else self.height()
        unit = self._calibration.pixels_per_unit
        first, last = (self._value(place) / unit for place in (0.0, float(length)))
        step = nice_step(_LABEL_GAP * self._viewport.pixel_ratio / self._viewport.scale / unit)
        ticks = []
        painter.setFont(font(tokens.FONT_CAPTION, tabular=True))
        for number in range(floor(first / step) - 1, ceil(last / step) + 1):
            for part in range(10):
                place = self._along((number + part / 10) * step * unit)
                size = (
                    RULER_SIZE if part == 0 else RULER_SIZE * 0.4 if part == 5 else RULER_SIZE * 0.2
                )
                ticks.append(self._tick(place, size))
            self._write(painter, self._along(number * step * unit), _text(number * step, step))
        painter.setPen(QColor(colors.line))
        painter.drawLines(ticks)
        painter.drawLine(self._edge())
        if not isnan(self._cursor):
            painter.setPen(QColor(colors.accent))
            painter.drawLine(self._tick(self._along(self._cursor), RULER_SIZE))
        painter.end()

    def _write(self, painter: QPainter, place: float, text: str) -> None:
        painter.setPen(QColor(current_colors().secondary))
        if self._is_level:
            room = QRectF(place + 3, 0, _LABEL_GAP, RULER_SIZE - 5)
            painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
            return
        painter.save()
        painter.translate(0, place - 3)
        painter.rotate(-90)
        room = QRectF(0, 0, _LABEL_GAP, RULER_SIZE - 5)
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def _tick(self, place: float, size: float) -> QLineF:
        at = floor(place) + 0.5
        if self._is_level:
            return QLineF(at, self.height() - size, at, self.height())
        return QLineF(self.width() - size, at, self.width(), at)

    def _edge(self) -> QLineF:
        if self._is_level:
            return QLineF(
                QPointF(0, self.height() - 0.5), QPointF(self.width(), self.height() - 0.5)
            )
        return QLineF(QPointF(self.width() - 0.5, 0), QPointF(self.width() - 0.5, self.height()))

    def _along(self, value: float) -> float:
        """Return where an image coordinate lies on the ruler, logical pixels."""
        x, y = self._viewport.to_device(value, value)
        offset = self.x() if self._is_level else self.y()
        return (x if self._is_level else y) / self._viewport.pixel_ratio - offset

    def _value(self, place: float) -> float:
        """Return the image coordinate at a place on the ruler."""
        offset = self.x() if self._is_level else self.y()
        device = (place + offset) * self._viewport.pixel_ratio
        x, y = self._viewport.to_image(device, device)
        return x if self._is_level else y


def nice_step(smallest: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, ... (and 0.5, 0.2, ...) that is not below ``smallest``."""
    decade = 10.0 ** floor(log10(max(smallest, 1e-12)))
    return next(step * decade for step in _STEPS if step * decade >= smallest * (1 - 1e-9))


def _text(value: float, step: float) -> str:
    decimals = max(0, -floor(log10(step) + 1e-9))
    return f"{value:.{decimals}f}"
