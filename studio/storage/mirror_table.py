"""What the folder mirror remembers about each label file, in the project database."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from studio.storage.sqlite_store import SqliteStore

_COLUMNS = "image_id, label, digest, size, mtime_ns, revision, conflict"


@dataclass(frozen=True, slots=True)
class FileState:
    """A label file as it is on disk: digest ``""`` and zeros where there is none."""

    digest: str = ""
    size: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True, slots=True)
class MirrorRow:
    """A label file and when it was in step with the project.

    Attributes:
        image_id: Its image.
        label: The file.
        state: The file when it was read or written last.
        revision: The image's revision at that moment; another one now means there is something to
            write.
        conflict: Why the file is left alone until somebody decides, or empty.
    """

    image_id: int
    label: Path
    state: FileState
    revision: int
    conflict: str = ""


class MirrorTable:
    """The rows of the ``mirror`` table; writing needs a transaction of the store."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def row(self, image_id: int) -> MirrorRow | None:
        """Return the row of an image, or None where its labels are not mirrored."""
        rows = self._select("WHERE image_id = ?", image_id)
        return rows[0] if rows else None

    def rows(self, after: int = 0, limit: int = 1_000_000) -> list[MirrorRow]:
        """Return rows by image number, above ``after``."""
        return self._select("WHERE image_id > ? ORDER BY image_id LIMIT ?", after, limit)

    def stale(self, limit: int) -> list[int]:
        """Return images whose labels have changed since their file was in step and that have no conflict."""
        sql = (
            "SELECT image_id FROM mirror JOIN images ON images.id = image_id "
            "WHERE images.revision <> mirror.revision AND conflict = '' AND removed = 0 LIMIT ?"
        )
        return [row[0] for row in self._store.db.rows(sql, (limit,))]

    def conflicts(self) -> list[MirrorRow]:
        """Return the files that wait for a decision."""
        return self._select("WHERE conflict <> '' ORDER BY image_id")

    def put(self, row: MirrorRow) -> None:
        """Keep a row, in the place of the one its image had."""
        self._store.db.write(
            f"INSERT OR REPLACE INTO mirror ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                row.image_id,
                str(row.label),
                row.state.digest,
                row.state.size,
                row.state.mtime_ns,
                row.revision,
                row.conflict,
            ),
        )

    def mark_all_stale(self) -> None:
        """Have every file written again: the numbers of the classes have changed."""
        self._store.db.write("UPDATE mirror SET revision = -1")

    def clear(self) -> None:
        """Forget every file."""
        self._store.db.write("DELETE FROM mirror")

    def _select(self, condition: str, *values: int) -> list[MirrorRow]:
        rows = self._store.db.rows(f"SELECT {_COLUMNS} FROM mirror {condition}", values)
        return [
            MirrorRow(row[0], Path(row[1]), FileState(*row[2:5]), row[5], row[6]) for row in rows
        ]


def look_at(file: Path, known: FileState | None = None) -> FileState:
    """Return a file's state; where size and time are those of ``known`` its content is taken as unchanged.

    Raises:
        OSError: The file is there and cannot be read.
    """
    try:
        info = file.stat()
        if (
            known
            and known.digest
            and (info.st_size, info.st_mtime_ns) == (known.size, known.mtime_ns)
        ):
            return known
        return replace(state_of(file.read_bytes()), mtime_ns=info.st_mtime_ns)
    except FileNotFoundError:
        return FileState()


def state_of(content: bytes) -> FileState:
    """Return the state of a file with this content, its time unknown."""
    return FileState(hashlib.sha256(content).hexdigest(), len(content))
