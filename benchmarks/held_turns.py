"""How long the window's thread is held: the longest time between two turns of its event loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from studio.widgets.progress_row import ProgressRow

_BEAT_MS = 2
_LOOK_S = 0.05  # how often to look whether a progress row shows
_QUIET_TURNS = 5  # turns without work after which what was asked for counts as done


@dataclass(frozen=True)
class Held:
    """What a person would have felt.

    Attributes:
        longest_ms: The longest time without a turn of the event loop.
        whole_ms: From the command to the end of all work.
        has_progress: Whether a row with progress and Cancel was to be seen meanwhile.
    """

    longest_ms: float
    whole_ms: float
    has_progress: bool


class HeldTurns(QObject):
    """Runs a command inside the event loop and watches the loop until the work has ended.

    Args:
        is_busy: Tells whether work is under way.
    """

    def __init__(self, is_busy: Callable[[], bool]) -> None:
        super().__init__()
        self._is_busy = is_busy
        self._loop = QEventLoop()
        self._beat = QTimer(self)
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(_BEAT_MS)
        self._beat.timeout.connect(self._on_beat)

    def measure(self, command: Callable[[], object], limit_s: float = 300.0) -> Held:
        """Run a command and wait until nothing is under way.

        Raises:
            TimeoutError: It took longer than ``limit_s``.
        """
        QApplication.processEvents()
        self._longest, self._quiet, self._progress = 0.0, 0, False
        self._start = self._last = time.perf_counter()
        self._end = self._start + limit_s
        self._looked = 0.0
        QTimer.singleShot(0, command)
        self._beat.start()
        self._loop.exec()
        self._beat.stop()
        if time.perf_counter() > self._end:
            raise TimeoutError(f"waited {limit_s:g} s in vain")
        whole = time.perf_counter() - self._start
        return Held(self._longest * 1000, whole * 1000, self._progress)

    def _on_beat(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        if now - self._looked > _LOOK_S:
            self._looked = now
            self._progress = self._progress or any(
                map(_shows_progress, QApplication.topLevelWidgets())
            )
        self._quiet = 0 if self._is_busy() else self._quiet + 1
        if self._quiet >= _QUIET_TURNS or now > self._end:
            self._loop.quit()
        self._last = time.perf_counter()


def _shows_progress(window: QObject) -> bool:
    return any(row.isVisible() for row in window.findChildren(ProgressRow))
