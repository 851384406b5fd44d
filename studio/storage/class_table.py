"""The class list in the database."""

# ruff: noqa: D102 - the methods are documented once, in studio.model.store
from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from studio.language import tr
from studio.model.attribute_def import attribute_from_dict
from studio.model.class_tree import with_below
from studio.model.errors import EditError
from studio.model.keypoint_scheme import scheme_from_dict
from studio.model.one_line import kept_names, one_line
from studio.model.records import ClassDef
from studio.storage.database import Database, encode
from studio.storage.name_keys import search_key

_COLUMNS = "id, name, color, visible, shortcut, parent, opacity, attributes, keypoints"
_SELECT = f"SELECT {_COLUMNS} FROM classes ORDER BY position, id"
_INSERT = f"INSERT INTO classes ({_COLUMNS}, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE = (
    "UPDATE classes SET name = ?2, color = ?3, visible = ?4, shortcut = ?5, parent = ?6, "
    "opacity = ?7, attributes = ?8, keypoints = ?9 WHERE id = ?1"
)
# Pairs of class and image: as many are listed in 20 ms, and to ask each of 100,000 images takes 200 where none has the class.
_FEW = 50_000


class ClassTable:
    """The part of the store that keeps classes."""

    db: Database

    def classes(self) -> list[ClassDef]:
        rows = self.db.rows(_SELECT)
        names = kept_names([row[1] for row in rows])  # older versions let line breaks in
        return [_class(row, name) for row, name in zip(rows, names, strict=True)]

    def insert_class(self, cls: ClassDef, position: int) -> None:
        self.db.write("UPDATE classes SET position = position + 1 WHERE position >= ?", (position,))
        self.db.write(_INSERT, (*_values(cls), position))

    def update_class(self, cls: ClassDef) -> None:
        if self.db.write(_UPDATE, _values(cls)) != 1:
            raise EditError(
                tr("The project has no class {id} ({name}) any more.").format(
                    id=cls.id, name=cls.name
                )
            )

    def delete_class(self, class_id: int) -> None:
        position = self.db.value("SELECT position FROM classes WHERE id = ?", (class_id,))
        if position is None:
            raise EditError(
                tr("The project has no class {class_id} any more.").format(class_id=class_id)
            )
        self.db.write("DELETE FROM classes WHERE id = ?", (class_id,))
        self.db.write("UPDATE classes SET position = position - 1 WHERE position > ?", (position,))

    def order_classes(self, class_ids: Sequence[int]) -> None:
        self.db.write_many(
            "UPDATE classes SET position = ? WHERE id = ?",
            [(position, class_id) for position, class_id in enumerate(class_ids)],
        )

    def _classes_named(self, term: str) -> tuple[list[int], bool]:
        """Return the classes whose name holds a search term and those below them, and whether few images show them."""
        rows = self.db.rows("SELECT id, name, parent FROM classes")
        parents, named = dict[int, int | None](), list[int]()
        for class_id, name, parent in rows:
            parents[class_id] = parent
            if term in search_key(one_line(name)):
                named.append(class_id)
        found = sorted(with_below(named, parents))
        return found, self._are_on_few(found)

    def _are_on_few(self, class_ids: list[int]) -> bool:
        """Say whether the images with any of these classes are listed sooner than every image is asked for them."""
        marks = ", ".join("?" * len(class_ids))
        of_these = f"SELECT 1 FROM image_classes WHERE class_id IN ({marks}) LIMIT {_FEW + 1}"
        return int(self.db.value(f"SELECT COUNT(*) FROM ({of_these})", class_ids)) <= _FEW

    def _with_below(self, class_id: int) -> list[int]:
        """Return a class and those below it."""
        return sorted(with_below((class_id,), dict(self.db.rows("SELECT id, parent FROM classes"))))


def _values(cls: ClassDef) -> tuple[Any, ...]:
    return (
        cls.id,
        cls.name,
        cls.color,
        cls.visible,
        cls.shortcut,
        cls.parent,
        cls.opacity,
        encode([attribute.to_dict() for attribute in cls.attributes]),
        None if cls.keypoints is None else encode(cls.keypoints.to_dict()),
    )


def _class(row: tuple[Any, ...], name: str) -> ClassDef:
    class_id, _, color, visible, shortcut, parent, opacity, attributes, keypoints = row
    return ClassDef(
        class_id,
        name,
        color,
        bool(visible),
        shortcut,
        parent,
        opacity,
        tuple(map(attribute_from_dict, json.loads(attributes))),
        None if keypoints is None else scheme_from_dict(json.loads(keypoints)),
    )
