"""The append-only journal, and the undo history that points into it."""

# ruff: noqa: D102 - the methods of the Store protocol are documented once, in studio.model.store
from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from studio.model.records import HistoryEntry
from studio.model.store import JournalRow
from studio.storage.database import Database, encode

_APPEND = "INSERT INTO journal (time, action, entry, label, images, edit) VALUES (?, ?, ?, ?, ?, ?)"
_AT = (
    "SELECT journal.id, label, edit FROM history JOIN journal ON journal.id = journal_id "
    "WHERE position = ?"
)
# How much of an edit, beside its images, there is to do: what is counted, and how many images one of them is worth.
_WORK = {
    "RemoveImages": ("json_array_length(edit, '$.image_ids')", 1),
    "TakeImport": ("json_extract(edit, '$.count')", 0.1),
    "AcceptSuggestions": ("json_array_length(edit, '$.places')", 5),
    "RemoveSuggestions": ("json_array_length(edit, '$.suggestions')", 20),
}
_SIZE = " ".join(
    f'WHEN edit LIKE \'{{"kind":"{kind}"%\' THEN CAST({count} * {worth} AS INTEGER)'
    for kind, (count, worth) in _WORK.items()
)
_CURSOR = "history"  # meta key: positions below are done


class Journal:
    """The part of the store that remembers what was done."""

    db: Database

    def get(self, key: str, default: Any = None) -> Any:
        text = self.db.value("SELECT value FROM meta WHERE key = ?", (key,))
        return default if text is None else json.loads(text)

    def put(self, key: str, value: Any) -> None:
        sql = (
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        )
        self.db.write(sql, (key, encode(value)))

    def take_ids(self, kind: str, count: int) -> range:
        first = int(self.db.value("SELECT next FROM counters WHERE kind = ?", (kind,)))
        self.db.write("UPDATE counters SET next = next + ? WHERE kind = ?", (count, kind))
        return range(first, first + count)

    def push_edit(self, label: str, data: dict[str, Any], image_ids: Sequence[int]) -> None:
        cursor = self._cursor()
        self.db.write("DELETE FROM history WHERE position >= ?", (cursor,))
        self.db.write("DELETE FROM shelf")  # undone imports can no longer be done again
        self._append("do", None, label, image_ids, encode(data))
        row = self.db.value("SELECT last_insert_rowid()")
        self.db.write("INSERT INTO history VALUES (?, ?)", (cursor, row))
        self.put(_CURSOR, cursor + 1)

    def note(self, action: str, label: str, data: dict[str, Any]) -> None:
        """Append a row about something that is no undoable step, an import for example."""
        self._append(action, None, label, (), encode(data))

    def steps(self) -> tuple[int, int]:
        cursor = self._cursor()
        return cursor, int(
            self.db.value("SELECT COALESCE(MAX(position) + 1, 0) FROM history")
        ) - cursor

    def step_size(self, back: bool) -> int:
        sql = (
            f"SELECT json_array_length(images), CASE {_SIZE} ELSE 0 END "
            "FROM history JOIN journal ON journal.id = journal_id WHERE position = ?"
        )
        row = self.db.row(sql, (self._cursor() - back,))
        return 0 if row is None else max(row)

    def undo_row(self) -> JournalRow | None:
        return self._at(self._cursor() - 1)

    def redo_row(self) -> JournalRow | None:
        return self._at(self._cursor())

    def step_back(self) -> None:
        cursor = self._cursor()
        self._mark("undo", cursor - 1)
        self.put(_CURSOR, cursor - 1)

    def step_forward(self) -> None:
        cursor = self._cursor()
        self._mark("redo", cursor)
        self.put(_CURSOR, cursor + 1)

    def history(self, limit: int) -> list[HistoryEntry]:
        cursor = self._cursor()
        rows = self.db.rows(
            "SELECT position, journal.id, label, time, images FROM history "
            "JOIN journal ON journal.id = journal_id ORDER BY position DESC LIMIT ?",
            (limit,),
        )
        return [
            HistoryEntry(row, label, at, tuple(json.loads(images)), position < cursor)
            for position, row, label, at, images in rows
        ]

    def _cursor(self) -> int:
        return int(self.get(_CURSOR, 0))

    def _at(self, position: int) -> JournalRow | None:
        row = self.db.row(_AT, (position,))
        return None if row is None else JournalRow(row[0], row[1], msgspec.json.decode(row[2]))

    def _mark(self, action: str, position: int) -> None:
        row = self.db.row(
            "SELECT journal.id, label, images FROM history JOIN journal ON journal.id = journal_id "
            "WHERE position = ?",
            (position,),
        )
        if row is not None:
            self._append(action, row[0], row[1], json.loads(row[2]), None)

    def _append(
        self, action: str, entry: int | None, label: str, images: Sequence[int], edit: str | None
    ) -> None:
        self.db.write(_APPEND, (time.time(), action, entry, label, encode(list(images)), edit))
