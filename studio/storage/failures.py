"""What SQLite's errors mean for a person, in one table."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.errors import DamagedError, EditError, ReadOnlyError, StorageError

_SAFE = tr("Everything that was saved before is still there.")

# SQLite's primary result code: what happened, what to do. https://www.sqlite.org/rescode.html
_MEANINGS: dict[int, tuple[type[StorageError], str, str]] = {
    sqlite3.SQLITE_FULL: (
        StorageError,
        tr("the disk is full, so the last change was not saved."),
        tr("Free some space and try again. {safe}").format(safe=_SAFE),
    ),
    sqlite3.SQLITE_IOERR: (
        StorageError,
        tr("the disk refused to write or read, so the last change was not saved."),
        tr(
            "Check that the disk is connected, has free space and is within your quota. {safe}"
        ).format(safe=_SAFE),
    ),
    sqlite3.SQLITE_READONLY: (
        ReadOnlyError,
        tr("the project cannot be written."),
        tr("Allow writing to its folder, or copy the folder to a place where you may write."),
    ),
    sqlite3.SQLITE_BUSY: (
        StorageError,
        tr("another program is writing to the project."),
        tr("Wait until it is done, or close it, and try again."),
    ),
    sqlite3.SQLITE_CORRUPT: (
        DamagedError,
        tr("the project database is damaged."),
        tr("Restore it from a backup (File menu); what is damaged is kept beside the backups."),
    ),
    sqlite3.SQLITE_NOTADB: (
        DamagedError,
        tr("the file is not a project database."),
        tr("Choose another folder, or restore it from a backup (File menu)."),
    ),
    sqlite3.SQLITE_CANTOPEN: (
        StorageError,
        tr("the project database cannot be opened."),
        tr("Check that the folder still exists and that you may read it."),
    ),
}


def explain(error: sqlite3.Error, path: Path) -> EngineError:
    """Return the error to raise for what SQLite reported about the database at ``path``."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_CONSTRAINT:
        return EditError(
            tr("The change does not fit the project as it is now ({error}).").format(error=error),
            path=path,
        )
    if code in _MEANINGS:
        kind, what, remedy = _MEANINGS[code]
        return kind(what, path=path, value=str(error), remedy=remedy)
    return StorageError(
        tr("the project database reported: {error}.").format(error=error),
        path=path,
        remedy=tr("Try again. {safe}").format(safe=_SAFE),
    )
