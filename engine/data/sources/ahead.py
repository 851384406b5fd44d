"""Reading ahead: what comes next is decoded while the network works on what is there."""

from __future__ import annotations

import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")
# Threads that decode files: the network needs the cores more.
MOST_THREADS = 4
# Frames of a video that wait.
FRAMES_AHEAD = 4
_END = object()


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


def iterated_ahead(items: Iterator[T], ahead: int = FRAMES_AHEAD) -> Iterator[T]:
    """Yield the items of an iterator, which runs in a thread up to ``ahead`` items before them.

    The iterator is closed when this one ends, in its own thread.
    """
    waiting: queue.Queue[Any] = queue.Queue(ahead)
    stopped = threading.Event()
    thread = threading.Thread(
        target=_fill, args=(items, waiting, stopped), name="read-ahead", daemon=True
    )
    thread.start()
    try:
        while (item := waiting.get()) is not _END:
            if isinstance(item, _Raised):
                raise item.error
            yield item
    finally:
        stopped.set()
        thread.join()


class _Raised:
    """An exception on its way to the consumer."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _fill(items: Iterator[Any], waiting: queue.Queue[Any], stopped: threading.Event) -> None:
    last: Any = _END
    try:
        with closing(items) as rows:  # type: ignore[type-var]  # generators, which can be closed
            for item in rows:
                if not _put(waiting, item, stopped):
                    return
    except BaseException as error:  # noqa: BLE001 (handed to the thread that iterates)
        last = _Raised(error)
    _put(waiting, last, stopped)


def _put(waiting: queue.Queue[Any], item: Any, stopped: threading.Event) -> bool:
    """Put an item, giving up when the consumer has left."""
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=0.05)
        except queue.Full:
            continue
        return True
    return False
