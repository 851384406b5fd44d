"""Threads for short work beside the window. They belong to the program and not to a widget.

A pool that is deleted waits for its threads. When that happens while Python's lock is held (a widget is deleted within its own
Python event handler), a thread that needs the lock never ends, and the window hangs. So no pool is ever deleted:
at the end of the program it is emptied, while Python still runs.
"""

from __future__ import annotations

import atexit
from functools import cache

from PySide6.QtCore import QThreadPool


@cache
def shared_pool(purpose: str, thread_count: int) -> QThreadPool:
    """Return the pool for a purpose, made on first use."""
    pool = QThreadPool()
    pool.setObjectName(purpose)
    pool.setMaxThreadCount(thread_count)
    atexit.register(_finish, pool)
    return pool


def _finish(pool: QThreadPool) -> None:
    pool.clear()
    pool.waitForDone()
