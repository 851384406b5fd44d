"""The runs of the project as a table; a click opens one."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from studio.language import tr
from studio.model.runs import RunSnapshot
from studio.panels.train import run_words as words
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.widgets.status_dot import draw_status_dot

AnyIndex = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_NUMBER = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TEXT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


def _started(run: RunSnapshot) -> str:
    if run.facts.started_time is None:
        return ""
    moment = time.localtime(run.facts.started_time)
    today = time.localtime()
    same_day = moment[:3] == today[:3]
    return time.strftime("%H:%M" if same_day else "%m-%d %H:%M", moment)


_BEST_HELP = tr(
    "Of the best epoch on the validation images: mAP50-95, top-1 accuracy or mIoU, as the task has it"
)
_COLUMNS: tuple[tuple[str, Callable[[RunSnapshot], str], Qt.AlignmentFlag, str], ...] = (
    (tr("Run"), lambda run: run.name, _TEXT, ""),
    (tr("State"), words.state_text, _TEXT, ""),
    (tr("Task"), lambda run: run.facts.task or "", _TEXT, ""),
    (tr("Model"), words.model_text, _TEXT, tr("What the training started from")),
    (tr("Epoch"), lambda run: words.epoch_text(run.facts), _NUMBER, ""),
    (tr("Best"), lambda run: words.best_text(run.facts), _NUMBER, _BEST_HELP),
    (
        tr("Time"),
        lambda run: words.taken_text(run.facts),
        _NUMBER,
        tr("From start to the last event"),
    ),
    (tr("Started"), _started, _NUMBER, ""),
    (tr("Data"), lambda run: run.version or "", _TEXT, tr("The dataset version it learnt from")),
)
_STATE_COLUMN = 1


class RunsModel(QAbstractTableModel):
    """The snapshots, newest first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs: list[RunSnapshot] = []

    def show_runs(self, runs: list[RunSnapshot]) -> None:
        """Take over new snapshots; rows that stay keep their selection."""
        if [run.folder for run in runs] == [run.folder for run in self.runs]:
            self.runs = runs
            if runs:
                last = self.index(len(runs) - 1, len(_COLUMNS) - 1)
                self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self.runs = runs
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, alignment or font of a cell."""
        if not index.isValid():
            return None
        _title, value, alignment, _help = _COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return value(self.runs[index.row()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return alignment
        if role == Qt.ItemDataRole.FontRole and alignment == _NUMBER:
            return font(tokens.FONT_BODY, tabular=True)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title, alignment or tool tip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, _value, alignment, tip = _COLUMNS[section]
        answers = {
            Qt.ItemDataRole.DisplayRole: title,
            Qt.ItemDataRole.TextAlignmentRole: alignment,
            Qt.ItemDataRole.ToolTipRole: tip or None,
        }
        return answers.get(Qt.ItemDataRole(role))


class _StateDelegate(QStyledItemDelegate):
    """Draws the state's dot before its words."""

    def __init__(self, model: RunsModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Leave room for the dot."""
        super().initStyleOption(option, index)
        option.text = "     " + option.text

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw the cell, then the dot."""
        super().paint(painter, option, index)
        run = self._model.runs[index.row()]
        place = option.rect.adjusted(tokens.SPACE_XS, 0, 0, 0)
        place.setWidth(tokens.SPACE_L)
        draw_status_dot(painter, place.toRectF(), words.DOTS[run.state], current_colors())


class RunsTable(QTableView):
    """The table.

    Signals:
        run_chosen(object): Folder of the run that the person chose.
    """

    run_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.runs_model = RunsModel(self)
        self._chosen: Path | None = None
        self.setModel(self.runs_model)
        self.setItemDelegateForColumn(_STATE_COLUMN, _StateDelegate(self.runs_model, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setAccessibleName(tr("Runs"))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(tokens.CONTROL_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(_STATE_COLUMN, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.selectionModel().selectionChanged.connect(lambda *_: self._on_selected())

    def show_runs(self, runs: list[RunSnapshot]) -> None:
        """Show snapshots, newest first; the chosen run stays chosen."""
        self.runs_model.show_runs(runs)
        self._select(self._chosen)

    def choose(self, folder: Path | None) -> None:
        """Choose a run without a signal."""
        self._chosen = folder
        self._select(folder)

    def _select(self, folder: Path | None) -> None:
        rows = [n for n, run in enumerate(self.runs_model.runs) if run.folder == folder]
        if not rows or self.currentIndex().row() == rows[0]:
            return
        self.selectionModel().blockSignals(True)
        self.selectRow(rows[0])
        self.selectionModel().blockSignals(False)
        self.viewport().update()

    def _on_selected(self) -> None:
        rows = self.selectionModel().selectedRows()
        if not rows:
            return
        folder = self.runs_model.runs[rows[0].row()].folder
        if folder != self._chosen:
            self._chosen = folder
            self.run_chosen.emit(folder)
