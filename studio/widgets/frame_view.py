"""Frames of one size in rows, placed by arithmetic: 100,000 cost as much as ten.

Qt's own list view asks the model about each row whenever it lays out, which takes seconds with a model in
Python; here only what is on the screen is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyleOptionViewItem, QWidget

from studio.theme.theme import current_colors

Index = QModelIndex | QPersistentModelIndex
Move = QAbstractItemView.CursorAction
Hint = QAbstractItemView.ScrollHint
Select = QItemSelectionModel.SelectionFlag


class FrameView(QAbstractItemView):
    """Shows the first column of a model.

    Args:
        frame: Size of each frame, its distance to the next included.
        one_row: Put all in one row that scrolls sideways, instead of as many in a row as fit.
    """

    def __init__(self, frame: QSize, one_row: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frame, self._one_row = frame, one_row
        self._hovered = self._anchor = -1
        self.setMouseTracking(True)
        # It fills its ground itself: Qt moves the pixels of a widget that scrolls only where none shines through.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.horizontalScrollBar().setSingleStep(frame.width())
        self.verticalScrollBar().setSingleStep(frame.height() // 2)

    # Where things are

    def columns(self) -> int:
        """Return how many frames stand in a row."""
        if self._one_row:
            return max(self._count(), 1)
        return max(self.viewport().width() // self._frame.width(), 1)

    def visualRect(self, index: Index) -> QRect:
        """Return where an image's frame is on the viewport."""
        if not index.isValid() or index.column():
            return QRect()
        line, column = divmod(index.row(), self.columns())
        place = QPoint(column * self._frame.width(), line * self._frame.height())
        return QRect(place - self._offset(), self._frame)

    def indexAt(self, point: QPoint) -> QModelIndex:
        """Return what is at a place of the viewport."""
        place = point + self._offset()
        column, line = place.x() // self._frame.width(), place.y() // self._frame.height()
        row = line * self.columns() + column
        inside = 0 <= column < self.columns() and line >= 0 and row < self._count()
        return self._index(row) if inside else QModelIndex()

    def horizontalOffset(self) -> int:
        """Return how far the contents are scrolled sideways, in pixels."""
        return self.horizontalScrollBar().value()

    def verticalOffset(self) -> int:
        """Return how far the contents are scrolled down, in pixels."""
        return self.verticalScrollBar().value()

    def isIndexHidden(self, _index: Index) -> bool:
        """Return False: every row has a frame."""
        return False

    def scrollTo(self, index: Index, hint: Hint = Hint.EnsureVisible) -> None:
        """Bring a frame on the screen."""
        frame, area = self.visualRect(index), self.viewport().rect()
        if frame.isNull() or (hint == Hint.EnsureVisible and area.contains(frame)):
            return
        bars = (self.horizontalScrollBar(), self.verticalScrollBar())
        starts = (
            (frame.left(), frame.right(), area.width()),
            (frame.top(), frame.bottom(), area.height()),
        )
        for bar, (first, last, room) in zip(bars, starts, strict=True):
            if hint == Hint.PositionAtCenter:
                bar.setValue(bar.value() + (first + last - room) // 2)
            elif first < 0 or hint == Hint.PositionAtTop:
                bar.setValue(bar.value() + first)
            elif last >= room or hint == Hint.PositionAtBottom:
                bar.setValue(bar.value() + last - room + 1)

    def updateGeometries(self) -> None:
        """Fit the scroll bars to the contents."""
        super().updateGeometries()
        columns, area = self.columns(), self.viewport().size()
        lines = -(-self._count() // columns)
        width = columns * self._frame.width() if self._one_row else 0
        height = 0 if self._one_row else lines * self._frame.height()
        for bar, whole, room in (
            (self.horizontalScrollBar(), width, area.width()),
            (self.verticalScrollBar(), height, area.height()),
        ):
            bar.setPageStep(room)
            bar.setRange(0, max(whole - room, 0))

    # Choosing

    def moveCursor(self, action: Move, _modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Return where a key leads from the current frame."""
        count, columns = self._count(), self.columns()
        if not count:
            return QModelIndex()
        at = self.currentIndex().row()
        if at < 0:
            return self._index(0)
        page = max(self.viewport().height() // self._frame.height(), 1) * columns
        across = 1 if self._one_row else columns
        steps = {
            Move.MoveLeft: -1,
            Move.MovePrevious: -1,
            Move.MoveRight: 1,
            Move.MoveNext: 1,
            Move.MoveUp: -across,
            Move.MoveDown: across,
            Move.MovePageUp: -page,
            Move.MovePageDown: page,
            Move.MoveHome: -count,
            Move.MoveEnd: count,
        }
        target = at + steps.get(action, 0)
        if action in (Move.MoveUp, Move.MoveDown) and not 0 <= target < count:
            target = at  # no row above or below: it stays
        return self._index(min(max(target, 0), count - 1))

    def setSelection(self, rect: QRect, command: Select) -> None:
        """Choose the frames that a rectangle of the viewport touches."""
        area = rect.normalized().translated(self._offset())
        columns, count = self.columns(), self._count()
        left = max(area.left() // self._frame.width(), 0)
        right = min(area.right() // self._frame.width(), columns - 1)
        selection = QItemSelection()
        lines = range(
            max(area.top() // self._frame.height(), 0), area.bottom() // self._frame.height() + 1
        )
        for line in lines:
            first, last = line * columns + left, min(line * columns + right, count - 1)
            if first >= count:
                break
            if first <= last:
                selection.select(self._index(first), self._index(last))
        self.selectionModel().select(selection, command)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a frame; with Shift all from the one that was pressed before."""
        index = self.indexAt(event.position().toPoint())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        several = self.selectionMode() == QAbstractItemView.SelectionMode.ExtendedSelection
        if shift and several and index.isValid() and 0 <= self._anchor < self._count():
            ends = sorted((self._anchor, index.row()))
            span = QItemSelection(self._index(ends[0]), self._index(ends[1]))
            self.selectionModel().select(span, Select.ClearAndSelect)
            self.selectionModel().setCurrentIndex(index, Select.NoUpdate)
            event.accept()
            return
        self._anchor = index.row()
        super().mousePressEvent(event)

    def visualRegionForSelection(self, selection: QItemSelection) -> QRegion:
        """Return the part of the viewport that a selection covers."""
        region = QRegion()
        chosen = [selection.at(i) for i in range(selection.count())]
        for row in self._shown():
            if any(part.top() <= row <= part.bottom() for part in chosen):
                region += self.visualRect(self._index(row))
        return region

    # Showing

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Move what is drawn already, and draw only what comes into view."""
        self.viewport().scroll(dx, dy)

    def dataChanged(self, first: Index, last: Index, _roles: Sequence[int] = ()) -> None:
        """Draw the frames of some rows anew: Qt draws all where a change has more than one column."""
        shown = self._shown()
        for row in range(max(first.row(), shown.start), min(last.row() + 1, shown.stop)):
            self.viewport().update(self.visualRect(self._index(row)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the frames that are on the screen."""
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), QColor(current_colors().panel))
        chosen, current = self.selectionModel(), self.currentIndex().row()
        states, dirty, delegate = QStyle.StateFlag, event.region(), self.itemDelegate()
        option = QStyleOptionViewItem()
        self.initViewItemOption(option)
        plain = option.state & ~states.State_HasFocus
        any_chosen, has_focus = chosen.hasSelection(), self.hasFocus()
        # A screen holds 150 frames: what is the same for all of them is asked once.
        columns, offset, frame, model = self.columns(), self._offset(), self._frame, self.model()
        for row in self._shown():
            line, column = divmod(row, columns)
            place = QPoint(column * frame.width(), line * frame.height()) - offset
            option.rect = QRect(place, frame)
            if not dirty.intersects(option.rect):
                continue
            index = model.index(row, 0)
            option.state = plain
            if any_chosen and chosen.isSelected(index):
                option.state |= states.State_Selected
            if row == self._hovered:
                option.state |= states.State_MouseOver
            if row == current and has_focus:
                option.state |= states.State_HasFocus
            delegate.paint(painter, option, index)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Show what is under the cursor."""
        self._hover(self.indexAt(event.position().toPoint()).row())
        super().mouseMoveEvent(event)

    def viewportEvent(self, event: object) -> bool:
        """Notice the cursor leaving."""
        if event.type() == event.Type.Leave:  # type: ignore[attr-defined]
            self._hover(-1)
        return super().viewportEvent(event)  # type: ignore[arg-type]

    def keyboardSearch(self, search: str) -> None:
        """Typing letters means shortcuts here, not a search in the list."""

    def _hover(self, row: int) -> None:
        if row == self._hovered:
            return
        for changed in (self._hovered, row):
            if 0 <= changed < self._count():
                self.viewport().update(self.visualRect(self._index(changed)))
        self._hovered = row

    def _shown(self) -> range:
        """Return the rows whose frames are on the screen."""
        columns, offset, area = self.columns(), self._offset(), self.viewport().size()
        if self._one_row:
            width = self._frame.width()
            first, last = offset.x() // width, (offset.x() + area.width()) // width + 1
        else:
            height = self._frame.height()
            first = offset.y() // height * columns
            last = ((offset.y() + area.height()) // height + 1) * columns
        return range(first, min(last, self._count()))

    def _offset(self) -> QPoint:
        return QPoint(self.horizontalOffset(), self.verticalOffset())

    def _count(self) -> int:
        model = self.model()
        return 0 if model is None else model.rowCount()

    def _index(self, row: int) -> QModelIndex:
        return self.model().index(row, 0)
