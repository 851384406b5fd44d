"""Python's garbage is collected in the window's thread alone.

Python collects in whatever thread happens to allocate. What a closed page or dialog leaves behind are widgets in cycles,
and widgets that are destroyed in another thread than the window's crash or hang the program. So while a window is open
nothing is collected by itself; a timer does it, as often as Python would.

Objects are never listed here (``gc.get_objects``): a thread that is just making a tuple of an iterator loses it, with a
SystemError, where anybody else holds the unfinished tuple.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from PySide6.QtCore import QObject, QTimer

_EVERY_MS = 100  # what a busy thread makes meanwhile is looked through at once: 20 ms at most
_OLD = 2  # the generation of what has survived
_GROWN = 0.25  # that much more than after the last full collection is worth another, which holds the window


class GarbageCollector(QObject):
    """Collects garbage from time to time, in the thread where it lives, and keeps Python from doing so elsewhere.

    Args:
        parent: Qt parent.
        every_ms: Pause between two looks whether there is enough to collect.
    """

    def __init__(self, parent: QObject | None = None, every_ms: int = _EVERY_MS) -> None:
        super().__init__(parent)
        self._was_on = gc.isenabled()
        gc.disable()
        self._old = 0  # blocks of memory after the last full collection
        self._timer = QTimer(self)
        self._timer.setInterval(every_ms)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect if it is time for it."""
        generation = due_generation(gc.get_count(), gc.get_threshold())
        if generation is None:
            return
        if generation < _OLD:
            gc.collect(generation)
        elif self._has_grown():
            self._collect_all()
        else:
            gc.collect(_OLD - 1)

    def collect_all_soon(self) -> None:
        """Collect all there is when the events that wait have been handled: a closed project was destroyed.

        What it held is old and would wait for a full collection, and pictures count little in blocks of Python's memory:
        project after project would stay in it.
        """
        QTimer.singleShot(0, self, self._collect_all)

    def _collect_all(self) -> None:
        gc.collect(_OLD)
        self._old = sys.getallocatedblocks()

    def _has_grown(self) -> bool:
        """Tell whether a quarter more memory is in use than after the last full collection, as far as Python knows."""
        blocks = sys.getallocatedblocks()  # 0 from other allocators than Python's own
        return not blocks or blocks > (1 + _GROWN) * self._old

    def close(self) -> None:
        """Leave collecting to Python again."""
        self._timer.stop()
        if self._was_on:
            gc.enable()


def due_generation(counts: Sequence[int], thresholds: Sequence[int]) -> int | None:
    """Return the oldest generation that is due for a collection, None where none is.

    Args:
        counts: As `gc.get_count` gives them.
        thresholds: As `gc.get_threshold` gives them; a threshold of 0 means never.
    """
    if not thresholds[0] or counts[0] <= thresholds[0]:
        return None
    older = (n for n in (2, 1) if thresholds[n] and counts[n] > thresholds[n])
    return next(older, 0)
