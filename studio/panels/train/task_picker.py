"""Choosing what to train: the tasks that the labels allow, and why the others cannot be trained yet."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QWidget

from studio.language import tr
from studio.model.tasks import TASK_TITLES, TaskFitness
from studio.theme import tokens
from studio.widgets.line_delegate import LINE, LineDelegate


class TaskPicker(QComboBox):
    """One entry a task; those that cannot be trained are shown with their reason and cannot be chosen.

    Signals:
        task_chosen(str): The person chose another task.
    """

    task_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("What to train"))
        self.setItemDelegate(LineDelegate(self))
        self._told: object = None
        self._last = ""
        self.activated.connect(lambda _index: self._on_activated())

    def show_tasks(self, fitness: Mapping[str, TaskFitness], task: str) -> None:
        """Offer the tasks; ``task`` is the one that is chosen, also where it cannot be trained yet."""
        self._last = task
        if (fitness, task) == self._told:
            return
        self._told = (dict(fitness), task)
        self.clear()
        for name, title in TASK_TITLES.items():
            found = fitness[name]
            self.addItem(f"{title} ({name})", name)
            place = self.count() - 1
            remark = found.reason or found.words
            self.setItemData(place, f"{title} ({name}) · {remark}", LINE)
            self.setItemData(place, remark, Qt.ItemDataRole.ToolTipRole)
            if not found.is_fit and name != task:
                self._forbid(place)
        self.setCurrentIndex(self.findData(task))

    def task(self) -> str:
        """Return the chosen task."""
        return str(self.currentData() or "")

    def _forbid(self, place: int) -> None:
        model = self.model()
        if isinstance(model, QStandardItemModel):
            model.item(place).setEnabled(False)

    def _on_activated(self) -> None:
        if self.task() != self._last:
            self._last = self.task()
            self.task_chosen.emit(self._last)

    def showPopup(self) -> None:
        """Open the list as wide as its remarks, which the closed field need not hold."""
        wanted = self.view().sizeHintForColumn(0) + tokens.SPACE_XL
        self.view().setMinimumWidth(max(wanted, self.width()))
        super().showPopup()
