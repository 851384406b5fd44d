"""The rows of the classes, in their order: what changes in one leaves the others as they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.model.records import ClassDef
from studio.panels.classes.class_words import depths
from studio.panels.classes.row import ClassRow, RowOwner
from studio.theme import tokens


class RowList(QWidget):
    """A row for each class; with hundreds of them only those that a search finds.

    Args:
        owner: What the rows ask.

    Attributes:
        rows: All rows in the order of the classes, also those that the search leaves out.
    """

    def __init__(self, owner: RowOwner) -> None:
        super().__init__()
        self._owner, self._words = owner, list[str]()
        self.rows: list[ClassRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S, 0)
        self._column.setSpacing(0)

    def show_classes(self, classes: Sequence[ClassDef], counts: Mapping[int, int]) -> None:
        """Show these classes: rows of classes that are there already stay, and change what differs."""
        levels = depths(classes)
        old = {row.cls.id: row for row in self.rows}
        self.rows = []
        for place, cls in enumerate(classes):
            row = old.pop(cls.id, None)
            if row is None:
                row = ClassRow(cls, place, levels[cls.id], self._owner, self)
            else:
                row.show_class(cls, place, levels[cls.id])
            row.set_count(counts.get(cls.id, 0))
            self.rows.append(row)
        for row in old.values():
            self._column.removeWidget(row)
            row.hide()  # it is deleted only when the events go on
            row.deleteLater()
        for place, row in enumerate(self.rows):
            item = self._column.itemAt(place)
            if item is None or item.widget() is not row:
                self._column.removeWidget(row)
                self._column.insertWidget(place, row)
        self._show_found()

    def show_counts(self, counts: Mapping[int, int]) -> None:
        """Show how many shapes each class has."""
        for row in self.rows:
            row.set_count(counts.get(row.cls.id, 0))

    def mark(self, class_id: int | None) -> None:
        """Mark the class that the next shape gets."""
        for row in self.rows:
            row.set_current(row.cls.id == class_id)

    def search(self, text: str) -> None:
        """Show the classes alone whose name has all these words as a part."""
        self._words = text.casefold().split()
        self._show_found()

    def found(self) -> list[ClassRow]:
        """Return the rows that the search leaves."""
        return [
            row for row in self.rows if all(word in row.name().casefold() for word in self._words)
        ]

    def _show_found(self) -> None:
        found = set(map(id, self.found()))
        for row in self.rows:
            if row.isHidden() == (id(row) in found):
                row.setVisible(id(row) in found)
