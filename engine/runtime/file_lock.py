"""Letting one process at a time do something: locks that the operating system frees when a process dies."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

POLL_S = 0.1


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock that ``path`` stands for; the file is there only while somebody holds it.

    Where no lock can be had (a file system without locks) the block runs without one.

    Args:
        path: The file; its folder exists.
        waiting: Called about ten times a second while another process has the lock. What it raises
            ends the waiting.
    """
    file = _acquired(path, waiting or _nothing)
    try:
        yield
    finally:
        if file is not None:
            _release(file, path)


def _acquired(path: Path, waiting: Callable[[], None]) -> IO[bytes] | None:
    while True:
        try:
            file = path.open("a+b")
        except PermissionError:
            if os.name != "nt" or not path.exists():
                return None
            waiting()  # Windows: its holder is removing it at this moment
            time.sleep(POLL_S)
            continue
        except OSError:
            return None
        try:
            if try_lock(file.fileno()):
                if _is_at(file, path):
                    return file
                file.close()  # the holder before us removed it between our two steps
                continue
        except OSError:
            file.close()
            return None
        file.close()
        waiting()
        time.sleep(POLL_S)


def _release(file: IO[bytes], path: Path) -> None:
    if os.name == "nt":  # an open file cannot be removed there
        file.close()
    with contextlib.suppress(OSError):
        path.unlink()
    file.close()


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _nothing() -> None:
    pass


if sys.platform == "win32":
    import msvcrt

    def lock(descriptor: int) -> None:
        """Wait for the lock on the file's first byte."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)

    def try_lock(descriptor: int) -> bool:
        """Take the lock on the file's first byte; False where another process has it."""
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def lock(descriptor: int) -> None:
        """Wait for the lock on the file.

        Raises:
            OSError: The file system has no locks.
        """
        fcntl.flock(descriptor, fcntl.LOCK_EX)

    def try_lock(descriptor: int) -> bool:
        """Take the lock on the file; False where somebody else has it.

        Raises:
            OSError: The file system has no locks.
        """
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
