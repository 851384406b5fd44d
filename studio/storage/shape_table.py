"""Shapes and suggestions in the database: two tables of the same columns."""

# ruff: noqa: D102 - the methods are documented once, in studio.model.store
from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, TypeAlias

from studio.language import tr
from studio.model.count_words import shapes_gone
from studio.model.errors import EditError
from studio.model.records import Shape, ShapeRow
from studio.storage.database import Database, encode
from studio.storage.geometry_codec import decode_geometry, encode_geometry, encode_ring

_COLUMNS = "id, image_id, class_id, geometry, source, score, attributes, z, locked, hidden"
_ROW = "id, class_id, kind, attributes, locked, hidden, z, image_id, source, score"
_CHOSEN = "id IN (SELECT value FROM json_each(?))"  # one statement, however many numbers
_INSERT = (
    "(id, image_id, class_id, kind, geometry, source, score, attributes, z, locked, hidden) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE = (
    "UPDATE shapes SET class_id = ?3, kind = ?4, geometry = ?5, source = ?6, score = ?7, "
    "attributes = ?8, z = ?9, locked = ?10, hidden = ?11 WHERE id = ?1 AND image_id = ?2"
)
_FIELDS = ("id", "image_id", "class_id", "source", "score", "attributes", "z", "locked", "hidden")
_ENCODE: dict[str, Callable[[Any], Any]] = {"attributes": encode}
_POLYGON = "polygon"
ShapeValues: TypeAlias = tuple[Any, ...]  # the columns after the number, the image first


class ShapeTable:
    """The part of the store that keeps shapes and suggestions.

    ``_touched`` collects the images whose labels changed, ``_recounted`` those that only need new
    counts.
    """

    db: Database
    _touched: set[int]
    _recounted: set[int]

    def shapes(self, image_id: int) -> list[Shape]:
        return self._select("shapes", "image_id = ?", image_id)

    def shape_rows(self, image_id: int) -> list[ShapeRow]:
        sql = f"SELECT {_ROW} FROM shapes WHERE image_id = ? ORDER BY z, id"
        return [_row(values) for values in self.db.rows(sql, (image_id,))]

    def shape_rows_by_id(self, shape_ids: Sequence[int]) -> list[ShapeRow]:
        sql = f"SELECT {_ROW} FROM shapes WHERE {_CHOSEN}"
        return [_row(values) for values in self.db.rows(sql, (_numbers(shape_ids),))]

    def tags_on(self, image_id: int) -> list[Shape]:
        return self._select("shapes", "kind = 'tag' AND image_id = ?", image_id)

    def shapes_by_id(self, shape_ids: Sequence[int]) -> list[Shape]:
        sql = f"SELECT {_COLUMNS} FROM shapes WHERE {_CHOSEN}"
        rows = self.db.rows(sql, (_numbers(shape_ids),))
        found = {shape.id: shape for shape in map(_shape, rows)}
        _check_there(shape_ids, found)
        return [found[shape_id] for shape_id in shape_ids]

    def shapes_of_class(self, class_id: int) -> list[Shape]:
        return self._select("shapes", "class_id = ?", class_id)

    def shape_rows_of_class(self, class_id: int) -> list[ShapeRow]:
        sql = f"SELECT {_ROW} FROM shapes WHERE class_id = ? ORDER BY image_id, z, id"
        return [_row(values) for values in self.db.rows(sql, (class_id,))]

    def shapes_of_kind(self, kind: str) -> list[Shape]:
        return self._select("shapes", "kind = ?", kind)

    def places_of_class(self, class_id: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        found = [
            self.db.rows(f"SELECT id, image_id FROM {table} WHERE class_id = ?", (class_id,))
            for table in ("shapes", "suggestions")
        ]
        shapes, suggestions = ([(a, b) for a, b in rows] for rows in found)
        return shapes, suggestions

    def move_to_class(
        self,
        shapes: Sequence[tuple[int, int]],
        suggestions: Sequence[tuple[int, int]],
        class_id: int,
    ) -> None:
        for table, places in (("shapes", shapes), ("suggestions", suggestions)):
            sql = f"UPDATE {table} SET class_id = ? WHERE id = ?"
            moved = self.db.write_many(sql, [(class_id, shape_id) for shape_id, _ in places])
            if table == "shapes" and moved < len(places):
                raise EditError(shapes_gone(len(places) - moved))
        self._touched.update(image_id for _, image_id in shapes)
        self._recounted.update(image_id for _, image_id in suggestions)

    def shapes_without(self, class_id: int, attribute: str) -> list[int]:
        sql = (
            "SELECT id FROM shapes WHERE class_id = ? AND NOT EXISTS "
            "(SELECT 1 FROM json_each(shapes.attributes) WHERE key = ?) ORDER BY id"
        )
        return [row[0] for row in self.db.rows(sql, (class_id, attribute))]

    def set_attribute(self, shape_ids: Sequence[int], name: str, value: Any) -> None:
        patch = json.dumps({name: value}, ensure_ascii=False)
        sql = f"UPDATE shapes SET attributes = json_patch(attributes, ?) WHERE {_CHOSEN}"
        self.db.write(sql, (patch, _numbers(shape_ids)))
        self._touched |= self._images_of(shape_ids)

    def shape_fields(self, shape_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        sql = f"SELECT {', '.join(_FIELDS)} FROM shapes WHERE {_CHOSEN}"
        return {
            shape_id: {
                "image_id": image_id,
                "class_id": class_id,
                "source": source,
                "score": score,
                "attributes": _attributes(attributes),
                "z": z,
                "locked": bool(locked),
                "hidden": bool(hidden),
            }
            for shape_id, image_id, class_id, source, score, attributes, z, locked, hidden in (
                self.db.rows(sql, (_numbers(shape_ids),))
            )
        }

    def set_shape_fields(self, values: Mapping[int, Mapping[str, Any]]) -> None:
        alike: dict[tuple[str, ...], list[int]] = {}
        for shape_id, fields in values.items():
            alike.setdefault(tuple(sorted(fields)), []).append(shape_id)
        for names, shape_ids in alike.items():
            if not names:
                continue
            if not set(names) < set(_FIELDS[2:]):
                raise EditError(
                    tr("A shape has no fields {names} to change.").format(names=", ".join(names))
                )
            sql = f"UPDATE shapes SET {', '.join(f'{name} = ?' for name in names)} WHERE id = ?"
            rows = [
                (*(_ENCODE.get(name, _same)(values[i][name]) for name in names), i)
                for i in shape_ids
            ]
            if self.db.write_many(sql, rows) != len(rows):
                raise EditError(tr("A shape is no longer there."))
        self._touched |= self._images_of(list(values))

    def kind_counts(self) -> dict[str, int]:
        sql = f"SELECT kind, COUNT(*) FROM shapes {self._listed('')} GROUP BY kind"
        return {str(kind): int(count) for kind, count in self.db.rows(sql)}

    def classes_of_kind(self, kind: str) -> list[int]:
        sql = f"SELECT DISTINCT class_id FROM shapes {self._listed('kind = ?')} ORDER BY class_id"
        return [int(class_id) for (class_id,) in self.db.rows(sql, (kind,))]

    def _listed(self, condition: str) -> str:
        """Return the clause for shapes of images that the project lists; without removed ones an index answers."""
        if self.db.value("SELECT 1 FROM images WHERE removed = 1 LIMIT 1") is None:
            return f"WHERE {condition}" if condition else ""
        also = f" AND {condition}" if condition else ""
        return f"JOIN images ON images.id = image_id WHERE removed = 0{also}"

    def has_kind(self, kinds: Sequence[str]) -> bool:
        sql = f"SELECT 1 FROM shapes WHERE kind IN ({_marks(len(kinds))}) LIMIT 1"
        return self.db.value(sql, list(kinds)) is not None

    def top_z(self, image_id: int) -> int:
        return int(self.db.value("SELECT MAX(z) FROM shapes WHERE image_id = ?", (image_id,)) or 0)

    def insert_shapes(self, shapes: Sequence[Shape]) -> None:
        self.db.write_many(f"INSERT INTO shapes {_INSERT}", map(_values, shapes))
        self._touched.update(shape.image_id for shape in shapes)

    def insert_values(self, first: int, rows: Sequence[ShapeValues]) -> None:
        """Insert shapes as :func:`shape_values` and :func:`ring_values` make them, numbered from ``first``."""
        numbered = ((number, *row) for number, row in enumerate(rows, first))
        self.db.write_many(f"INSERT INTO shapes {_INSERT}", numbered)
        self._touched.update(row[0] for row in rows)

    def update_shapes(self, shapes: Sequence[Shape]) -> None:
        if self.db.write_many(_UPDATE, map(_values, shapes)) != len(shapes):
            ids = [shape.id for shape in shapes]
            there = {row.id: row.image_id for row in self.shape_rows_by_id(ids)}
            _check_there(ids, {s.id for s in shapes if there.get(s.id) == s.image_id})
        self._touched.update(shape.image_id for shape in shapes)

    def delete_shapes(self, shape_ids: Sequence[int]) -> None:
        chosen = (_numbers(shape_ids),)
        there = dict(self.db.rows(f"SELECT id, image_id FROM shapes WHERE {_CHOSEN}", chosen))
        _check_there(shape_ids, there)
        self.db.write(f"DELETE FROM shapes WHERE {_CHOSEN}", chosen)
        self._touched.update(there.values())

    def suggestions(self, image_id: int) -> list[Shape]:
        return self._select("suggestions", "image_id = ?", image_id)

    def suggestions_of_class(self, class_id: int) -> list[Shape]:
        return self._select("suggestions", "class_id = ?", class_id)

    def suggestions_by_id(self, shape_ids: Sequence[int]) -> list[Shape]:
        sql = f"SELECT {_COLUMNS} FROM suggestions WHERE {_CHOSEN}"
        found = [_shape(row) for row in self.db.rows(sql, (_numbers(shape_ids),))]
        places = {shape_id: place for place, shape_id in enumerate(shape_ids)}
        return sorted(found, key=lambda shape: places[shape.id])

    def insert_suggestions(self, shapes: Sequence[Shape]) -> None:
        self.db.write_many(f"INSERT OR REPLACE INTO suggestions {_INSERT}", map(_values, shapes))
        self._recounted.update(shape.image_id for shape in shapes)

    def delete_suggestions(self, shape_ids: Sequence[int]) -> None:
        self._recounted |= self._images_of(shape_ids, "suggestions")
        self.db.write(f"DELETE FROM suggestions WHERE {_CHOSEN}", (_numbers(shape_ids),))

    def clear_suggestions(self, image_id: int) -> None:
        self.db.write("DELETE FROM suggestions WHERE image_id = ?", (image_id,))
        self._recounted.add(image_id)

    def _images_of(self, shape_ids: Sequence[int], table: str = "shapes") -> set[int]:
        """Return the images of those of the shapes that are there."""
        sql = f"SELECT DISTINCT image_id FROM {table} WHERE {_CHOSEN}"
        return {row[0] for row in self.db.rows(sql, (_numbers(shape_ids),))}

    def _select(self, table: str, condition: str, value: int | str) -> list[Shape]:
        sql = f"SELECT {_COLUMNS} FROM {table} WHERE {condition} ORDER BY image_id, z, id"
        return [_shape(row) for row in self.db.rows(sql, (value,))]


def _same(value: Any) -> Any:
    return value


def _numbers(shape_ids: Sequence[int]) -> str:
    """Return the value for :data:`_CHOSEN`."""
    return json.dumps(list(shape_ids))


def _check_there(shape_ids: Sequence[int], found: Container[int]) -> None:
    """Raise for the first shape that was not found."""
    for shape_id in shape_ids:
        if shape_id not in found:
            raise EditError(tr("Shape {shape_id} is no longer there.").format(shape_id=shape_id))


def _attributes(text: str) -> dict[str, Any]:
    return json.loads(text) if text != "{}" else {}  # most have none


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def ring_values(image_id: int, class_id: int, points: bytes, source: str, z: int) -> ShapeValues:
    """Return the columns of a polygon that is nothing but its points, x and y in turns as float64.

    Raises:
        EditError: A coordinate is not finite.
    """
    geometry = encode_ring(points)
    return image_id, class_id, _POLYGON, geometry, source, None, "{}", z, False, False


def shape_values(shape: Shape) -> ShapeValues:
    """Return the columns of a shape without its number.

    Raises:
        EditError: A number in it is not finite.
    """
    return _values(shape)[1:]


def _values(shape: Shape) -> tuple[Any, ...]:
    return (
        shape.id,
        shape.image_id,
        shape.class_id,
        shape.geometry.kind,
        encode_geometry(shape.geometry),
        shape.source,
        shape.score,
        encode(shape.attributes) if shape.attributes else "{}",
        shape.z,
        shape.locked,
        shape.hidden,
    )


def _row(values: tuple[Any, ...]) -> ShapeRow:
    shape_id, class_id, kind, attributes, locked, hidden, z, image_id, source, score = values
    return ShapeRow(
        shape_id,
        class_id,
        kind,
        _attributes(attributes),
        bool(locked),
        bool(hidden),
        z,
        image_id,
        source,
        score,
    )


def _shape(row: tuple[Any, ...]) -> Shape:
    shape_id, image_id, class_id, geometry, source, score, attributes, z, locked, hidden = row
    return Shape(
        shape_id,
        image_id,
        class_id,
        decode_geometry(geometry),
        source,
        score,
        _attributes(attributes),
        z,
        bool(locked),
        bool(hidden),
    )
