"""Reading ahead: the files that come next are decoded while the network works on what is there."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
# Threads that decode files: the network needs the cores more.
MOST_THREADS = 4


def mapped_ahead(make: Callable[[T], R], keys: Iterable[T], ahead: int) -> Iterator[Future[R]]:
    """Yield the outcomes of ``make(key)`` in order, ``ahead`` of them under way in threads.

    Args:
        make: Runs in threads, several at a time; what it raises comes out of the future.
        keys: Read only as far as needed.
        ahead: How many more than the one that is asked for.
    """
    threads = min(os.cpu_count() or 1, MOST_THREADS, ahead)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read-ahead")
    waiting: deque[Future[R]] = deque()
    try:
        for key in keys:
            waiting.append(pool.submit(make, key))
            if len(waiting) > ahead:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
