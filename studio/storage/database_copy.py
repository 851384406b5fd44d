"""A whole copy of a project database while others read and write it: there complete and checked, or not at all."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from studio.language import tr
from studio.model.errors import DamagedError, StorageError

PAGES = 2000  # of 4 KiB in one step: a few milliseconds, so that giving up is felt at once
_OPCODES = 20_000  # of SQLite's machine between two questions whether to go on
_SHOWN = 5  # findings of a check


class CopyCancelledError(StorageError):
    """A copy that was given up because someone asked for it; nothing was left behind."""


def copy_database(
    source: sqlite3.Connection,
    target: Path,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Copy what ``source`` sees now into the file ``target``, which gets its name when all of it is on disk.

    The copy is one moment of the database, however much is written meanwhile, and nobody waits for
    it. It needs no log beside it. Its structure is checked before it is kept.

    Args:
        source: A connection with no transaction open, of the calling thread.
        target: The file; an older one is replaced at the end.
        is_cancelled: Asked every few milliseconds.

    Raises:
        DamagedError: The database is damaged; ``value`` holds what SQLite says.
        CopyCancelledError: ``is_cancelled`` said so.
        OSError, sqlite3.Error: It cannot be read or written (the disk is full, ...).
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    remove_database(temporary)
    try:
        with contextlib.closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = OFF")  # what is half is thrown away
            copy.execute("PRAGMA synchronous = OFF")
            _copy_snapshot(source, copy, is_cancelled)
            _check(copy, target, is_cancelled)
        _sync(temporary)
        temporary.replace(target)
    except BaseException:
        remove_database(temporary)
        raise
    return target


def check_database(path: Path) -> list[str]:
    """Return what SQLite finds wrong with the structure of the database file at ``path``; empty: nothing.

    Raises:
        sqlite3.Error: It cannot be read at all.
    """
    with contextlib.closing(open_copy(path)) as connection:
        return _findings(connection)


def open_copy(path: Path) -> sqlite3.Connection:
    """Open a database file that nobody writes, without writing a byte beside it."""
    address = f"file:{quote(path.as_posix())}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, isolation_level=None)


def remove_database(path: Path) -> None:
    """Remove a database with what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _copy_snapshot(
    source: sqlite3.Connection, copy: sqlite3.Connection, is_cancelled: Callable[[], bool]
) -> None:
    def go_on(_status: int, _left: int, _all: int) -> None:
        if is_cancelled():
            raise CopyCancelledError(tr("The copy was given up."))

    # A read transaction over all steps: without it the copy begins again whenever somebody writes.
    source.execute("BEGIN")
    try:
        source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        source.backup(copy, pages=PAGES, progress=go_on, sleep=0)
    finally:
        source.execute("ROLLBACK")


def _check(copy: sqlite3.Connection, path: Path, is_cancelled: Callable[[], bool]) -> None:
    copy.set_progress_handler(lambda: int(is_cancelled()), _OPCODES)
    try:
        findings = _findings(copy)
    except sqlite3.OperationalError as error:
        if is_cancelled():
            raise CopyCancelledError(tr("The copy was given up.")) from error
        raise
    finally:
        copy.set_progress_handler(None, 0)
    if findings:
        raise DamagedError(
            tr("the project database is damaged."),
            path=path,
            value="; ".join(findings),
            remedy=tr("Restore it from a backup (File menu)."),
        )


def _findings(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(f"PRAGMA quick_check({_SHOWN})").fetchall()
    found = [str(row[0]) for row in rows]
    return [] if found == ["ok"] else found


def _sync(path: Path) -> None:
    """Have the file on disk before it gets its name: else a power loss could leave a name without content."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
