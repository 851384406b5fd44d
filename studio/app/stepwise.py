"""Long work of the window's own side (the database belongs to its thread), done in slices between events."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from engine.runtime.errors import EngineError

T = TypeVar("T")
_SLICE_S = 0.02  # well under the 50 ms that no slot may take


class Stepwise(QObject, Generic[T]):
    """Runs an iterator a slice at a time.

    Signals:
        stepped(object): What the iterator yielded last; at most once a slice.
        finished(object): The last thing yielded, None for an empty iterator or after :meth:`cancel`.
        failed(object): The :class:`EngineError` that ended it.
    """

    stepped = Signal(object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(self, steps: Iterator[T], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = steps
        self._last: T | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._advance)

    def start(self, on_step: Callable[[T], object] | None = None) -> None:
        """Begin; the first slice runs when control is back in the event loop."""
        if on_step is not None:
            self.stepped.connect(on_step)
        self._timer.start()

    def cancel(self) -> None:
        """Stop after the present step; what was done stays done."""
        self._end()
        self.finished.emit(None)

    def _advance(self) -> None:
        until = time.monotonic() + _SLICE_S
        try:
            while time.monotonic() < until:
                self._last = next(self._steps)
        except StopIteration:
            self._end()
            self.finished.emit(self._last)
            return
        except EngineError as error:
            self._end()
            self.failed.emit(error)
            return
        self.stepped.emit(self._last)

    def _end(self) -> None:
        self._timer.stop()
        close = getattr(self._steps, "close", None)
        if close is not None:
            close()
