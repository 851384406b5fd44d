"""Backups of a project's database: one at each opening that finds something new, the last five kept, and the way back.

They are ordered by their number and not by their time: a clock may go backwards.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from studio.language import tr
from studio.model.errors import DamagedError, StorageError
from studio.storage.database import Database, connect
from studio.storage.database_copy import (
    PAGES,
    CopyCancelledError,
    check_database,
    copy_database,
    open_copy,
)
from studio.storage.failures import explain
from studio.storage.lock import HeldElsewhereError, ProjectLock
from studio.storage.schema import APPLICATION_ID, MIGRATIONS, version_of

FOLDER = "backups"
KEPT = 5
_NAME = re.compile(r"(\d+)-(\d{8}T\d{6})Z\.db")
_TIME = "%Y%m%dT%H%M%S"
_DATABASE = "project.db"

# What changes when anything of worth changes; where the person was (view.*) is not.
_CONTENT = (
    "SELECT key, value FROM meta WHERE key NOT LIKE 'view.%' ORDER BY key",
    "SELECT kind, next FROM counters ORDER BY kind",
    "SELECT MAX(id) FROM journal",
    "SELECT COUNT(*), MAX(id), SUM(revision), SUM(removed) FROM images",
    "SELECT id, path FROM sources ORDER BY id",
)


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup.

    Attributes:
        path: The database file.
        number: 1, 2, ... in the order they were made.
        time: When it was made by the clock of that day, UTC.
        size: Bytes.
    """

    path: Path
    number: int
    time: dt.datetime
    size: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a backup: numbers of images, shapes, classes, and the last step of its history."""

    images: int
    shapes: int
    classes: int
    last_step: str


def list_backups(folder: Path) -> list[Backup]:
    """Return the backups of the project in ``folder``, the newest first; other files are passed over."""
    found = []
    with contextlib.suppress(OSError):
        for path in (folder / FOLDER).iterdir():
            if match := _NAME.fullmatch(path.name):
                with contextlib.suppress(OSError, ValueError):
                    made = dt.datetime.strptime(match[2], _TIME)
                    made = made.replace(tzinfo=dt.UTC)
                    found.append(Backup(path, int(match[1]), made, path.stat().st_size))
    return sorted(found, key=lambda backup: backup.number, reverse=True)


def back_up(
    folder: Path,
    is_cancelled: Callable[[], bool] = lambda: False,
    prune: bool = True,
) -> Backup | None:
    """Back up the project in ``folder``; for any thread, whoever else reads or writes it.

    Args:
        folder: The project folder.
        is_cancelled: Asked every few milliseconds; True leaves nothing behind.
        prune: Remove all but the newest :data:`KEPT` afterwards.

    Returns:
        The new backup, or None where the newest one holds the same.

    Raises:
        DamagedError: The database is damaged; the older backups stay as they are.
        CopyCancelledError: ``is_cancelled`` said so.
        StorageError: It cannot be written, or the database cannot be read.
    """
    try:
        with contextlib.closing(_open_to_read(folder)) as database:
            known = list_backups(folder)
            if known and _mark_of(known[0].path) == _mark(database.connection):
                return None
            (folder / FOLDER).mkdir(exist_ok=True)
            number = known[0].number + 1 if known else 1
            now = dt.datetime.now(dt.UTC)
            path = folder / FOLDER / f"{number:05d}-{now.strftime(_TIME)}Z.db"
            copy_database(database.connection, path, is_cancelled)
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, StorageError):
            raise
        if isinstance(error, sqlite3.Error):
            meant = explain(error, folder / _DATABASE)
            if isinstance(meant, DamagedError):
                raise meant from error
        raise StorageError(
            tr("the backup could not be made ({getattr}).").format(
                getattr=getattr(error, "strerror", None) or error
            ),
            path=folder / FOLDER,
            remedy=tr(
                "The project itself is saved. Free space on its disk; the next opening tries again."
            ),
        ) from error
    if prune:
        prune_backups(folder)
    return Backup(path, number, now.replace(microsecond=0), path.stat().st_size)


def prune_backups(folder: Path, kept: int = KEPT) -> None:
    """Remove all but the newest ``kept`` backups, and what a killed process left half."""
    for backup in list_backups(folder)[kept:]:
        with contextlib.suppress(OSError):  # still open in a viewer on Windows: the next time
            backup.path.unlink()
    with contextlib.suppress(OSError):
        for path in (folder / FOLDER).glob(".*.tmp*"):
            path.unlink(missing_ok=True)


def contents_of(backup: Backup) -> Contents:
    """Return what is in a backup.

    Raises:
        StorageError: It cannot be read.
    """
    counts = "SELECT (SELECT COUNT(*) FROM images WHERE removed = 0), (SELECT COUNT(*) FROM shapes), (SELECT COUNT(*) FROM classes)"
    last = "SELECT label FROM journal ORDER BY id DESC LIMIT 1"
    try:
        with contextlib.closing(open_copy(backup.path)) as connection:
            images, shapes, classes = connection.execute(counts).fetchone()
            step = connection.execute(last).fetchone()
    except sqlite3.Error as error:
        raise _unusable(backup, str(error)) from error
    return Contents(images, shapes, classes, step[0] if step else "")


def restore_backup(
    folder: Path, backup: Backup, is_cancelled: Callable[[], bool] = lambda: False
) -> None:
    """Make the project what it was when ``backup`` was made; what it is now becomes a backup itself.

    The project must be closed. A process that is killed meanwhile leaves the project as it was, or
    as the backup says.

    Args:
        folder: The project folder.
        backup: The backup.
        is_cancelled: Asked every few milliseconds; True leaves the project as it was.

    Raises:
        CopyCancelledError: ``is_cancelled`` said so.
        StorageError: The backup is damaged, or the project is open for writing or cannot be
            written.
    """
    lock = ProjectLock(folder)
    try:
        lock.acquire()
    except HeldElsewhereError as error:
        raise StorageError(
            tr("the project is open in another window ({error}).").format(error=error),
            path=folder,
            remedy=tr("Close it there first."),
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _check_usable(backup)
        try:
            back_up(folder, is_cancelled, prune=False)
            _write_over(folder / _DATABASE, backup, is_cancelled)
        except DamagedError:
            _set_aside(folder)
            _put_in_place(folder / _DATABASE, backup, is_cancelled)
        prune_backups(folder)
    except sqlite3.Error as error:
        raise _unwritable(folder, error) from error
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise _unwritable(folder, error) from error
    finally:
        lock.release()


def _write_over(path: Path, backup: Backup, is_cancelled: Callable[[], bool]) -> None:
    """Write the backup's pages into a sound database as one transaction of SQLite."""

    def go_on(_status: int, left: int, _all: int) -> None:
        # SQLite takes back what it has written; after the last page it is too late for that
        if left and is_cancelled():
            raise CopyCancelledError(tr("Cancelled; the project is as it was."))

    go_on(0, 1, 1)
    with (
        contextlib.closing(connect(path.as_posix(), "rw")) as database,
        contextlib.closing(open_copy(backup.path)) as source,
    ):
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        source.backup(database, pages=PAGES, progress=go_on, sleep=0)


def _put_in_place(path: Path, backup: Backup, is_cancelled: Callable[[], bool]) -> None:
    """Put the backup in the place of a damaged database, whose log belongs to it and goes with it."""
    with contextlib.closing(open_copy(backup.path)) as source:
        fresh = copy_database(source, path.with_name(f".{path.name}.restored"), is_cancelled)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    fresh.replace(path)


def _set_aside(folder: Path) -> None:
    """Keep a damaged database as it is, for whoever may read more out of it."""
    (folder / FOLDER).mkdir(exist_ok=True)
    number = 1
    while (kept := folder / FOLDER / f"damaged-{number}.db").exists():
        number += 1
    for suffix in ("-wal", ""):  # the file last: its name says that all of it is there
        part = folder / (_DATABASE + suffix)
        if part.is_file():
            shutil.copyfile(part, kept.with_name(kept.name + suffix))


def _check_usable(backup: Backup) -> None:
    try:
        problems = check_database(backup.path)
        with contextlib.closing(open_copy(backup.path)) as connection:
            kind = connection.execute("PRAGMA application_id").fetchone()[0]
            is_ours = kind == APPLICATION_ID and version_of(connection) <= len(MIGRATIONS)
    except sqlite3.Error as error:
        raise _unusable(backup, str(error)) from error
    if problems or not is_ours:
        raise _unusable(
            backup, "; ".join(problems) or tr("it was made by another program or version")
        )


def _open_to_read(folder: Path) -> Database:
    return Database(folder / _DATABASE, read_only=True)


def _mark_of(path: Path) -> str:
    try:
        with contextlib.closing(open_copy(path)) as connection:
            return _mark(connection)
    except sqlite3.Error:  # damaged, or of an older version: not the same
        return ""


def _mark(connection: sqlite3.Connection) -> str:
    digest = hashlib.sha256(str(version_of(connection)).encode())
    for sql in _CONTENT:
        digest.update(repr(connection.execute(sql).fetchall()).encode())
    return digest.hexdigest()


def _unusable(backup: Backup, why: str) -> StorageError:
    return StorageError(
        tr("the backup cannot be used ({why}).").format(why=why),
        path=backup.path,
        remedy=tr("Choose another one."),
    )


def _unwritable(folder: Path, error: OSError | sqlite3.Error) -> StorageError:
    reason = getattr(error, "strerror", None) or error
    return StorageError(
        tr("the backup cannot be restored ({reason}).").format(reason=reason),
        path=folder,
        remedy=tr("The project is as it was. Check that its disk has space and may be written."),
    )
