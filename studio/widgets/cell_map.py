"""A grid of numbers as shades: where shapes lie, which classes occur together. Cells can be clicked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors

_LEAST_CELL = 10
_LABEL_WIDTH = 88


class CellMap(QWidget):
    """Paints a matrix; darker means less.

    Signals:
        clicked(int, int): Row and column of the cell that was clicked.

    Args:
        name: What it shows, for screen readers.
        describe: Returns the sentence of a cell from its row, column and value.
    """

    clicked = Signal(int, int)

    def __init__(
        self,
        name: str,
        describe: Callable[[int, int, int], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._values = np.zeros((0, 0), dtype=int)
        self._labels: tuple[str, ...] = ()
        self._describe = describe
        self._at: tuple[int, int] | None = None
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_values(self, values: np.ndarray, labels: Sequence[str] = ()) -> None:
        """Show a matrix.

        Args:
            values: (R, C) whole numbers, 0 or more.
            labels: Names of the rows, empty for none.
        """
        self._values, self._labels, self._at = values, tuple(labels), None
        self.updateGeometry()
        self.update()

    def values(self) -> np.ndarray:
        """Return what is shown."""
        return self._values

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where a cell lies, in the widget's pixels."""
        left, width, height = self._layout()
        return QRectF(left + column * width, row * height, width, height)

    def sizeHint(self) -> QSize:
        """Return a room in which cells are near to squares."""
        rows, columns = self._values.shape
        if not rows:
            return QSize(200, 0)
        cell = max(_LEAST_CELL, min(24, 320 // max(rows, columns)))
        left = _LABEL_WIDTH if self._labels else 0
        return QSize(left + columns * cell, rows * cell)

    def _layout(self) -> tuple[float, float, float]:
        rows, columns = self._values.shape
        left = _LABEL_WIDTH if self._labels else 0
        return left, (self.width() - left) / max(1, columns), self.height() / max(1, rows)

    def _cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        left, width, height = self._layout()
        rows, columns = self._values.shape
        row, column = int(y // height) if height else -1, int((x - left) // width) if width else -1
        return (row, column) if 0 <= row < rows and 0 <= column < columns else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the cells."""
        painter = QPainter(self)
        colors = current_colors()
        low, high = QColor(colors.pressed), QColor(colors.accent)
        most = float(self._values.max(initial=0)) or 1.0
        for row, column in np.ndindex(self._values.shape):
            # the root shows the few beside the many
            share = (float(self._values[row, column]) / most) ** 0.5
            rect = self.cell_rect(row, column).adjusted(0.5, 0.5, -0.5, -0.5)
            painter.fillRect(rect, _mixed(low, high, share))
            if (row, column) == self._at:
                painter.setPen(QColor(colors.text))
                painter.drawRect(rect)
        painter.setFont(font(tokens.FONT_CAPTION))
        painter.setPen(QColor(colors.secondary))
        for row, label in enumerate(self._labels):
            room = self.cell_rect(row, 0)
            room.setLeft(0)
            room.setWidth(_LABEL_WIDTH - tokens.SPACE_S)
            text = painter.fontMetrics().elidedText(
                label, Qt.TextElideMode.ElideRight, int(room.width())
            )
            painter.drawText(
                room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the cell under the cursor."""
        cell = self._cell_at(event.position().x(), event.position().y())
        if cell != self._at:
            self._at = cell
            self.setCursor(
                Qt.CursorShape.ArrowCursor if cell is None else Qt.CursorShape.PointingHandCursor
            )
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which cell was clicked."""
        cell = self._cell_at(event.position().x(), event.position().y())
        if event.button() == Qt.MouseButton.LeftButton and cell is not None:
            self.clicked.emit(*cell)

    def leaveEvent(self, event: QEvent) -> None:
        """Mark no cell."""
        self._at = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Say what a cell is."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self._cell_at(event.pos().x(), event.pos().y())
            if cell is not None:
                text = self._describe(*cell, int(self._values[cell]))
                QToolTip.showText(event.globalPos(), text, self)
                return True
        return super().event(event)


def _mixed(low: QColor, high: QColor, share: float) -> QColor:
    def between(one: float, other: float) -> float:
        return one + (other - one) * share

    return QColor.fromRgbF(
        between(low.redF(), high.redF()),
        between(low.greenF(), high.greenF()),
        between(low.blueF(), high.blueF()),
    )
