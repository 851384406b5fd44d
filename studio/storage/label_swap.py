"""Replacing a file that another program may be writing at the same moment: what it wrote is never overwritten.

Looking first and writing then leaves a gap in which the other program's work would be lost. So the old file
keeps a second name while the new one takes its place, and is looked at once more afterwards.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from engine.runtime.paths import write_atomic


def swap_in(file: Path, content: bytes, expected: bytes | None) -> bool:
    """Put ``content`` in the place of ``expected`` (None: of no file).

    Returns:
        False where the file is, or meanwhile becomes, something else: it then holds what the other
        program wrote.

    Raises:
        OSError: It cannot be read or written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}.new")
    write_atomic(fresh, content)
    try:
        if expected is None:
            return _place(fresh, file)
        with _second_name(file) as kept:
            if kept is None or not _is_same(file, kept):
                return False
            fresh.replace(file)
            if kept.read_bytes() == expected:
                return True
            kept.replace(file)
            return False
    finally:
        fresh.unlink(missing_ok=True)


def take_away(file: Path, expected: bytes) -> bool:
    """Remove a file that holds ``expected``; False where it holds something else and was left.

    Raises:
        OSError: It cannot be read or removed.
    """
    kept = file.with_name(f".{file.name}.{os.getpid()}.kept")
    try:
        file.rename(kept)
    except FileNotFoundError:
        return False
    if kept.read_bytes() == expected:
        kept.unlink()
        return True
    _place(kept, file)  # a file that somebody made in the meantime is newer still
    kept.unlink(missing_ok=True)
    return False


def _place(fresh: Path, file: Path) -> bool:
    """Give a file a name that must be free; False where it is not."""
    try:
        file.hardlink_to(fresh)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if file.exists():
            return False
        fresh.replace(file)
    return True


@contextlib.contextmanager
def _second_name(file: Path) -> Iterator[Path | None]:
    """Give a file a second name for a while; None where it is gone.

    Where the file system has no second names, a copy is all there is: the gap is then as short as
    reading a small file.
    """
    kept = file.with_name(f".{file.name}.{os.getpid()}.kept")
    kept.unlink(missing_ok=True)
    try:
        kept.hardlink_to(file)
    except FileNotFoundError:
        yield None
        return
    except OSError:
        kept.write_bytes(file.read_bytes())
    try:
        yield kept
    finally:
        kept.unlink(missing_ok=True)


def _is_same(file: Path, kept: Path) -> bool:
    """Tell whether the two names still mean one file, or, without hard links, the same content."""
    try:
        return file.samefile(kept) or file.read_bytes() == kept.read_bytes()
    except FileNotFoundError:
        return False
