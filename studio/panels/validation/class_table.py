"""The figures of each class; a click on a column's head sorts, a click on a row shows its mistakes."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from studio.model.validation_report import ClassRow, ValidationReport
from studio.theme import tokens
from studio.theme.fonts import font

AnyIndex = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_SORT_ROLE = Qt.ItemDataRole.UserRole
_NUMBER = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TEXT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

# title, key of the figure (None for the row's own fields), tool tip
_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("Class", "name", ""),
    ("Images", "images", "Validation images that hold it"),
    ("Objects", "instances", "Labelled objects of the class"),
    ("Precision", "precision", "Share of its predictions that are right, at the best confidence"),
    ("Recall", "recall", "Share of its objects that are found, at the best confidence"),
    ("AP50", "ap50", "Area under the precision-recall curve at an overlap of 0.5"),
    ("AP50-95", "ap", "The same averaged over overlaps from 0.5 to 0.95"),
)
_OWN = frozenset({"name", "images", "instances"})


class ClassModel(QAbstractTableModel):
    """Rows of a report, for boxes or for masks."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[ClassRow, ...] = ()
        self._of_masks = False

    def show_rows(self, rows: tuple[ClassRow, ...], *, of_masks: bool) -> None:
        """Take over other rows."""
        self.beginResetModel()
        self.rows, self._of_masks = rows, of_masks
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of classes."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_COLUMNS)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, sort key, alignment or font of a cell."""
        if not index.isValid():
            return None
        key = _COLUMNS[index.column()][1]
        value = self._value(self.rows[index.row()], key)
        if role == _SORT_ROLE:
            return value.lower() if isinstance(value, str) else value
        if role == Qt.ItemDataRole.DisplayRole:
            return "–" if value == _NOTHING else _shown(value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _TEXT if key == "name" else _NUMBER
        if role == Qt.ItemDataRole.FontRole and key != "name":
            return font(tokens.FONT_BODY, tabular=True)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title, alignment or tool tip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, key, tip = _COLUMNS[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _TEXT if key == "name" else _NUMBER
        return tip if role == Qt.ItemDataRole.ToolTipRole and tip else None

    def _value(self, row: ClassRow, key: str) -> Any:
        if key in _OWN:
            return getattr(row, key)
        figures = row.mask if self._of_masks else row.box
        value = (figures or {}).get(key)
        return _NOTHING if value is None else float(value)


class ClassTable(QTableView):
    """The table, sorted by the worst AP first.

    Signals:
        class_chosen(int): The person clicked the row of this class.
    """

    class_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.classes = ClassModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.classes)
        self._sorted.setSortRole(_SORT_ROLE)
        self.setModel(self._sorted)
        self.setAccessibleName("Figures of each class")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(tokens.CONTROL_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        self.setSortingEnabled(True)
        self.sortByColumn(len(_COLUMNS) - 1, Qt.SortOrder.AscendingOrder)
        self.clicked.connect(self._on_clicked)

    def show_report(self, report: ValidationReport, *, of_masks: bool) -> None:
        """Show a report's classes."""
        self.classes.show_rows(report.rows, of_masks=of_masks)

    def shown_names(self) -> list[str]:
        """Return the class names from top to bottom."""
        return [str(self._sorted.index(row, 0).data()) for row in range(self._sorted.rowCount())]

    def _on_clicked(self, index: QModelIndex) -> None:
        row = self.classes.rows[self._sorted.mapToSource(index).row()]
        self.class_chosen.emit(row.class_id)


_NOTHING = -1.0  # sorts below every figure


def _shown(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
