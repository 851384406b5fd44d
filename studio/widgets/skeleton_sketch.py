"""A drawing of a skeleton: points with their numbers, lines between them; two clicks join two points or part them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors

_MARGIN = 28
_DOT = 22
_LINE = 2


class SkeletonSketch(QWidget):
    """Shows points in fractions of itself.

    Signals:
        bone_clicked(int, int): Two different points were clicked one after the other.
    """

    bone_clicked = Signal(int, int)

    def __init__(self) -> None:
        super().__init__()
        self._points: tuple[tuple[float, float], ...] = ()
        self._bones: tuple[tuple[int, int], ...] = ()
        self._chosen: int | None = None
        self.setAccessibleName(tr("Skeleton"))
        self.setToolTip(tr("Click two points to join them; click them again to part them"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_skeleton(
        self, points: Sequence[tuple[float, float]], bones: Sequence[tuple[int, int]]
    ) -> None:
        """Draw these points (fractions of the room, x right, y down) and the lines between them."""
        self._points, self._bones = tuple(points), tuple(bones)
        self._chosen = None
        self.update()

    def place(self, number: int) -> QPointF:
        """Return where a point is drawn."""
        x, y = self._points[number]
        room = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        return QPointF(room.left() + x * room.width(), room.top() + y * room.height())

    def sizeHint(self) -> QSize:
        """Return a size in which a person fits."""
        return QSize(280, 360)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a point, or join it to the chosen one."""
        here = event.position()
        near = [
            number
            for number in range(len(self._points))
            if QLineF(here, self.place(number)).length() <= _DOT / 2 + 4
        ]
        first, self._chosen = self._chosen, near[0] if near else None
        if first is not None and self._chosen is not None and first != self._chosen:
            joined, self._chosen = self._chosen, None
            self.bone_clicked.emit(first, joined)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw bones, points and numbers."""
        colors = current_colors()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(QColor(colors.secondary), _LINE))
        painter.drawLines([QLineF(self.place(a), self.place(b)) for a, b in self._bones])
        painter.setFont(font(tokens.FONT_CAPTION, tabular=True))
        for number in range(len(self._points)):
            middle = self.place(number)
            dot = QRectF(middle.x() - _DOT / 2, middle.y() - _DOT / 2, _DOT, _DOT)
            chosen = number == self._chosen
            painter.setPen(QPen(QColor(colors.accent if chosen else colors.secondary), _LINE))
            painter.setBrush(QColor(colors.accent if chosen else colors.raised))
            painter.drawEllipse(dot)
            painter.setPen(QColor(colors.on_accent if chosen else colors.text))
            painter.drawText(dot, Qt.AlignmentFlag.AlignCenter, str(number + 1))
        painter.end()
