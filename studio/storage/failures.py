"""What SQLite's errors mean for a person, in one table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.runtime.errors import EngineError
from studio.model.errors import DamagedError, EditError, ReadOnlyError, StorageError

_SAFE = "Everything that was saved before is still there."

# SQLite's primary result code: what happened, what to do. https://www.sqlite.org/rescode.html
_MEANINGS: dict[int, tuple[type[StorageError], str, str]] = {
    sqlite3.SQLITE_FULL: (
        StorageError,
        "the disk is full, so the last change was not saved.",
        f"Free some space and try again. {_SAFE}",
    ),
    sqlite3.SQLITE_IOERR: (
        StorageError,
        "the disk refused to write or read, so the last change was not saved.",
        f"Check that the disk is connected, has free space and is within your quota. {_SAFE}",
    ),
    sqlite3.SQLITE_READONLY: (
        ReadOnlyError,
        "the project cannot be written.",
        "Allow writing to its folder, or copy the folder to a place where you may write.",
    ),
    sqlite3.SQLITE_BUSY: (
        StorageError,
        "another program is writing to the project.",
        "Wait until it is done, or close it, and try again.",
    ),
    sqlite3.SQLITE_CORRUPT: (
        DamagedError,
        "the project database is damaged.",
        "Restore it from a backup (File menu); what is damaged is kept beside the backups.",
    ),
    sqlite3.SQLITE_NOTADB: (
        DamagedError,
        "the file is not a project database.",
        "Choose another folder, or restore it from a backup (File menu).",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StorageError,
        "the project database cannot be opened.",
        "Check that the folder still exists and that you may read it.",
    ),
}


def explain(error: sqlite3.Error, path: Path) -> EngineError:
    """Return the error to raise for what SQLite reported about the database at ``path``."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_CONSTRAINT:
        return EditError(f"The change does not fit the project as it is now ({error}).", path=path)
    if code in _MEANINGS:
        kind, what, remedy = _MEANINGS[code]
        return kind(what, path=path, value=str(error), remedy=remedy)
    return StorageError(
        f"the project database reported: {error}.", path=path, remedy=f"Try again. {_SAFE}"
    )
