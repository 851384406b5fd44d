"""Python's garbage is collected in the window's thread alone.

Python collects in whatever thread happens to allocate. What a closed page or dialog leaves behind are widgets in cycles,
and widgets that are destroyed in another thread than the window's crash or hang the program. So while a window is open
nothing is collected by itself; a timer does it, as often as Python would.
"""

from __future__ import annotations

import gc
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
        self._old = self._grown_old = 0  # objects: after the last full collection, and since
        self._timer = QTimer(self)
        self._timer.setInterval(every_ms)
        self._timer.timeout.connect(self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect if it is time for it."""
        generation = due_generation(gc.get_count(), gc.get_threshold())
        if generation is None:
            return
        if generation == _OLD and self._grown_old <= _GROWN * self._old:
            generation = _OLD - 1
        if generation == _OLD - 1:
            gc.collect(0)  # so that all young ones are in one generation, to be counted
            self._grown_old += len(gc.get_objects(generation=1))
        gc.collect(generation)
        if generation == _OLD:
            self._old, self._grown_old = len(gc.get_objects(generation=_OLD)), 0

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
