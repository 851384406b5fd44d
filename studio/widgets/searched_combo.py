"""A drop-down list that opens with a line to type in where there are many entries."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from studio.widgets.command_palette import CommandPalette
from studio.widgets.elided_combo import ElidedComboBox

FEW = 12  # entries: as many are found at a glance; above that one searches
KEY = Qt.ItemDataRole.UserRole + 1  # of an entry: the key that chooses it, told beside its name


class SearchedComboBox(ElidedComboBox):
    """Opens with a click or a key as any other; the arrow keys and letters choose without opening it.

    Args:
        prompt: What is searched for, as "Find a class".
    """

    def __init__(self, prompt: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prompt = prompt

    def has_many(self) -> bool:
        """Return whether it opens a list to search in."""
        return self.count() > FEW

    def showPopup(self) -> None:
        """Open the list, with a line to type in where it is long."""
        if not self.has_many():
            super().showPopup()
            return
        palette = self._list()
        palette.drop_from(self, self.currentIndex())
        palette.show()

    def search(self) -> None:
        """Open the list to search in over the middle of the window: for a key pressed elsewhere."""
        self._list().show()

    def _list(self) -> CommandPalette:
        rows = [self._entry(row) for row in range(self.count())]
        return CommandPalette(rows, self.window(), self._prompt)

    def _entry(self, row: int) -> QAction:
        entry = QAction(self.itemIcon(row), self.itemText(row))
        entry.setShortcut(
            QKeySequence(self.itemData(row, KEY) or "")
        )  # to be read: it is on no widget
        entry.triggered.connect(lambda: self._choose(row))
        return entry

    def _choose(self, row: int) -> None:
        self.setCurrentIndex(row)
        self.activated.emit(row)
