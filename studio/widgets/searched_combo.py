"""A drop-down list that has a list to search in opened instead of its own where there are many entries."""

from __future__ import annotations

from PySide6.QtCore import Signal

from studio.widgets.elided_combo import ElidedComboBox

FEW = 12  # entries: as many are found at a glance; above that one searches


class SearchedComboBox(ElidedComboBox):
    """Opens with a click or a key as any other; the arrow keys and letters choose without opening it.

    Signals:
        search_asked: It was to be opened, and there are more than a few entries.
    """

    search_asked = Signal()

    def showPopup(self) -> None:
        """Open the list, or ask for the one to search in."""
        if self.count() > FEW:
            self.search_asked.emit()
        else:
            super().showPopup()
