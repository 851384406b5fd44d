"""The unfinished file: ``NAME.part`` and, beside it, a note of what it is a part of."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.runtime.fetching.digest import Digest, parse_digest
from engine.runtime.paths import write_atomic


class Part:
    """What has arrived of a file so far; it outlives the process, so that a later one can go on.

    Args:
        target: The file that it will become.
        url: Where it comes from; a part of another address counts as none.

    Attributes:
        path: ``NAME.part`` beside the target.
        validator: What the server called this version of the file; empty where it cannot be gone on with.
        digest: The whole file's checksum, if the server gave one at the beginning.
    """

    def __init__(self, target: Path, url: str) -> None:
        self.target = target
        self.url = url
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        note = _read_note(self._note)
        is_same = note.get("url") == url
        self.validator = str(note.get("validator", "")) if is_same else ""
        self.digest = parse_digest(note.get("digest")) if is_same else None

    @property
    def size(self) -> int:
        """Bytes that are here."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def begin(self, validator: str, digest: Digest | None) -> None:
        """Start from nothing, with another version of the file or an unknown one.

        Raises:
            OSError: The folder cannot be written.
        """
        self.path.unlink(missing_ok=True)
        shown = str(digest) if digest else None
        note = {"url": self.url, "validator": validator, "digest": shown}
        write_atomic(self._note, json.dumps(note, indent=2) + "\n")
        self.validator, self.digest = validator, digest

    def discard(self) -> None:
        """Remove what has arrived."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self.validator, self.digest = "", None

    def finish(self) -> None:
        """Give the file its name, replacing what had it.

        Raises:
            OSError: It cannot be renamed.
        """
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(self.target)
        with suppress(OSError):  # a forgotten note harms nobody
            self._note.unlink(missing_ok=True)


def _read_note(path: Path) -> dict[str, Any]:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
