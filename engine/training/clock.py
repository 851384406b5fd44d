"""How long a run has been at work, how fast it is, and how long it will take."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


class RunClock:
    """Counts a run's working time: pauses are left out, earlier parts of a resumed run included.

    Attributes:
        before: Seconds that earlier parts of the run took.
        images_per_second: Pace of the present epoch's training, None before its first batch.
    """

    def __init__(self) -> None:
        self.before = 0.0
        self.images_per_second: float | None = None
        self._start = self._epoch_start = time.monotonic()
        self._images = 0

    def start(self) -> None:
        """Begin to count."""
        self._start = time.monotonic()

    def start_epoch(self) -> None:
        """Begin to measure the pace of an epoch."""
        self._epoch_start, self._images = time.monotonic(), 0

    def add_images(self, count: int) -> None:
        """Count the images of a finished batch."""
        self._images += count
        spent = max(time.monotonic() - self._epoch_start, 1e-6)
        self.images_per_second = round(self._images / spent, 3)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time spent inside."""
        began = time.monotonic()
        try:
            yield
        finally:
            spent = time.monotonic() - began
            self._start += spent
            self._epoch_start += spent

    def seconds(self) -> float:
        """Give the working time so far."""
        return round(self.before + time.monotonic() - self._start, 3)

    def eta_s(self, done: int, total: int) -> float:
        """Give the seconds that ``total - done`` more epochs take at the pace of those done."""
        return round(self.seconds() / max(done, 1) * max(total - done, 0), 1)
