"""A histogram with two handles that choose what is shown black and what white."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors

_HEIGHT = 88
_HANDLE = 10  # width of a handle's foot, logical pixels
_GRIP = 8  # how far beside a handle a press still takes it
_FOOT = 14


class WindowHistogram(QWidget):
    """How often each value occurs, and the window of values that is shown from black to white.

    Signals:
        window_changed(float, float): The person moved a handle; while dragging at each step.
        reset_asked(): A double click: the automatic window is wanted.
    """

    window_changed = Signal(float, float)
    reset_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: tuple[float, ...] = ()
        self._range = 0.0, 255.0
        self._window = 0.0, 255.0
        self._held: int | None = None
        self._focused = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(_HEIGHT)
        self.setAccessibleName(tr("Histogram: values shown black and white"))
        self.setToolTip(
            tr(
                "Drag the handles: values left of the first are shown black, right of the second white.\n"
                "Arrow keys move a handle (Up and Down choose which); a double click finds the best window."
            )
        )

    @property
    def window_range(self) -> tuple[float, float]:
        """The values at the two handles."""
        return self._window

    def show_counts(self, counts: Sequence[float], low: float, high: float) -> None:
        """Show another histogram: shares 0..1 in equal steps from ``low`` to ``high``."""
        self._counts = tuple(counts)
        self._range = low, max(high, low + 1e-9)
        self.update()

    def show_window(self, low: float, high: float) -> None:
        """Put the handles at two values, without a signal."""
        if (low, high) != self._window:
            self._window = low, high
            self.update()

    def sizeHint(self) -> QSize:
        """Return a size that fits a dock."""
        return QSize(220, _HEIGHT)

    def place_of(self, value: float) -> float:
        """Return where a value lies, logical pixels from the left."""
        low, high = self._range
        share = (value - low) / (high - low)
        return _HANDLE / 2 + min(max(share, 0.0), 1.0) * self._track()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars, what lies outside the window dimmed, and the handles."""
        colors = current_colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        plot = QRectF(_HANDLE / 2, 0, self._track(), self.height() - _FOOT)
        painter.fillRect(plot, QColor(colors.raised))
        if self._counts:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.secondary))
            painter.drawPolygon(_outline(self._counts, plot))
        first, second = (self.place_of(value) for value in self._window)
        shade = QColor(colors.window)
        shade.setAlphaF(0.7)
        painter.fillRect(QRectF(plot.left(), 0, first - plot.left(), plot.height()), shade)
        painter.fillRect(QRectF(second, 0, plot.right() - second, plot.height()), shade)
        for number, (place, ink) in enumerate(((first, "#000000"), (second, "#FFFFFF"))):
            held = self.hasFocus() and number == self._focused
            painter.setPen(QColor(colors.accent if held else colors.outline))
            painter.drawLine(QPointF(place, 0), QPointF(place, plot.height()))
            painter.setBrush(QColor(ink))
            foot = plot.height()
            painter.drawPolygon(
                QPolygonF(
                    [
                        QPointF(place, foot),
                        QPointF(place + _HANDLE / 2, foot + 8),
                        QPointF(place - _HANDLE / 2, foot + 8),
                    ]
                )
            )
        painter.setPen(QColor(colors.secondary))
        painter.setFont(font(tokens.FONT_CAPTION, tabular=True))
        texts = [_number(value) for value in self._window]
        top = QRectF(plot.left() + 2, 2, plot.width() - 4, 14)
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft, texts[0])
        painter.drawText(top, Qt.AlignmentFlag.AlignRight, texts[1])
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the nearer handle."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        distances = [abs(self.place_of(value) - x) for value in self._window]
        nearer = 0 if distances[0] < distances[1] else 1
        if distances[0] == distances[1]:  # both at one place: the side of the press decides
            nearer = 0 if x < self.place_of(self._window[0]) else 1
        self._held = self._focused = nearer
        if distances[nearer] > _GRIP:
            self._move_to(x)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the handle that is held."""
        if self._held is not None:
            self._move_to(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let it go."""
        self._held = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for the automatic window."""
        self.reset_asked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right move a handle, Up and Down choose which."""
        low, high = self._range
        step = (high - low) / (20 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 255)
        moves = {Qt.Key.Key_Left: -step, Qt.Key.Key_Right: step}
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._focused = 1 - self._focused
            self.update()
        elif event.key() in moves:
            self._set(self._focused, self._window[self._focused] + moves[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def _move_to(self, x: float) -> None:
        low, high = self._range
        share = min(max((x - _HANDLE / 2) / self._track(), 0.0), 1.0)
        self._set(self._held or 0, low + share * (high - low))

    def _set(self, number: int, value: float) -> None:
        """Move one handle; it stops at the other."""
        low, high = self._range
        gap = (high - low) / 512
        first, second = self._window
        value = min(max(value, low), high)
        if number == 0:
            first = min(value, second - gap)
        else:
            second = max(value, first + gap)
        if (first, second) != self._window:
            self._window = first, second
            self.update()
            self.window_changed.emit(first, second)

    def _track(self) -> float:
        return max(1.0, self.width() - _HANDLE)


def _outline(counts: Sequence[float], plot: QRectF) -> QPolygonF:
    """Return the bars as one outline; the square root lets rare values show."""
    step = plot.width() / len(counts)
    points = [plot.bottomLeft()]
    for number, count in enumerate(counts):
        y = plot.bottom() - count**0.5 * (plot.height() - 4)
        points += [
            QPointF(plot.left() + number * step, y),
            QPointF(plot.left() + (number + 1) * step, y),
        ]
    return QPolygonF([*points, plot.bottomRight()])


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3g}"
