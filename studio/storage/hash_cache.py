"""Hashes of image files that were looked at before, so that looking for duplicates again takes moments."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_TABLE = (
    "CREATE TABLE IF NOT EXISTS hashes (path TEXT PRIMARY KEY, size INTEGER NOT NULL, "
    "mtime_ns INTEGER NOT NULL, content BLOB NOT NULL, looks TEXT) WITHOUT ROWID"
)


@dataclass(frozen=True, slots=True)
class FileHash:
    """What an image file holds and looks like.

    Attributes:
        path: The file.
        size: Its bytes.
        mtime_ns: When it was changed last.
        content: A hash of its bytes.
        looks: Its perceptual hash, None where nothing can be compared.
    """

    path: str
    size: int
    mtime_ns: int
    content: bytes
    looks: int | None


class HashCache:
    """A small database that may be thrown away; it belongs to the thread that made it.

    Args:
        path: The file; where it cannot be used, nothing is kept.
    """

    def __init__(self, path: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        with contextlib.suppress(OSError, sqlite3.Error):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path)
            self._connection.execute(_TABLE)

    def find(self, path: Path) -> FileHash | None:
        """Return what is known of a file, None where it was changed since.

        Raises:
            OSError: The file is missing.
        """
        info = path.stat()
        row = None
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                sql = "SELECT * FROM hashes WHERE path = ?"
                row = self._connection.execute(sql, (str(path),)).fetchone()
        if row is None or (row[1], row[2]) != (info.st_size, info.st_mtime_ns):
            return None
        name, size, mtime_ns, content, looks = row
        return FileHash(name, size, mtime_ns, content, None if looks is None else int(looks))

    def keep(self, hashes: Iterable[FileHash]) -> None:
        """Remember hashes; a full disk only means that they are made again."""
        if self._connection is None:
            return
        rows = [
            (h.path, h.size, h.mtime_ns, h.content, None if h.looks is None else str(h.looks))
            for h in hashes
        ]
        with contextlib.suppress(sqlite3.Error), self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?)", rows
            )

    def close(self) -> None:
        """Close the database."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
