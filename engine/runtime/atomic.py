"""Writing files that other code fills: they appear under their name complete, or not at all.

For content that is in memory already there is :func:`engine.runtime.paths.write_atomic`.
"""

from __future__ import annotations

import os
import secrets
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
