"""What an iterator gives is made in a thread while the one who iterates works on what came before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

T = TypeVar("T")
_END = object()


def iterated_ahead(items: Iterator[T], ahead: int) -> Iterator[T]:
    """Yield the items of an iterator, which runs in a thread up to ``ahead`` items before them.

    What it raises comes out here. A generator is closed when this one ends, in its own thread.
    """
    waiting: queue.Queue[Any] = queue.Queue(ahead)
    stopped = threading.Event()
    thread = threading.Thread(
        target=_fill, args=(items, waiting, stopped), name="ahead", daemon=True
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
        try:
            for item in items:
                if not _put(waiting, item, stopped):
                    return
        finally:
            if isinstance(items, Generator):
                items.close()
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
