"""The history of edits: what was done, newest first; a click goes back or forth to that point."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.project import Project
from studio.model.records import HistoryEntry
from studio.theme.theme import current_colors
from studio.widgets.message_banner import MessageBanner

_SHOWN = 200
_START = tr("Start")


class HistoryPanel(QWidget):
    """A list of edits; those that were undone are grey.

    Args:
        project: The open project.
    """

    def __init__(self, project: Project, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._entries: list[HistoryEntry] = []
        self.banner = MessageBanner()
        self.list = QListWidget()
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.setAccessibleName(tr("History of edits"))
        self.list.itemClicked.connect(self._on_clicked)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.banner)
        layout.addWidget(self.list, 1)
        # One reading for many edits, and none while the list is hidden behind another dock.
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._fill_if_shown)
        project.history_changed.connect(self._on_history_changed)

    def go_back_to(self, row: int) -> None:
        """Undo or redo until the entry in ``row`` is the last one that stands; the last row undoes all that is listed."""
        steps = self._steps_to(row)
        try:
            for _ in range(abs(steps)):
                self._project.undo() if steps < 0 else self._project.redo()
        except EngineError as error:
            self.banner.show_message(error.message, error.remedy or "")

    def _steps_to(self, row: int) -> int:
        """Return how many edits to do again (negative: to undo); the list may be older than the last edit."""
        now = self._project.history(_SHOWN)
        ids = [entry.id for entry in now]
        if row >= len(self._entries):
            row = len(now)
        elif self._entries[row].id in ids:
            row = ids.index(self._entries[row].id)
        else:
            return 0
        return len(now) - row - sum(entry.done for entry in now)

    def _on_clicked(self, item: QListWidgetItem) -> None:
        self.go_back_to(self.list.row(item))

    def _on_history_changed(self) -> None:
        if self.isVisible():
            self._timer.start(0)

    def _fill_if_shown(self) -> None:
        if self.isVisible():  # else the project may be closed by now
            self._fill()

    def _fill(self) -> None:
        self._entries = self._project.history(_SHOWN)
        self.list.clear()
        grey = current_colors().disabled
        for entry in self._entries:
            item = QListWidgetItem(entry.label)
            if not entry.done:
                item.setForeground(QColor(grey))
            self.list.addItem(item)
        if len(self._entries) < _SHOWN:
            self.list.addItem(_START)
        undone = sum(not entry.done for entry in self._entries)
        self.list.setCurrentRow(undone)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was done meanwhile."""
        super().showEvent(event)
        self._fill()
