"""A list to search in, found as one types: the commands, or the entries of a long drop-down list."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QAction, QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.theme import tokens
from studio.theme.theme import current_colors
from studio.widgets.item_ground import paint_ground

_WIDTH, _HEIGHT = 560, 400
_NARROW = 320  # dropped from a control: rows are names, seldom keys
_ICON_PX = 12
_ACTION, KEYS, _GREY = (Qt.ItemDataRole.UserRole + place for place in range(3))
AnyIndex = QModelIndex | QPersistentModelIndex


class CommandPalette(QDialog):
    """A line to type in above the commands that fit; Enter runs the chosen one.

    Args:
        actions: What can be run; greyed ones are listed last and do nothing.
        parent: The window; the palette opens over it.
        prompt: What is searched for, where it is no command: its actions show their icons.
    """

    def __init__(self, actions: Sequence[QAction], parent: QWidget, prompt: str = "") -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._anchor: QWidget | None = None
        self._actions = sorted(actions, key=lambda action: not action.isEnabled())
        self.field = QLineEdit()
        self.field.setPlaceholderText(prompt or tr("Find a command"))
        self.field.setAccessibleName(prompt or tr("Find a command"))
        self.field.textChanged.connect(self._show_found)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setItemDelegate(_LineWithKeys(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(_ICON_PX, _ICON_PX))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(self._run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.resize(_WIDTH, _HEIGHT)
        center = parent.mapToGlobal(parent.rect().center())
        self.move(center.x() - _WIDTH // 2, parent.mapToGlobal(parent.rect().topLeft()).y() + 72)
        for action in self._actions:
            self._add(action, has_icon=bool(prompt))
        self._show_found("")
        self.field.setFocus()

    def drop_from(self, anchor: QWidget, row: int = -1) -> None:
        """Open below a control, or above it where the screen ends, as its own list would.

        Args:
            anchor: The control; a press on it closes the palette.
            row: The action to begin with, -1: the first one.
        """
        self._anchor = anchor
        rows = tokens.SPACE_XL * self.list.count() + self.field.sizeHint().height()
        height = min(rows + 4 * tokens.SPACE_S, _HEIGHT)
        size = QSize(max(anchor.width(), _NARROW), height)
        self.setGeometry(_beside(_on_screen(anchor), size, anchor.screen().availableGeometry()))
        if row >= 0:
            self.list.setCurrentRow(row)

    def showEvent(self, event: QShowEvent) -> None:
        """Show where the choice begins; rows have their places only now."""
        super().showEvent(event)
        self.list.scrollToItem(self.list.currentItem(), QListWidget.ScrollHint.PositionAtCenter)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a line around it: over panels of its own colour it would have no edge."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(QColor(current_colors().line))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close for a press outside; the control that it dropped from must not open it again at once."""
        if self._anchor and _on_screen(self._anchor).contains(event.globalPosition().toPoint()):
            self.setAttribute(Qt.WidgetAttribute.WA_NoMouseReplay)
        super().mousePressEvent(event)

    def _show_found(self, text: str) -> None:
        """Hide what has not all the words; the rows stay, to make them takes longer than a key."""
        words = text.lower().split()
        for row, action in enumerate(self._actions):
            self.list.setRowHidden(row, not all(word in action.text().lower() for word in words))
        self.list.setCurrentRow(next(iter(self._found()), -1))

    def _found(self) -> list[int]:
        return [row for row in range(self.list.count()) if not self.list.isRowHidden(row)]

    def _add(self, action: QAction, *, has_icon: bool) -> None:
        item = QListWidgetItem(action.text())
        item.setData(_ACTION, action)
        item.setData(KEYS, action.shortcut().toString())
        item.setData(_GREY, not action.isEnabled())
        if has_icon:
            item.setIcon(action.icon())
        self.list.addItem(item)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        action = item.data(_ACTION)
        self.close()
        if action.isEnabled():
            action.trigger()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move in the list with the arrows, run with Enter, leave with Escape."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is not None:
            found = self._found()
            if found:
                place = found.index(self.list.currentRow()) + step
                self.list.setCurrentRow(found[min(max(place, 0), len(found) - 1)])
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentItem())
        else:
            super().keyPressEvent(event)


def _on_screen(widget: QWidget) -> QRect:
    return QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())


def _beside(anchor: QRect, size: QSize, screen: QRect) -> QRect:
    """Return where a list goes: below its control, else above it; shorter where neither has room for all of it."""
    below = screen.bottom() - anchor.bottom() - tokens.SPACE_XS
    above = anchor.top() - screen.top() - tokens.SPACE_XS
    height = min(size.height(), max(below, above))
    if below >= height:
        top = anchor.bottom() + 1 + tokens.SPACE_XS
    else:
        top = anchor.top() - tokens.SPACE_XS - height
    left = min(anchor.left(), screen.right() + 1 - size.width())
    return QRect(max(left, screen.left()), top, size.width(), height)


class _LineWithKeys(QStyledItemDelegate):
    """Draws a command and at its right the keys; widgets in the rows would take a third of a second for 200 of them."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return a row as wide as the list: long names end in an ellipsis."""
        return QSize(0, tokens.SPACE_XL)

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Write in grey what cannot be run now."""
        super().initStyleOption(option, index)
        if index.data(_GREY):
            grey = QColor(current_colors().disabled)
            for role in (option.palette.ColorRole.Text, option.palette.ColorRole.HighlightedText):
                option.palette.setColor(role, grey)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw the ground through to the end, the name as far as the keys leave room."""
        whole, keys = QRect(option.rect), index.data(KEYS)
        paint_ground(painter, option)
        if keys:
            room = whole.adjusted(0, 0, -tokens.SPACE_S, 0)
            painter.save()
            painter.setPen(QColor(current_colors().secondary))
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, align, keys)
            painter.restore()
            taken = option.fontMetrics.horizontalAdvance(keys) + 2 * tokens.SPACE_S
            option.rect = whole.adjusted(0, 0, -taken, 0)
        super().paint(painter, option, index)
