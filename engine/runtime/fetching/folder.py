"""Files in a folder, perhaps on a network drive: an offline mirror."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from engine.runtime.errors import DownloadError, NotOnServerError
from engine.runtime.fetching.digest import Digest, digest_of_text
from engine.runtime.fetching.source import CHUNK, DIGEST_FILE_LIMIT, Body


class FolderSource:
    """A file in a folder, perhaps on a network drive.

    Args:
        path: The file.
    """

    is_online = False

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.shown = str(self.path)

    @contextmanager
    def open(self, offset: int, validator: str) -> Iterator[Body]:
        """Open the file; see :class:`Source`."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise self._failed(error) from error
        with file:
            status = os.fstat(file.fileno())
            version = f"{status.st_size} {status.st_mtime_ns}"
            start = offset if version == validator and offset <= status.st_size else 0
            file.seek(start)
            yield Body(start, status.st_size, version, None, self._chunks(file))

    def _chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        while True:
            try:
                chunk = file.read(CHUNK)
            except OSError as error:
                raise self._failed(error) from error
            if not chunk:
                return
            yield chunk

    def _failed(self, error: OSError) -> DownloadError:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return NotOnServerError(f"{self.path.parent} has no such file.", value=self.shown)
        return DownloadError(
            f"{self.path} cannot be read ({error.strerror or error}).", value=self.shown
        )

    def digest_beside(self) -> Digest | None:
        """Read ``NAME.sha256`` beside the file."""
        try:
            text = self.path.with_name(f"{self.path.name}.sha256").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return digest_of_text(text[:DIGEST_FILE_LIMIT], self.path.name)
