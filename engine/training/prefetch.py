"""Batches made ready in the background while the network works on the one before."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

_END = object()


def loader_workers(wanted: int, device: torch.device) -> int:
    """Give the number of loader processes.

    On the CPU none: the network keeps all cores busy, and processes that copy batches to it cost more
    than the thread of a `Prefetcher`. Beside a GPU as many as wanted, but no more than there are cores.
    """
    if device.type == "cpu":
        return 0
    return max(min(wanted, os.cpu_count() or 1), 0)


class Prefetcher:
    """Iterates an iterable of batches one batch ahead, in a thread.

    A thread is enough: decoding, warping and torch's kernels all release the interpreter's lock, and
    no batch has to be copied between processes.
    """

    def __init__(
        self, batches: Iterable[Any], prepare: Callable[[Any], Any] | None = None, depth: int = 1
    ) -> None:
        """Take the source.

        Args:
            batches: What to iterate, once per ``iter()``.
            prepare: Work to do on each batch in the thread (moving it to the device, say).
            depth: Batches that may wait.
        """
        self.batches = batches
        self.prepare = prepare
        self.depth = depth

    def __iter__(self) -> Iterator[Any]:
        waiting: queue.Queue[Any] = queue.Queue(self.depth)
        stopped = threading.Event()
        thread = threading.Thread(
            target=self._fill, args=(waiting, stopped), name="prefetch", daemon=True
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

    def _fill(self, waiting: queue.Queue[Any], stopped: threading.Event) -> None:
        try:
            for batch in self.batches:
                ready = self.prepare(batch) if self.prepare else batch
                if not _put(waiting, ready, stopped):
                    return
            _put(waiting, _END, stopped)
        except BaseException as error:  # noqa: BLE001 (handed to the thread that iterates)
            _put(waiting, _Raised(error), stopped)


class _Raised:
    """An exception on its way to the consumer."""

    def __init__(self, error: BaseException) -> None:
        self.error = error


def _put(waiting: queue.Queue[Any], item: Any, stopped: threading.Event) -> bool:
    """Put an item, giving up when the consumer has left."""
    while not stopped.is_set():
        try:
            waiting.put(item, timeout=0.05)
        except queue.Full:
            continue
        return True
    return False
