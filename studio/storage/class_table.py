"""The class list in the database."""

# ruff: noqa: D102 - the methods are documented once, in studio.model.store
from __future__ import annotations

from collections.abc import Sequence

from studio.model.errors import EditError
from studio.model.records import ClassDef
from studio.storage.database import Database


class ClassTable:
    """The part of the store that keeps classes."""

    db: Database

    def classes(self) -> list[ClassDef]:
        rows = self.db.rows("SELECT id, name, color, visible FROM classes ORDER BY position, id")
        return [ClassDef(row[0], row[1], row[2], bool(row[3])) for row in rows]

    def insert_class(self, cls: ClassDef, position: int) -> None:
        self.db.write("UPDATE classes SET position = position + 1 WHERE position >= ?", (position,))
        self.db.write(
            "INSERT INTO classes (id, position, name, color, visible) VALUES (?, ?, ?, ?, ?)",
            (cls.id, position, cls.name, cls.color, cls.visible),
        )

    def update_class(self, cls: ClassDef) -> None:
        changed = self.db.write(
            "UPDATE classes SET name = ?, color = ?, visible = ? WHERE id = ?",
            (cls.name, cls.color, cls.visible, cls.id),
        )
        if changed != 1:
            raise EditError(f"The project has no class {cls.id} ({cls.name}) any more.")

    def delete_class(self, class_id: int) -> None:
        position = self.db.value("SELECT position FROM classes WHERE id = ?", (class_id,))
        if position is None:
            raise EditError(f"The project has no class {class_id} any more.")
        self.db.write("DELETE FROM classes WHERE id = ?", (class_id,))
        self.db.write("UPDATE classes SET position = position - 1 WHERE position > ?", (position,))

    def order_classes(self, class_ids: Sequence[int]) -> None:
        self.db.write_many(
            "UPDATE classes SET position = ? WHERE id = ?",
            [(position, class_id) for position, class_id in enumerate(class_ids)],
        )

    def class_counts(self) -> dict[int, int]:
        if self.db.value("SELECT 1 FROM images WHERE removed = 1 LIMIT 1") is None:
            sql = "SELECT class_id, COUNT(*) FROM shapes GROUP BY class_id"
        else:
            sql = (
                "SELECT class_id, COUNT(*) FROM shapes JOIN images ON images.id = image_id "
                "WHERE removed = 0 GROUP BY class_id"
            )
        return {int(class_id): int(count) for class_id, count in self.db.rows(sql)}
