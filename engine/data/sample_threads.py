"""The samples of a batch made in several threads of the process that loads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from torch.utils.data import get_worker_info

Key = TypeVar("Key")
# More wait for the interpreter's lock.
_MOST = 4


def make_samples(make: Callable[[Key], Any], keys: Sequence[Key]) -> list[Any]:
    """Return ``make(key)`` for each key, in order.

    Decoding, resizing and colours release the interpreter's lock, so threads share the cores. In a loader's
    worker process there is one core a worker, and one thread is used.
    """
    threads = min(_cores(), _MOST, len(keys)) if get_worker_info() is None else 1
    if threads < 2:
        return [make(key) for key in keys]
    with ThreadPoolExecutor(threads, thread_name_prefix="samples") as pool:
        return list(pool.map(make, keys))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
