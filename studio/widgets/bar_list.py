"""Horizontal bars with names and numbers, each of which can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors

_ROW = 24
_NAME_SHARE = 0.34
_NUMBER_WIDTH = 76
_BAR_HEIGHT = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        name: At its left.
        value: Its length, 0 or more.
        color: ``#rrggbb``, empty for the accent.
        note: Behind the number, in its tool tip.
    """

    name: str
    value: float
    color: str = ""
    note: str = ""


class BarList(QWidget):
    """Paints its bars itself: a thousand of them are one widget.

    Signals:
        clicked(int): The person clicked on the bar at this place, or pressed Enter on it.

    Args:
        name: What the bars are, for screen readers.
        tip: What a click does, for the tool tips.
    """

    clicked = Signal(int)

    def __init__(self, name: str, tip: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars: tuple[Bar, ...] = ()
        self._at: int | None = None
        self._tip = tip
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_bars(self, bars: Sequence[Bar]) -> None:
        """Show other bars."""
        self._bars, self._at = tuple(bars), None
        self.setAccessibleDescription(", ".join(f"{bar.name}: {bar.value:,.0f}" for bar in bars))
        self.updateGeometry()
        self.update()

    def bars(self) -> tuple[Bar, ...]:
        """Return what is shown."""
        return self._bars

    def place_of(self, row: int) -> QPointF:
        """Return the middle of a bar, in the widget's pixels."""
        return QPointF(self.width() / 2, (row + 0.5) * _ROW)

    def sizeHint(self) -> QSize:
        """Return the room that all bars need."""
        return QSize(280, _ROW * len(self._bars))

    def minimumSizeHint(self) -> QSize:
        """Return the room that all bars need when they are narrow."""
        return QSize(180, _ROW * len(self._bars))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars that lie in the region to draw."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((bar.value for bar in self._bars), default=0.0) or 1.0
        first, last = event.rect().top() // _ROW, event.rect().bottom() // _ROW
        for row in range(first, min(last + 1, len(self._bars))):
            self._paint_bar(painter, row, self._bars[row], self._bars[row].value / most)
        painter.end()

    def _paint_bar(self, painter: QPainter, row: int, bar: Bar, share: float) -> None:
        colors = current_colors()
        whole = QRectF(0, row * _ROW, self.width(), _ROW)
        if row == self._at:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.hover))
            painter.drawRoundedRect(whole, 4, 4)
        name_width = self.width() * _NAME_SHARE
        painter.setFont(font(tokens.FONT_SECONDARY))
        painter.setPen(QColor(colors.text))
        room = name_width - tokens.SPACE_S
        shown = painter.fontMetrics().elidedText(bar.name, Qt.TextElideMode.ElideRight, int(room))
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(whole.adjusted(tokens.SPACE_XS, 0, 0, 0), left, shown)
        track = QRectF(name_width, whole.center().y() - _BAR_HEIGHT / 2, 0, _BAR_HEIGHT)
        track.setWidth(max(0.0, self.width() - name_width - _NUMBER_WIDTH))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colors.pressed))
        painter.drawRoundedRect(track, 4, 4)
        if bar.value > 0:
            track.setWidth(max(6.0, track.width() * share))
            painter.setBrush(QColor(bar.color or colors.accent))
            painter.drawRoundedRect(track, 4, 4)
        painter.setPen(QColor(colors.secondary))
        painter.setFont(font(tokens.FONT_SECONDARY, tabular=True))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(whole.adjusted(0, 0, -tokens.SPACE_XS, 0), right, f"{bar.value:,.0f}")

    def _point_at(self, row: int | None) -> None:
        if row is not None and not 0 <= row < len(self._bars):
            row = None
        if row != self._at:
            self._at = row
            self.setCursor(
                Qt.CursorShape.ArrowCursor if row is None else Qt.CursorShape.PointingHandCursor
            )
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the bar under the cursor."""
        self._point_at(int(event.position().y() // _ROW))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which bar was clicked."""
        row = int(event.position().y() // _ROW)
        if event.button() == Qt.MouseButton.LeftButton and 0 <= row < len(self._bars):
            self.clicked.emit(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk over the bars by the arrows, choose one by Enter."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        if event.key() in steps and self._bars:
            here = -1 if self._at is None else self._at
            self._point_at((here + steps[Qt.Key(event.key())]) % len(self._bars))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._at is not None:
            self.clicked.emit(self._at)
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Mark no bar."""
        self._point_at(None)

    def event(self, event: QEvent) -> bool:
        """Say what the bar under the cursor is."""
        if event.type() == QEvent.Type.ToolTip and self._at is not None:
            bar = self._bars[self._at]
            lines = (f"{bar.name}: {bar.value:,.0f}", bar.note, self._tip)
            QToolTip.showText(self.mapToGlobal(self.place_of(self._at)).toPoint(), "\n".join(filter(None, lines)), self)  # fmt: skip
            return True
        return super().event(event)
