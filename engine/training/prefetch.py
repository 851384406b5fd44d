"""Batches made ready in the background while the network works on the one before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch

from engine.runtime.ahead import iterated_ahead


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
        return iterated_ahead(self._made(), self.depth)

    def _made(self) -> Iterator[Any]:
        for batch in self.batches:
            yield self.prepare(batch) if self.prepare else batch
