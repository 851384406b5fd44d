"""The attributes of a class as a table: name, kind, choices, default."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.model.attribute_def import ATTRIBUTE_KINDS, AttributeDef, AttributeKind, default_words
from studio.panels.classes.class_words import attribute_from_words
from studio.theme import tokens
from studio.widgets.icon_button import TextButton

_COLUMNS = (tr("Name"), tr("Kind"), tr("Choices (a, b, …)"), tr("Default"))
_ROWS_SHOWN, _KIND_WIDTH = 4, 112


class AttributeTable(QWidget):
    """Rows that can be added, changed and removed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = QTableWidget(0, len(_COLUMNS))
        self.table.setHorizontalHeaderLabels(list(_COLUMNS))
        self.table.setAccessibleName(tr("Attributes of the class"))
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(tokens.TOOL_SIZE)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.table.setColumnWidth(1, _KIND_WIDTH)
        self.table.setMinimumHeight(tokens.TOOL_SIZE * (_ROWS_SHOWN + 1))
        self.add_button = TextButton(tr("Add attribute"), "normal", "add")
        self.add_button.clicked.connect(lambda: self._add(AttributeDef(self._new_name())))
        self.remove_button = TextButton(tr("Remove"), "normal", "remove")
        self.remove_button.clicked.connect(self._on_remove)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.remove_button)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(self.table)
        layout.addLayout(buttons)

    def show_attributes(self, attributes: Iterable[AttributeDef]) -> None:
        """Show these attributes and no others."""
        self.table.setRowCount(0)
        for attribute in attributes:
            self._add(attribute)

    def attributes(self) -> tuple[AttributeDef, ...]:
        """Return the attributes that the rows describe.

        Raises:
            EditError: A row makes no sense.
        """
        return tuple(self._row(row) for row in range(self.table.rowCount()))

    def _row(self, row: int) -> AttributeDef:
        kind = cast("AttributeKind", self._kind_box(row).currentText())
        return attribute_from_words(
            self._text(row, 0), kind, self._text(row, 2), self._text(row, 3)
        )

    def _add(self, attribute: AttributeDef) -> None:
        row = self.table.rowCount()
        self.table.insertRow(row)
        box = QComboBox()
        box.addItems(list(ATTRIBUTE_KINDS))
        box.setCurrentText(attribute.kind)
        box.setAccessibleName(tr("Kind of {name}").format(name=attribute.name))
        self.table.setCellWidget(row, 1, box)
        words = {0: attribute.name, 2: ", ".join(attribute.choices), 3: default_words(attribute)}
        for column, text in words.items():
            self.table.setItem(row, column, QTableWidgetItem(text))
        self.table.setCurrentCell(row, 0)

    def _on_remove(self) -> None:
        if self.table.currentRow() >= 0:
            self.table.removeRow(self.table.currentRow())

    def _kind_box(self, row: int) -> QComboBox:
        return cast("QComboBox", self.table.cellWidget(row, 1))

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return item.text() if item is not None else ""

    def _new_name(self) -> str:
        taken = {self._text(row, 0) for row in range(self.table.rowCount())}
        number = len(taken) + 1
        while f"attribute {number}" in taken:
            number += 1
        return tr("attribute {number}").format(number=number)
