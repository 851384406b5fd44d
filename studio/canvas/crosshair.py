"""Lines through the cursor from edge to edge of the canvas, for whoever wants them with every tool."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

_LIGHT, _DARK = QColor(255, 255, 255, 150), QColor(0, 0, 0, 150)


class CrosshairLine(QWidget):
    """One line, light beside dark so that it shows on any picture. The mouse goes through it."""

    def __init__(self, orientation: Qt.Orientation, parent: QWidget) -> None:
        super().__init__(parent)
        self._is_level = orientation == Qt.Orientation.Horizontal
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.hide()

    def show_at(self, x: int, y: int) -> None:
        """Go through a place of the canvas, logical pixels."""
        parent = self.parentWidget()
        if parent is None:
            return
        if self._is_level:
            self.setGeometry(0, y, parent.width(), 2)
        else:
            self.setGeometry(x, 0, 2, parent.height())
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the two lines."""
        painter = QPainter(self)
        width, height = self.width(), self.height()
        if self._is_level:
            painter.fillRect(0, 0, width, 1, _LIGHT)
            painter.fillRect(0, 1, width, 1, _DARK)
        else:
            painter.fillRect(0, 0, 1, height, _LIGHT)
            painter.fillRect(1, 0, 1, height, _DARK)
        painter.end()
