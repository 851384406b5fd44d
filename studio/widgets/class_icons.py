"""The small square in a class's colour, for lists and menus."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

_SIDE, _RATIO = 12, 3  # logical pixels; drawn for screens of up to 300 %


@lru_cache(maxsize=512)
def class_icon(color: str) -> QIcon:
    """Return a rounded square of 10 px in ``color`` (``#rrggbb``)."""
    picture = QPixmap(_SIDE * _RATIO, _SIDE * _RATIO)
    picture.setDevicePixelRatio(_RATIO)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(color))
    painter.drawRoundedRect(1, 1, 10, 10, 3, 3)
    painter.end()
    return QIcon(picture)
