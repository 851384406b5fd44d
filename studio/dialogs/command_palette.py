"""The command palette: every action by name, found as one types."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.theme import tokens
from studio.widgets.text_label import TextLabel

_WIDTH, _HEIGHT = 560, 400


class CommandPalette(QDialog):
    """A line to type in above the commands that fit; Enter runs the chosen one.

    Args:
        actions: What can be run; greyed ones are listed last and do nothing.
    """

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._actions = sorted(actions, key=lambda action: not action.isEnabled())
        self.field = QLineEdit()
        self.field.setPlaceholderText(tr("Find a command"))
        self.field.setAccessibleName(tr("Find a command"))
        self.field.textChanged.connect(self._fill)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(self._run)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        self.resize(_WIDTH, _HEIGHT)
        center = parent.mapToGlobal(parent.rect().center())
        self.move(center.x() - _WIDTH // 2, parent.mapToGlobal(parent.rect().topLeft()).y() + 72)
        self._fill("")
        self.field.setFocus()

    def _fill(self, text: str) -> None:
        self.list.clear()
        words = text.lower().split()
        for action in self._actions:
            if all(word in action.text().lower() for word in words):
                self._add(action)
        self.list.setCurrentRow(0)

    def _add(self, action: QAction) -> None:
        item = QListWidgetItem()
        item.setData(Qt.ItemDataRole.UserRole, action)
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(tokens.SPACE_S, 0, tokens.SPACE_S, 0)
        name = TextLabel(action.text())
        name.setEnabled(action.isEnabled())
        line.addWidget(name, 1)
        line.addWidget(TextLabel(action.shortcut().toString(), "secondary"))
        item.setSizeHint(row.minimumSizeHint())
        self.list.addItem(item)
        self.list.setItemWidget(item, row)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        action = item.data(Qt.ItemDataRole.UserRole)
        self.close()
        if action.isEnabled():
            action.trigger()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move in the list with the arrows, run with Enter, leave with Escape."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is not None:
            row = self.list.currentRow() + step
            self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentItem())
        else:
            super().keyPressEvent(event)
