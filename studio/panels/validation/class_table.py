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
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from studio.language import tr
from studio.model.validation_report import OWN, ClassRow, ValidationReport
from studio.theme import tokens
from studio.theme.fonts import font

AnyIndex = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_SORT_ROLE = Qt.ItemDataRole.UserRole
_NUMBER = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_TEXT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter

# title, key, tool tip
Column = tuple[str, str, str]
_OF_OBJECTS: tuple[Column, ...] = (
    (tr("Class"), "name", ""),
    (tr("Images"), "images", tr("Validation images that hold it")),
    (tr("Objects"), "instances", tr("Labelled objects of the class")),
    (
        tr("Precision"),
        "precision",
        tr("Share of its predictions that are right, at the best confidence"),
    ),
    (tr("Recall"), "recall", tr("Share of its objects that are found, at the best confidence")),
    ("AP50", "ap50", tr("Area under the precision-recall curve at an overlap of 0.5")),
    ("AP50-95", "ap", tr("The same averaged over overlaps from 0.5 to 0.95")),
)
# What else a task may count and measure, by the names in its record.
_COUNTED: dict[str, Column] = {
    "object": _OF_OBJECTS[2],
    "pixel": (tr("Pixels"), "instances", tr("Labelled pixels of the class")),
}
_MEASURED: dict[str, tuple[str, str]] = {
    "precision": (tr("Precision"), tr("Share of what was called so that is right")),
    "recall": (tr("Recall"), tr("Share of what is of the class that was called so")),
    "f1": ("F1", tr("Precision and recall in one figure: their harmonic mean")),
    "iou": ("IoU", tr("Pixels in both label and prediction, of those in either")),
    "dice": (tr("Dice"), tr("Twice the common pixels, of the sum of label and prediction")),
    "mcr": ("MCR", tr("Misclassified: share of all pixels that are wrong about this class")),
}
_JUDGES = ("iou", "f1", "ap")  # a table begins sorted by one of these, the worst class first
_CELL_PADDING = 2 * tokens.SPACE_S + tokens.SPACE_XS
_OWN = frozenset({"name", "images", "instances"})


def columns_of(report: ValidationReport, kind: str) -> tuple[Column, ...]:
    """Return the columns for what was measured of a kind."""
    if kind != OWN:
        return _OF_OBJECTS
    counted = _COUNTED.get(report.counts)
    measured = report.rows[0].figures.get(OWN, {}) if report.rows else {}
    figures = [(*_MEASURED.get(key, (key, "")), key) for key in measured]
    return (
        *_OF_OBJECTS[:2],
        *((counted,) if counted else ()),
        *((title, key, tip) for title, tip, key in figures),
    )


class ClassModel(QAbstractTableModel):
    """Rows of a report, for one kind of what was measured."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[ClassRow, ...] = ()
        self.columns: tuple[Column, ...] = _OF_OBJECTS
        self._kind = "box"

    def show_rows(self, rows: tuple[ClassRow, ...], columns: tuple[Column, ...], kind: str) -> None:
        """Take over other rows."""
        self.beginResetModel()
        self.rows, self.columns, self._kind = rows, columns, kind
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of classes."""
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return text, sort key, alignment or font of a cell."""
        if not index.isValid():
            return None
        key = self.columns[index.column()][1]
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
        title, key, tip = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _TEXT if key == "name" else _NUMBER
        return tip if role == Qt.ItemDataRole.ToolTipRole and tip else None

    def _value(self, row: ClassRow, key: str) -> Any:
        if key in _OWN:
            return getattr(row, key)
        value = row.figures.get(self._kind, {}).get(key)
        return _NOTHING if value is None else float(value)


class ClassTable(QTableView):
    """The table, the worst class first.

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
        self.setAccessibleName(tr("Figures of each class"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(tokens.CONTROL_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        self.setSortingEnabled(True)
        self._sort_by_worst()
        self.clicked.connect(self._on_clicked)

    def show_report(self, report: ValidationReport, kind: str) -> None:
        """Show a report's classes; where the columns stay the same, so does their order."""
        before, columns = self.classes.columns, columns_of(report, kind)
        self.classes.show_rows(report.rows, columns, kind)
        self._set_widths()
        if columns != before:
            self._sort_by_worst()

    def shown_names(self) -> list[str]:
        """Return the class names from top to bottom."""
        return [str(self._sorted.index(row, 0).data()) for row in range(self._sorted.rowCount())]

    def _set_widths(self) -> None:
        """Give each figure the room that it needs, and the names the rest.

        Qt's own measure leaves room for an arrow in each head, for which there is none with eight columns.
        """
        header = self.horizontalHeader()
        heads, cells = QFontMetrics(font(tokens.FONT_SECONDARY, bold=True)), self.fontMetrics()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(self.classes.columns)):
            texts = [
                str(self.classes.index(row, column).data()) for row in range(len(self.classes.rows))
            ]
            widest = max((cells.horizontalAdvance(text) for text in texts), default=0)
            title = heads.horizontalAdvance(self.classes.columns[column][0])
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            header.resizeSection(column, max(widest, title) + _CELL_PADDING)

    def _sort_by_worst(self) -> None:
        keys = [key for _title, key, _tip in self.classes.columns]
        column = next((keys.index(key) for key in _JUDGES if key in keys), 0)
        self.sortByColumn(column, Qt.SortOrder.AscendingOrder)

    def _on_clicked(self, index: QModelIndex) -> None:
        row = self.classes.rows[self._sorted.mapToSource(index).row()]
        self.class_chosen.emit(row.class_id)


_NOTHING = -1.0  # sorts below every figure


def _shown(value: Any) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
