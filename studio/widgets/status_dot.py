"""A dot of 8 px that says in colour, form and tool tip how a thing stands."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from studio.theme import tokens
from studio.theme.theme import current_colors
from studio.theme.tokens import Colors

State = Literal["none", "busy", "success", "warning", "danger"]

_INKS: dict[str, str] = {
    "none": "outline",
    "busy": "accent_text",
    "success": "success_text",
    "warning": "warning_text",
    "danger": "danger_text",
}
_HOLLOW = frozenset({"none", "busy"})  # states differ in form too, not by colour alone


class StatusDot(QWidget):
    """A full dot for what has ended, a ring for what has not begun or is under way."""

    def __init__(
        self, state: State = "none", meaning: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.set_state(state, meaning)

    def set_state(self, state: State, meaning: str = "") -> None:
        """Show another state; ``meaning`` is its word for the tool tip and for screen readers."""
        self._state = state
        self.setToolTip(meaning)
        self.setAccessibleName(meaning)
        self.update()

    def state(self) -> State:
        """Return the state shown."""
        return self._state

    def sizeHint(self) -> QSize:
        """Return the dot with its margin."""
        return QSize(tokens.SPACE_M, tokens.SPACE_M)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the dot in the middle."""
        painter = QPainter(self)
        draw_status_dot(painter, QRectF(self.rect()), self._state, current_colors())
        painter.end()


def draw_status_dot(painter: QPainter, within: QRectF, state: State, colors: Colors) -> None:
    """Draw the dot in the middle of ``within``; item delegates (the filmstrip) use it too."""
    ink = QColor(getattr(colors, _INKS[state]))
    circle = QRectF(0, 0, tokens.SPACE_S, tokens.SPACE_S)
    circle.moveCenter(within.center())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if state in _HOLLOW:
        painter.setPen(QPen(ink, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        circle.adjust(0.75, 0.75, -0.75, -0.75)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
    painter.drawEllipse(circle)
    painter.restore()
