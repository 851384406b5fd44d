"""The shapes of one image as rows of a list; an edit changes the rows that it touches and no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt

from engine.data.annotations.attribute_names import DESCRIPTION, GROUP_ID, TRACK_ID
from studio.model.kind_words import KIND_WORDS
from studio.model.records import ClassDef, ShapeRow
from studio.widgets.class_icons import class_icon

AnyIndex = QModelIndex | QPersistentModelIndex
SHAPE = Qt.ItemDataRole.UserRole + 1
FAINT = Qt.ItemDataRole.UserRole + 2  # True: the canvas does not show it
NAME = Qt.ItemDataRole.UserRole + 3  # what the words begin with, and what of them may be shortened


class ObjectRows(QAbstractListModel):
    """One row a shape, the rearmost first."""

    def __init__(self) -> None:
        super().__init__()
        self._shapes: list[ShapeRow] = []
        self._classes: Mapping[int, ClassDef] = {}
        self._places: dict[int, int] = {}

    def shapes(self) -> Sequence[ShapeRow]:
        """Return the shapes in their order."""
        return self._shapes

    def place(self, shape_id: int) -> int | None:
        """Return the row of a shape."""
        return self._places.get(shape_id)

    def update_shapes(self, found: Sequence[ShapeRow], shape_ids: Iterable[int]) -> None:
        """Show some shapes as they are now.

        Args:
            found: Those that are there.
            shape_ids: All that were asked for: the others are gone.
        """
        there = {shape.id: shape for shape in found}
        gone = {i for i in shape_ids if i not in there and i in self._places}
        stays = [shape for i, shape in there.items() if i in self._places]
        if not gone and len(stays) == len(there) and all(map(self._has_place, stays)):
            rows = [self._places[shape.id] for shape in stays]
            for row, shape in zip(rows, stays, strict=True):
                self._shapes[row] = shape
            if rows:  # once: to tell of each of thousands takes longer than to draw those in view
                self.dataChanged.emit(self.index(min(rows), 0), self.index(max(rows), 0))
            return
        kept = [there.pop(s.id, s) for s in self._shapes if s.id not in gone]
        self.show_shapes(
            sorted([*kept, *there.values()], key=lambda shape: (shape.z, shape.id)), self._classes
        )

    def _has_place(self, shape: ShapeRow) -> bool:
        """Tell whether a shape is still drawn where its row is."""
        return self._shapes[self._places[shape.id]].z == shape.z

    def show_shapes(self, shapes: Sequence[ShapeRow], classes: Mapping[int, ClassDef]) -> None:
        """Show these shapes."""
        recolored = classes != self._classes
        self._classes = classes
        same_head = _common([s.id for s in self._shapes], [s.id for s in shapes])
        if same_head == len(self._shapes) == len(shapes):
            old, self._shapes = self._shapes, list(shapes)
            changed = [row for row, s in enumerate(shapes) if recolored or s != old[row]]
            if changed:
                self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], 0))
            return
        if same_head == len(self._shapes):  # the common case: shapes were added in front
            self.beginInsertRows(QModelIndex(), same_head, len(shapes) - 1)
            self._take(shapes)
            self.endInsertRows()
            return
        self.beginResetModel()
        self._take(shapes)
        self.endResetModel()

    def _take(self, shapes: Sequence[ShapeRow]) -> None:
        self._shapes = list(shapes)
        self._places = {shape.id: row for row, shape in enumerate(shapes)}

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        """Return the number of shapes."""
        return 0 if parent is not None and parent.isValid() else len(self._shapes)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows."""
        shape = self._shapes[index.row()]
        cls = self._classes.get(shape.class_id)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return _words(shape, cls, index.row() + 1)
        if role == Qt.ItemDataRole.DecorationRole:
            return class_icon(cls.color) if cls is not None else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return shape.attributes.get(DESCRIPTION) or _name(cls)
        if role == NAME:
            return _name(cls)
        if role == FAINT:
            return shape.hidden or (cls is not None and not cls.visible)
        return shape if role == SHAPE else None


def _name(cls: ClassDef | None) -> str:
    return cls.name if cls is not None else "?"


def _words(shape: ShapeRow, cls: ClassDef | None, number: int) -> str:
    parts = [f"{_name(cls)}  #{number}  {KIND_WORDS[shape.kind]}"]
    for name, word in ((GROUP_ID, "group"), (TRACK_ID, "track")):
        if name in shape.attributes:
            parts.append(f"{word} {shape.attributes[name]}")
    return "  ·  ".join(parts)


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Return how many places from the start hold the same."""
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        count += 1
    return count
