"""One writer per project: a lock that the operating system releases when its process ends, however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from engine.runtime.log import LOGGER
from studio.language import tr

LOCK_NAME = "project.lock"
_LOCKED_BYTE = 1 << 30  # far behind the text, which others must be able to read while it is locked


class HeldElsewhereError(Exception):
    """The project is open for writing in another window or program."""


class ProjectLock:
    """The right to write to the project in ``folder``, held from :meth:`acquire` to :meth:`release`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        Raises:
            HeldElsewhereError: Another process, or another window of this one, has it; the text
                says which.
            OSError: The folder cannot be written.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            held = not _try_lock(descriptor)
        except OSError as error:  # some network folders cannot lock at all
            LOGGER.warning(
                "%s: the folder cannot be locked (%s). Open the project in one window only.",
                self._path.parent,
                error,
            )
            held = False
        if held:
            owner = _read_owner(descriptor)
            os.close(descriptor)
            raise HeldElsewhereError(owner)
        self._descriptor = descriptor
        owner = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
        with contextlib.suppress(OSError):  # a full disk: the lock holds without the text
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, owner.encode())

    def release(self) -> None:
        """Give the lock back; the file stays, since removing it would race with the next owner."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int) -> bool:
    """Lock without waiting; False where another has it."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_owner(descriptor: int) -> str:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        owner = json.loads(os.read(descriptor, 1000))
        return tr("process {pid} on {host}").format(pid=int(owner["pid"]), host=owner["host"])
    except (OSError, ValueError, KeyError, TypeError):
        return tr("another process")
