"""Writing files and folders that other code fills: they appear under their name complete, or not at all.

For content that is in memory already there is :func:`engine.runtime.paths.write_atomic`.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give the path of a temporary file in the folder of ``path``, which replaces it at the end.

    The folder is made if it is missing. If the block raises, the temporary file is removed and ``path``
    stays as it was. The temporary file ends like ``path`` does, because some writers look at that.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.tmp{path.suffix}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give the path of an empty temporary folder beside ``path``, which replaces it at the end.

    If the block raises, the temporary folder is removed and ``path`` stays as it was. The temporary folder
    ends like ``path`` does.

    Raises:
        OSError: The folder cannot be written or the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(4)
    temporary, former = (path.with_name(f".{word}.{token}.{path.name}") for word in ("new", "old"))
    temporary.mkdir()
    try:
        yield temporary
        if path.is_dir():  # a folder cannot replace one that is not empty
            path.replace(former)
        try:
            temporary.replace(path)
        except OSError:
            if former.is_dir():
                former.replace(path)
            raise
    finally:
        for rest in (temporary, former):
            shutil.rmtree(rest, ignore_errors=True)
