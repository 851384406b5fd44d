"""The table of a data set on disk: one SQLite file with a row and a vector for each picture.

Vectors are kept by the content of the picture's file: a table that is made again computes those of new pictures
only, and one that was interrupted goes on. Questions in SQL run on a connection that can only read.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.explorer.dataset_rows import ImageRow
from engine.runtime.errors import ConfigError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (digest BLOB PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS images (
    idx INTEGER PRIMARY KEY, im_file TEXT NOT NULL, split TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, objects INTEGER NOT NULL,
    labels TEXT NOT NULL, cls TEXT NOT NULL, bboxes TEXT NOT NULL, digest BLOB NOT NULL);
CREATE VIEW IF NOT EXISTS "table" AS
    SELECT idx, im_file, split, width, height, objects, labels, cls, bboxes FROM images;
"""
# Columns that hold lists, as JSON.
LISTS = ("labels", "cls", "bboxes")
# A question may take so long, and may give so many rows.
MAX_SECONDS = 30.0
_STEPS = 100_000
# What a connection that cannot write could still do.
_DENIED = {sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA}


class EmbeddingStore:
    """Rows and vectors of one data set and one model.

    Attributes:
        path: The file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._made = False

    def missing(self, digests: Iterable[bytes]) -> list[bytes]:
        """Return, each once, the contents of which there is no vector yet."""
        with self._open() as connection:
            known = {digest for (digest,) in connection.execute("SELECT digest FROM vectors")}
        return [digest for digest in dict.fromkeys(digests) if digest not in known]

    def add_vectors(self, vectors: Mapping[bytes, np.ndarray]) -> None:
        """Keep vectors (D,) by content, all or none of them."""
        rows = [(key, np.asarray(v, dtype=np.float32).tobytes()) for key, v in vectors.items()]
        with self._open() as connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def forget_vectors(self) -> None:
        """Drop all vectors, so that they are made anew."""
        with self._open() as connection:
            connection.execute("DELETE FROM vectors")

    def set_rows(self, rows: Sequence[ImageRow], split: str) -> None:
        """Replace the table by these pictures, numbered from 0."""
        values = [
            (
                number, row.im_file, split, row.width, row.height, len(row.cls),
                *(json.dumps(list(getattr(row, name)), ensure_ascii=False) for name in LISTS),
                row.digest,
            )
            for number, row in enumerate(rows)
        ]  # fmt: skip
        with self._open() as connection:
            connection.execute("DELETE FROM images")
            connection.executemany(f"INSERT INTO images VALUES ({','.join('?' * 10)})", values)

    def __len__(self) -> int:
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM images").fetchone()[0])

    def vectors(self) -> np.ndarray:
        """Return the vectors of the table's pictures in its order, (N, D) float32.

        Raises:
            ConfigError: One is missing, because making them was interrupted.
        """
        with self._open() as connection:
            # One pass over the file: a join would read 100,000 vectors in the order of their digests.
            known = dict(connection.execute("SELECT digest, vector FROM vectors"))
            order = connection.execute("SELECT digest FROM images ORDER BY idx").fetchall()
        found = [known.get(digest) for (digest,) in order]
        if None in found:
            raise ConfigError(
                "some images have no vector yet.",
                path=self.path,
                remedy="Call create_embeddings_table() again: it goes on where it was interrupted.",
            )
        whole = [vector for vector in found if vector is not None]
        if len({len(vector) for vector in whole}) > 1:
            raise ConfigError(
                "the vectors are of different lengths.",
                path=self.path,
                remedy="Call create_embeddings_table(force=True).",
            )
        flat = np.frombuffer(b"".join(whole), dtype=np.float32)
        return flat.reshape(len(found), -1) if found else flat.reshape(0, 0)

    def rows(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """Return rows by their numbers, in the order asked for."""
        found: dict[int, dict[str, Any]] = {}
        with self._open() as connection:
            connection.row_factory = sqlite3.Row
            for start in range(0, len(numbers), 500):
                part = [int(number) for number in numbers[start : start + 500]]
                marks = ",".join("?" * len(part))
                question = f'SELECT * FROM "table" WHERE idx IN ({marks})'
                found |= {row["idx"]: _plain(row) for row in connection.execute(question, part)}
        return [found[int(number)] for number in numbers]

    def ask(self, question: str) -> list[dict[str, Any]]:
        """Answer a question in SQL, which can read the table and nothing else.

        Args:
            question: A whole ``SELECT ... FROM 'table' ...``, or only its ``WHERE ...``.

        Raises:
            ConfigError: It is no SQL, would write, or takes longer than :data:`MAX_SECONDS`.
        """
        asked = question.strip().rstrip(";").strip()
        if asked[:5].lower() == "where":
            asked = f'SELECT * FROM "table" {asked}'
        with self._open(mode="ro") as connection:
            connection.row_factory = sqlite3.Row
            until = time.monotonic() + MAX_SECONDS
            connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            connection.set_authorizer(_may_only_read)
            try:
                return [_plain(row) for row in connection.execute(asked)]
            except (sqlite3.Error, sqlite3.Warning) as error:
                reason = "it takes too long" if str(error) == "interrupted" else str(error)
                raise ConfigError(
                    f"the question cannot be answered: {reason}.",
                    value=question,
                    remedy="Ask SELECT ... FROM 'table' ..., or WHERE ...; the columns are idx, im_file, "
                    "split, width, height, objects, labels, cls, bboxes.",
                ) from error

    @contextmanager
    def _open(self, mode: str = "rwc") -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction; ``ro`` cannot write."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            address = f"{self.path.absolute().as_uri()}?mode={mode}"
            connection = sqlite3.connect(address, timeout=30, uri=True)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"cannot be opened ({error}).", path=self.path) from error
        try:
            if not self._made and mode != "ro":
                connection.executescript(_SCHEMA)
                self._made = True
            with connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise ConfigError(
                f"the table cannot be used ({error}).",
                path=self.path,
                remedy="Remove the file; the table can be made again.",
            ) from error
        finally:
            connection.close()


def _may_only_read(action: int, *_: object) -> int:
    return sqlite3.SQLITE_DENY if action in _DENIED else sqlite3.SQLITE_OK


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    """Return a row with its lists as lists."""
    return {n: json.loads(v) if _is_list(n, v) else v for n, v in dict(row).items()}


def _is_list(name: str, value: Any) -> bool:
    return name in LISTS and isinstance(value, str) and value.startswith("[")
