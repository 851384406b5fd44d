"""Suggestions of the whole project in the database: listed without their outlines, moved to the shapes and back."""

# ruff: noqa: D102 - the methods are documented once, in studio.model.store
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.data.annotations.attribute_names import ANNOTATION_MODEL
from studio.model.count_words import shapes_gone
from studio.model.errors import EditError
from studio.model.suggestion_rows import SuggestionRow
from studio.storage.database import Database

_ROWS = (
    "SELECT suggestions.id, image_id, class_id, suggestions.score, "
    f"CAST(COALESCE(json_extract(attributes, '$.{ANNOTATION_MODEL}'), '') AS TEXT) "
    "FROM suggestions JOIN images ON images.id = image_id WHERE removed = 0"
)
_COLUMNS = "id, image_id, class_id, kind, geometry, source, score, attributes, z, locked, hidden"
# Numbers, places and changes of attributes come as JSON, [[id, z, {}], ...]: one statement moves ten thousand.
_MOVE = (
    "INSERT INTO {there} ({columns}) "
    "SELECT {here}.id, image_id, class_id, kind, geometry, source, score, "
    "json_patch(json_patch(attributes, ?2), json_extract(place.value, '$[2]')), "
    "json_extract(place.value, '$[1]'), locked, hidden "
    "FROM json_each(?1) AS place "
    "JOIN {here} ON {here}.id = json_extract(place.value, '$[0]')"
)
_LISTED = "(SELECT json_extract(value, '$[0]') FROM json_each(?))"


class SuggestionTable:
    """The part of the store that lists suggestions and turns them into shapes."""

    db: Database
    _touched: set[int]

    def suggestion_rows(self, image_ids: Sequence[int] | None = None) -> list[SuggestionRow]:
        sql, values = _ROWS, list[str]()
        if image_ids is not None:
            sql += " AND image_id IN (SELECT value FROM json_each(?))"
            values = [json.dumps(list(image_ids))]
        return list(map(SuggestionRow._make, self.db.rows(sql, values)))

    def suggestion_places(
        self, shape_ids: Sequence[int]
    ) -> dict[int, tuple[int, int, int, frozenset[str]]]:
        sql = (
            "SELECT id, image_id, z, class_id, attributes FROM suggestions "
            "WHERE id IN (SELECT value FROM json_each(?))"
        )
        rows = self.db.rows(sql, (json.dumps(list(shape_ids)),))
        return {row[0]: (row[1], row[2], row[3], frozenset(json.loads(row[4]))) for row in rows}

    def accept_suggestions(
        self, places: Sequence[tuple[int, int, Mapping[str, Any]]], stamp: Mapping[str, str]
    ) -> None:
        self._carry("suggestions", "shapes", places, dict(stamp))

    def take_acceptance_back(
        self, places: Sequence[tuple[int, int, Mapping[str, None]]], stamped: Sequence[str]
    ) -> None:
        self._carry("shapes", "suggestions", places, dict.fromkeys(stamped))

    def _carry(
        self,
        here: str,
        there: str,
        places: Sequence[tuple[int, int, Mapping[str, Any]]],
        patch: Mapping[str, str | None],
    ) -> None:
        """Move rows to the other table, their attributes changed by ``patch`` and their own (None takes one away)."""
        chosen = json.dumps(places, ensure_ascii=False)
        sql = _MOVE.format(here=here, there=there, columns=_COLUMNS)
        moved = self.db.write(sql, (chosen, json.dumps(patch, ensure_ascii=False)))
        if moved != len(places):
            raise EditError(shapes_gone(len(places) - moved))
        images = f"SELECT DISTINCT image_id FROM {here} WHERE id IN {_LISTED}"
        self._touched.update(row[0] for row in self.db.rows(images, (chosen,)))
        self.db.write(f"DELETE FROM {here} WHERE id IN {_LISTED}", (chosen,))
