"""Shapes of imports that were undone: kept aside, so that doing the import again brings them back as they were."""

# ruff: noqa: D102 - the methods are documented once, in studio.model.store
from __future__ import annotations

from collections.abc import Sequence

from studio.language import ntr, tr
from studio.model.errors import EditError
from studio.model.store import Run
from studio.storage.database import Database

_COLUMNS = "id, image_id, class_id, kind, geometry, source, score, attributes, z, locked, hidden"


class ImportShelf:
    """The part of the store that keeps undone imports."""

    db: Database
    _touched: set[int]
    _recounted: set[int]

    def put_on_shelf(self, number: int, shapes: Sequence[Run], class_ids: Sequence[int]) -> None:
        for first, last in shapes:
            images = self._move("shapes", number, "id BETWEEN ? AND ?", (first, last))
            self._touched.update(images)
        for class_id in class_ids:
            images = self._move("suggestions", number, "class_id = ?", (class_id,))
            self._recounted.update(images)
            left = self.db.value("SELECT COUNT(*) FROM shapes WHERE class_id = ?", (class_id,))
            if left:
                raise EditError(
                    ntr(
                        "{count:,} shape of a class of the import would be left.",
                        "{count:,} shapes of a class of the import would be left.",
                        left,
                    ).format(count=left),
                    remedy=tr("Delete them or give them another class first."),
                )

    def take_from_shelf(self, number: int) -> None:
        for table, changed in (("shapes", self._touched), ("suggestions", self._recounted)):
            kept = "FROM shelf WHERE import = ? AND is_suggestion = ?"
            values = number, table == "suggestions"
            changed.update(
                row[0] for row in self.db.rows(f"SELECT DISTINCT image_id {kept}", values)
            )
            self.db.write(
                f"INSERT INTO {table} ({_COLUMNS}) SELECT {_COLUMNS} {kept} ORDER BY id", values
            )
        self.db.write("DELETE FROM shelf WHERE import = ?", (number,))

    def _move(self, table: str, number: int, condition: str, values: tuple[int, ...]) -> list[int]:
        """Move rows to the shelf and return the images that they were on."""
        chosen = f"FROM {table} WHERE {condition}"
        images = [row[0] for row in self.db.rows(f"SELECT DISTINCT image_id {chosen}", values)]
        self.db.write(
            f"INSERT INTO shelf (import, is_suggestion, {_COLUMNS}) "
            f"SELECT ?, ?, {_COLUMNS} {chosen}",
            (number, table == "suggestions", *values),
        )
        self.db.write(f"DELETE {chosen}", values)
        return images
