"""The warnings of a run as a list: a click on one opens the image that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from studio.language import tr, tr_engine
from studio.model.count_words import image_count
from studio.model.run_warnings import RunWarning

_FILE = Qt.ItemDataRole.UserRole
_PLACE_WIDTH = 260


class WarningsList(QTreeWidget):
    """One row a warning; those about several images open to a row for each.

    Signals:
        file_asked(object): Path of the image or label file that the person wants to see.
    """

    file_asked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: list[RunWarning] = []
        self.setAccessibleName(tr("Warnings"))
        self.setHeaderLabels([tr("Where"), tr("What")])
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setWordWrap(True)
        self.setUniformRowHeights(False)
        header = self.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.setColumnWidth(0, _PLACE_WIDTH)
        self.itemClicked.connect(lambda item, _column: self._on_chosen(item))
        self.itemActivated.connect(lambda item, _column: self._on_chosen(item))

    def show_warnings(self, warnings: Sequence[RunWarning]) -> None:
        """Show these; rows that stay keep their place and what is open in them."""
        warnings = list(warnings)
        if warnings == self._shown:
            return
        if self._shown != warnings[: len(self._shown)]:
            self.clear()
            self._shown = []
        for warning in warnings[len(self._shown) :]:
            self.addTopLevelItem(_row(warning))
        self._shown = warnings

    def _on_chosen(self, item: QTreeWidgetItem) -> None:
        file = item.data(0, _FILE)
        if file is not None:
            self.file_asked.emit(file)
        elif item.childCount():
            item.setExpanded(not item.isExpanded())


def _row(warning: RunWarning) -> QTreeWidgetItem:
    count = len(warning.images)
    place = warning.place or (image_count(count) if count else "")
    row = _line(place, tr_engine(warning.message), warning.file)
    for image in warning.images:
        row.addChild(_line(image.name, str(image.parent), image))
    return row


def _line(place: str, text: str, file: Path | None) -> QTreeWidgetItem:
    line = QTreeWidgetItem([place, text])
    line.setToolTip(0, str(file or place))
    line.setToolTip(1, text)
    line.setTextAlignment(0, Qt.AlignmentFlag.AlignTop)
    if file is not None:
        line.setData(0, _FILE, file)
    return line
