"""When a widget has been painted with what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QApplication, QWidget


class FrameWatch(QObject):
    """Waits for a frame of a widget, between its construction and the end of a ``with``.

    Args:
        widget: What is painted.
        is_wanted: Tells, as the widget is about to be painted, whether it shows what was waited for.
    """

    def __init__(self, widget: QWidget, is_wanted: Callable[[], bool]) -> None:
        super().__init__()
        self._widget, self._is_wanted = widget, is_wanted
        self._is_painted = False

    def __enter__(self) -> FrameWatch:
        self._widget.installEventFilter(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._widget.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note the painting that was waited for."""
        if event.type() == QEvent.Type.Paint and self._is_wanted():
            self._is_painted = True
        return False

    def wait(self, limit_s: float) -> float:
        """Sleep between events, as the window does, until the frame is done; return ``time.perf_counter()`` then.

        Raises:
            TimeoutError: It was not in time.
        """
        end = time.perf_counter() + limit_s
        alarm = QTimer()  # else nothing might wake the window
        alarm.start(int(limit_s * 1000))
        while not self._is_painted:
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if time.perf_counter() > end:
                raise TimeoutError(f"nothing was painted in {limit_s:g} s")
        return time.perf_counter()
