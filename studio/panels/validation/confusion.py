"""The confusion matrix: rows are what the model said, columns what it is; a click shows the objects."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from studio.language import nmark, ntr, tr
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors

_LARGEST_CELL = 56
_SMALLEST_NUMBER = 20  # narrower cells show their colour only
_LABEL_SHARE = 0.28
_LABEL_MAX = 96

Cell = tuple[int, int]

_NOUNS = {
    "object": nmark("{count:,} object", "{count:,} objects"),
    "image": nmark("{count:,} image", "{count:,} images"),
    "pixel": nmark("{count:,} pixel", "{count:,} pixels"),
}


class ConfusionView(QWidget):
    """Draws the counts, each column tinted by its shares.

    Signals:
        cell_chosen(int, int): Row (predicted) and column (true) of a cell that was clicked.
    """

    cell_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: tuple[str, ...] = ()
        self._matrix = np.zeros((0, 0), dtype=np.int64)
        self._shares = np.zeros((0, 0))
        self._has_background = True
        self._noun = _NOUNS["object"]
        self._chosen: Cell | None = None
        self._hovered: Cell | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(200, 200)
        self.setAccessibleName(tr("Confusion matrix"))

    def show_matrix(
        self,
        labels: tuple[str, ...],
        matrix: np.ndarray,
        *,
        has_background: bool = True,
        noun: str = "object",
    ) -> None:
        """Show counts.

        Args:
            labels: Names of rows and columns.
            matrix: Counts, said by true.
            has_background: The last label stands for nothing.
            noun: What is counted: ``object``, ``image`` or ``pixel``.
        """
        named = (*labels[:-1], tr("background")) if has_background else labels
        self._labels, self._matrix = named, matrix
        self._has_background, self._noun = has_background, _NOUNS[noun]
        totals = matrix.sum(0, keepdims=True)
        self._shares = np.divide(matrix, totals, out=np.zeros(matrix.shape), where=totals > 0)
        self._chosen = None
        self.update()

    def choose(self, cell: Cell | None) -> None:
        """Mark a cell, or none."""
        self._chosen = cell
        self.update()

    def cell_rect(self, row: int, column: int) -> QRectF:
        """Return where a cell is drawn."""
        origin, side = self._geometry()
        return QRectF(origin.x() + column * side, origin.y() + row * side, side, side)

    def describe(self, row: int, column: int) -> str:
        """Return what a cell means, in words."""
        count = int(self._matrix[row, column])
        said, true = self._labels[row], self._labels[column]
        last = len(self._labels) - 1 if self._has_background else -1
        objects = ntr(*self._noun, count).format(count=count)
        if row == column == last:
            return ""
        if row == last:
            return tr("{objects} of {true} not found").format(objects=objects, true=true)
        if column == last:
            return tr("{count:,} × {said} where there is nothing").format(count=count, said=said)
        if row == column:
            return (
                tr("{objects} of {true} found")
                if self._has_background
                else tr("{objects} of {true} told rightly")
            ).format(objects=objects, true=true)
        return tr("{objects} of {true} taken for {said}").format(
            objects=objects, true=true, said=said
        )

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(340, 300)

    def _geometry(self) -> tuple[QPointF, float]:
        """Return the top left of the first cell and the side of a cell."""
        count = max(1, len(self._labels))
        left = min(_LABEL_MAX, self.width() * _LABEL_SHARE)
        bottom = min(_LABEL_MAX, self.height() * _LABEL_SHARE)
        side = min((self.width() - left) / count, (self.height() - bottom) / count, _LARGEST_CELL)
        return QPointF(left, 0), max(1.0, side)

    def _cell_at(self, position: QPointF) -> Cell | None:
        origin, side = self._geometry()
        column = int((position.x() - origin.x()) // side)
        row = int((position.y() - origin.y()) // side)
        count = len(self._labels)
        return (row, column) if 0 <= row < count and 0 <= column < count else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw cells, counts and names."""
        if not self._labels:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font(tokens.FONT_CAPTION, tabular=True))
        for row in range(len(self._labels)):
            for column in range(len(self._labels)):
                self._draw_cell(painter, row, column)
        colors = current_colors()
        for cell, ink in ((self._hovered, colors.outline), (self._chosen, colors.accent)):
            if cell is not None:
                painter.setPen(QPen(QColor(ink), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(self.cell_rect(*cell).adjusted(1, 1, -1, -1))
        self._draw_names(painter)
        painter.end()

    def _draw_cell(self, painter: QPainter, row: int, column: int) -> None:
        colors = current_colors()
        rect = self.cell_rect(row, column).adjusted(0.5, 0.5, -0.5, -0.5)
        ink = QColor(colors.accent_fill if row == column else colors.danger_fill)
        share = float(self._shares[row, column])
        painter.fillRect(rect, _blend(QColor(colors.panel), ink, share**0.7))
        count = int(self._matrix[row, column])
        if count and rect.width() >= _SMALLEST_NUMBER:
            painter.setPen(QColor(colors.on_accent if share > 0.45 else colors.text))
            painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, _short(count))

    def _draw_names(self, painter: QPainter) -> None:
        origin, side = self._geometry()
        painter.setPen(QColor(current_colors().secondary))
        metrics = painter.fontMetrics()
        if side < metrics.height() * 0.8:
            return
        room = origin.x() - tokens.SPACE_S
        bottom = origin.y() + side * len(self._labels) + tokens.SPACE_XS
        for number, label in enumerate(self._labels):
            text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, int(room))
            place = QRectF(0, origin.y() + number * side, room, side)
            painter.drawText(
                place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )
            painter.save()
            painter.translate(origin.x() + (number + 0.5) * side, bottom)
            painter.rotate(-90)
            below = QRectF(-(self.height() - bottom), -side / 2, self.height() - bottom, side)
            text = metrics.elidedText(label, Qt.TextElideMode.ElideRight, int(below.width()))
            painter.drawText(
                below, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text
            )
            painter.restore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Mark the cell under the mouse."""
        cell = self._cell_at(event.position())
        if cell != self._hovered:
            self._hovered = cell
            self.setCursor(
                Qt.CursorShape.PointingHandCursor if cell else Qt.CursorShape.ArrowCursor
            )
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell under the mouse if anything was counted there."""
        cell = self._cell_at(event.position())
        if cell is not None and self._matrix[cell]:
            self.choose(cell)
            self.cell_chosen.emit(*cell)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the cell under the mouse."""
        self._hovered = None
        self.update()

    def event(self, event: QEvent) -> bool:
        """Say what a cell means."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            cell = self._cell_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self.describe(*cell) if cell else "", self)
            return True
        return super().event(event)


def _blend(one: QColor, other: QColor, share: float) -> QColor:
    mixed = (
        round(a + (b - a) * share) for a, b in zip(_channels(one), _channels(other), strict=True)
    )
    return QColor(*mixed)


def _channels(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()


def _short(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 1_000_000 else f"{count / 1e6:.1f}M"
