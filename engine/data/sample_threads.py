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


def make_samples(
    make: Callable[[Key], Any], keys: Sequence[Key], decodes: bool = True
) -> list[Any]:
    """Return ``make(key)`` for each key, in order.

    Args:
        make: Makes a sample.
        keys: What to make samples of.
        decodes: Pictures are decoded for it. That releases the interpreter's lock, so threads share the cores.
            What is left where they are in memory is many small steps, for which threads wait for one another
            longer than they work. In a loader's worker process there is one core a worker, and one thread.
    """
    alone = not decodes or get_worker_info() is not None
    threads = 1 if alone else min(_cores(), _MOST, len(keys))
    if threads < 2:
        return [make(key) for key in keys]
    with ThreadPoolExecutor(threads, thread_name_prefix="samples") as pool:
        return list(pool.map(make, keys))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
