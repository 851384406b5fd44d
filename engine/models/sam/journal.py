"""What of a batch is done, so that a killed one goes on where it stopped: a line a picture, after its labels."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER


class Journal:
    """The list of finished pictures, beside their labels; it is there only while a batch is not finished.

    Attributes:
        path: The file.
        done: Keys of the pictures that were finished before.
    """

    def __init__(self, path: Path, made_with: Mapping[str, Any]) -> None:
        """Open or begin a journal.

        Args:
            path: The file.
            made_with: What the batch is made with; a journal of another batch does not count.

        Raises:
            DatasetError: The file cannot be written.
        """
        self.path = path
        self._head = json.dumps({"made_with": dict(made_with)}, sort_keys=True, default=str)
        self.done = self._read()
        try:
            if not self.done:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._head + "\n", encoding="utf-8")
            self._file = path.open("a", encoding="utf-8")
        except OSError as error:
            raise DatasetError(
                f"cannot be written ({error.strerror or error}).",
                path=path,
                remedy="Choose another output_dir, or make room on the disk.",
            ) from error
        if self.done:
            self._file.write("\n")  # ends a line that was cut off
            LOGGER.info("%s: goes on after %d pictures.", path.parent, len(self.done))

    def add(self, key: str) -> None:
        """Note that a picture is finished; it survives a power loss.

        Raises:
            OSError: The disk is full.
        """
        self._file.write(json.dumps({"done": key}) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done.add(key)

    def finish(self) -> None:
        """Remove the file: the batch is complete."""
        self.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave the file for the next time."""
        self._file.close()

    def _read(self) -> set[str]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return set()
        if not lines or lines[0] != self._head:
            return set()
        done = set()
        for line in lines[1:]:
            with suppress(ValueError, KeyError, TypeError):  # the last line may be cut off
                done.add(str(json.loads(line)["done"]))
        return done


def picture_key(path: Path, root: Path) -> str:
    """Return the name of a picture in the journal: another content makes another name."""
    status = path.stat()
    name = path.relative_to(root) if path.is_relative_to(root) else path
    return f"{name.as_posix()} {status.st_size} {status.st_mtime_ns}"
