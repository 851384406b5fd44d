"""One connection to a project database: how it is opened, transactions, errors in plain words."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from studio.language import tr
from studio.model.errors import EditError, ReadOnlyError, StorageError
from studio.storage.database_copy import copy_database
from studio.storage.failures import explain
from studio.storage.schema import APPLICATION_ID, MIGRATIONS, migrate, version_of

_BUSY_SECONDS = (
    1.0  # only foreign programs hold a project up: ours write one at a time, by the lock
)


class Database:
    """A connection that belongs to the thread that made it.

    A writable one uses write-ahead logging with ``synchronous=FULL``: a commit returns when its
    pages are in the log on disk, so neither a killed process nor a power loss takes it back.

    Args:
        path: The database file.
        read_only: Refuse every change; also opens databases in folders that cannot be written.

    Raises:
        StorageError: It cannot be opened, is no project, or was made by a newer version.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self.before_commit: Callable[[], None] = _nothing  # at the end of a transaction
        self.after_rollback: Callable[[], None] = _nothing
        self._depth = 0
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._seen = 0
        with self._errors():
            self.connection = self._open_to_read() if read_only else self._open_to_write()
            try:
                self._seen = self._data_version()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the connection; closing twice is allowed."""
        with contextlib.suppress(sqlite3.Error):
            # the last one to close a writable database also folds the log into the file
            self.connection.close()
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._errors():
            return self.connection.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        with self._errors():
            found: tuple[Any, ...] | None = self.connection.execute(sql, values).fetchone()
            return found

    def value(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row of a query, or None."""
        found = self.row(sql, values)
        return None if found is None else found[0]

    def write(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Change rows inside a transaction and return how many."""
        self._check_writable()
        with self._errors():
            return self.connection.execute(sql, values).rowcount

    def write_many(self, sql: str, values: Iterable[Sequence[Any]]) -> int:
        """Change rows inside a transaction, once per entry of ``values``, and return how many in all."""
        self._check_writable()
        with self._errors():
            return self.connection.executemany(sql, values).rowcount

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what is written inside as a whole, or nothing of it where something raises.

        A transaction inside another one joins it.
        """
        if self.read_only:
            raise ReadOnlyError(
                tr("the project is open for reading only."), path=self.path, remedy=tr("Reopen it.")
            )
        if self._depth:
            yield
            return
        with self._errors():
            self.connection.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            self.before_commit()
            with self._errors():
                self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:  # a full disk makes SQLite roll back by itself
                self.connection.rollback()
            self.after_rollback()
            raise
        finally:
            self._depth = 0

    def outside_change(self) -> bool:
        """Tell whether another connection has written since this was asked last."""
        with self._errors():
            version = self._data_version()
        changed, self._seen = version != self._seen, version
        return changed

    def state(self) -> tuple[int, int]:
        """Return what is another one after every change, by this connection or another."""
        with self._errors():
            return self.connection.total_changes, self._data_version()

    def integrity(self) -> list[str]:
        """Return what SQLite's own full check finds wrong; empty: nothing."""
        found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)")]
        found = [] if found == ["ok"] else found
        for table, row_id, parent, _ in self.rows("PRAGMA foreign_key_check"):
            found.append(
                tr("{table} row {row_id} points to a missing row of {parent}").format(
                    table=table, row_id=row_id, parent=parent
                )
            )
        return found

    def _data_version(self) -> int:
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def _check_writable(self) -> None:
        if not self._depth:
            raise ReadOnlyError(tr("changes need a transaction."), path=self.path)

    def _open_to_write(self) -> sqlite3.Connection:
        connection = connect(self.path.as_posix(), "rwc")
        try:
            _check_kind(connection, self.path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _back_up_before_migration(connection, self.path)
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        """Open without writing a byte beside the database.

        A database in a folder that cannot be written has no place for the shared memory of its log.
        Without a log it is opened as immutable; with one (its last process was killed) a private
        copy is read.
        """
        try:
            return _checked(connect(self.path.as_posix(), "ro"), self.path)
        except sqlite3.OperationalError as error:
            if not self.path.is_file() or error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                raise  # in another program's hands: what it is just writing must not be read
        log = self.path.with_name(self.path.name + "-wal")
        if not log.is_file() or log.stat().st_size == 0:
            return _checked(connect(self.path.as_posix(), "ro", immutable=True), self.path)
        self._copy = tempfile.TemporaryDirectory(prefix="maskwright-")
        copy = Path(self._copy.name) / self.path.name
        shutil.copyfile(self.path, copy)
        shutil.copyfile(log, copy.with_name(log.name))
        return _checked(connect(copy.as_posix(), "rw"), self.path)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explain(error, self.path) from error


def _nothing() -> None:
    """Stand in for a hook nobody set."""


def encode(value: Any) -> str:
    """Return compact JSON; floats keep every digit.

    Raises:
        EditError: A number is not finite.
    """
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise EditError(tr("A value cannot be kept: {error}.").format(error=error)) from error


def connect(path: str, mode: str, immutable: bool = False) -> sqlite3.Connection:
    """Return a connection in the given mode of SQLite (``ro``, ``rw``, ``rwc``), references checked."""
    address = f"file:{quote(path)}?mode={mode}" + ("&immutable=1" if immutable else "")
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_BUSY_SECONDS)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -32000")  # KiB
    except BaseException:  # reads the file already: on a full disk there is no room for its log
        connection.close()
        raise
    return connection


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """Return the connection if it can be read and is a project of this version."""
    try:
        _check_kind(connection, path)
        if version_of(connection) < len(MIGRATIONS):
            raise StorageError(
                tr(
                    "the project was made by an older version and must be brought up to date first."
                ),
                path=path,
                remedy=tr("Open it once where you may write."),
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    version = version_of(connection)
    if version > len(MIGRATIONS):
        raise StorageError(
            tr("the project has format {version}, this program knows up to {count}.").format(
                version=version, count=len(MIGRATIONS)
            ),
            path=path,
            remedy=tr("Update Maskwright."),
        )
    kind = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]
    if tables and kind != APPLICATION_ID:
        raise StorageError(
            tr("the file is a database of another program."),
            path=path,
            remedy=tr("Choose another folder."),
        )


def _back_up_before_migration(connection: sqlite3.Connection, path: Path) -> None:
    """Keep a copy of an older database: a step forward cannot be undone."""
    version = version_of(connection)
    if 0 < version < len(MIGRATIONS):
        backup = path.with_name(f"{path.stem}.format{version}.db")
        if backup.exists():
            return
        try:
            copy_database(connection, backup)
        except OSError as error:
            if isinstance(error, StorageError):
                raise
            raise StorageError(
                tr(
                    "the project cannot be backed up before it is brought up to date ({strerror})."
                ).format(strerror=error.strerror or error),
                path=backup,
                remedy=tr("Free space on its disk and open it again."),
            ) from error
