"""A button that shows a colour and lets the person choose another."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QColorDialog, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.theme.theme import current_colors


class ColorSwatch(QAbstractButton):
    """A square of 16 px in a hit area of 24.

    Signals:
        color_chosen: Another colour, ``#rrggbb``.
    """

    color_chosen = Signal(str)

    def __init__(self, color: str, tool_tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = color
        tool_tip = tool_tip or tr("Change colour")
        self.setToolTip(tool_tip)
        self.setAccessibleName(tool_tip)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(self._on_clicked)

    def color(self) -> str:
        """Return the colour shown."""
        return self._color

    def set_color(self, color: str) -> None:
        """Show another colour without a signal."""
        self._color = color
        self.update()

    def _on_clicked(self) -> None:
        dialog = QColorDialog(QColor(self._color), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self._on_selected)
        dialog.open()  # not modal to the window: the canvas stays usable

    def _on_selected(self, color: QColor) -> None:
        if color.isValid() and color.name() != self._color.lower():
            self.set_color(color.name())
            self.color_chosen.emit(color.name())

    def sizeHint(self) -> QSize:
        """Return the hit area."""
        return QSize(tokens.SPACE_XL, tokens.SPACE_XL)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the square, with a ring when it has the focus."""
        colors = current_colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inset = (tokens.SPACE_XL - tokens.SPACE_L) / 2
        square = QRectF(self.rect()).adjusted(inset, inset, -inset, -inset)
        painter.setBrush(QColor(self._color))
        painter.setPen(QPen(QColor(colors.accent if self.hasFocus() else colors.outline), 1))
        painter.drawRoundedRect(square, tokens.SPACE_XS, tokens.SPACE_XS)
        painter.end()
