"""The list of objects: rows with a lock and an eye that can be clicked without selecting the row."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.language import tr
from studio.panels.objects.rows import FAINT, NAME, SHAPE
from studio.theme import tokens
from studio.theme.icons import icon
from studio.theme.theme import current_colors

AnyIndex = QModelIndex | QPersistentModelIndex
_ICON_PX = 14
_CELL = tokens.SPACE_XL
_MARKS = ("locked", "hidden")  # from left to right at the row's right end
_ICONS = {"locked": ("unlock", "lock"), "hidden": ("show", "hide")}


class ObjectList(QListView):
    """A list of objects.

    Signals:
        mark_clicked(int, str): The lock (``locked``) or the eye (``hidden``) of a row was clicked.
    """

    mark_clicked = Signal(int, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_RowDelegate(self))
        self.setMouseTracking(True)
        self.setIconSize(QSize(12, 12))
        self.setAccessibleName(tr("Objects on this image"))

    def dataChanged(
        self, first: AnyIndex, last: AnyIndex, roles: Sequence[int] | None = None
    ) -> None:
        """Draw rows anew where they lie: Qt's list would lay out all 10,000 again, though all are as high."""
        QAbstractItemView.dataChanged(self, first, last, list(roles or ()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Click a lock or an eye; else select."""
        place = event.position().toPoint()
        index = self.indexAt(place)
        mark = mark_at(self.visualRect(index), place) if index.isValid() else None
        if mark is not None and event.button() == Qt.MouseButton.LeftButton:
            self.mark_clicked.emit(index.row(), mark)
            return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Two quick clicks on an eye are two clicks."""
        self.mousePressEvent(event)

    def keyboardSearch(self, search: str) -> None:
        """Search nothing: letters typed here are shortcuts."""


def mark_rect(row: QRect, mark: str) -> QRect:
    """Return the room of a mark in a row."""
    place = len(_MARKS) - _MARKS.index(mark)
    return QRect(row.right() + 1 - place * _CELL, row.top(), _CELL, row.height())


def mark_at(row: QRect, place: QPoint) -> str | None:
    """Return which mark of a row lies at a place."""
    return next((mark for mark in _MARKS if mark_rect(row, mark).contains(place)), None)


class _RowDelegate(QStyledItemDelegate):
    """Draws a row: what is locked or hidden says so, the other marks appear under the mouse."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return a row that a finger hits too."""
        return QSize(0, tokens.CONTROL_HEIGHT)  # as wide as the list: long names end in an ellipsis

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw a row."""
        shape = index.data(SHAPE)
        whole = QRect(option.rect)
        states = QStyle.StateFlag
        over = bool(option.state & states.State_MouseOver)
        shown = {mark for mark in _MARKS if over or getattr(shape, mark)}
        # the background runs through to the right end, the words end before the marks
        painter.save()
        if option.state & states.State_Selected:
            painter.fillRect(whole, QColor(current_colors().selection))
        elif over:
            painter.fillRect(whole, QColor(current_colors().hover))
        painter.restore()
        option.rect = whole.adjusted(0, 0, -len(_MARKS) * _CELL if shown else 0, 0)
        super().paint(painter, option, index)
        for mark in shown:
            self._paint_mark(painter, mark_rect(whole, mark), mark, getattr(shape, mark))

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Write what the canvas does not show in grey, and shorten the class's name alone where there is little room."""
        super().initStyleOption(option, index)
        option.text = _fitted(option, index.data(NAME))
        if index.data(FAINT):
            grey = QColor(current_colors().disabled)
            for role in (option.palette.ColorRole.Text, option.palette.ColorRole.HighlightedText):
                option.palette.setColor(role, grey)

    def _paint_mark(self, painter: QPainter, room: QRect, mark: str, on: bool) -> None:
        colors = current_colors()
        picture = icon(_ICONS[mark][on], colors, color=colors.text if on else colors.secondary)
        side = QRect(0, 0, _ICON_PX, _ICON_PX)
        side.moveCenter(room.center())
        picture.paint(painter, side)


def _fitted(option: QStyleOptionViewItem, name: str) -> str:
    """Return a row's words with as much of the name as leaves room for number and kind, which tell rows apart."""
    style = option.widget.style()
    inner = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, option, option.widget)
    margin = style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, option, option.widget) + 1
    room, metrics = inner.width() - 2 * margin, option.fontMetrics
    if metrics.horizontalAdvance(option.text) <= room:
        return option.text
    rest = option.text[len(name) :]
    kept = max(room - metrics.horizontalAdvance(rest), room // 4)
    return metrics.elidedText(name, Qt.TextElideMode.ElideRight, kept) + rest
