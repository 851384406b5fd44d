"""How far a file has come: what is reported while it is fetched, and the line that shows it in a terminal."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

from engine.runtime.log import LOGGER, is_shown

_WINDOW_S = 5.0  # the speed is that of the last seconds, not since a pause or an earlier process
_REPORT_EVERY_S = 0.1
_SILENT_S = 1.0


@dataclass(frozen=True)
class Progress:
    """How far a file has come.

    Attributes:
        name: The file's name.
        url: Where it comes from, without passwords.
        done: Bytes that are here.
        total: Bytes of the whole file; None where the server does not say.
        bytes_per_s: Speed of the last seconds; 0 where it is not known yet.
        note: Why nothing arrives at the moment; empty where something does.
    """

    name: str
    url: str
    done: int
    total: int | None
    bytes_per_s: float = 0.0
    note: str = ""

    @property
    def fraction(self) -> float | None:
        """How much of it is here, 0..1; None where the server does not say."""
        return min(self.done / self.total, 1.0) if self.total else None

    @property
    def seconds_left(self) -> float | None:
        """How long it still takes at this speed; None where that is not known."""
        if self.total is None or self.total <= self.done or self.bytes_per_s <= 0:
            return None
        return (self.total - self.done) / self.bytes_per_s

    def text(self) -> str:
        """One line for a person: size, speed and time left, or why it waits."""
        parts = []
        if self.total is not None:
            parts.append(f"{format_bytes(self.done)} of {format_bytes(self.total)}")
        elif self.done or not self.note:
            parts.append(format_bytes(self.done))
        if self.note:
            parts.append(self.note)
        elif self.bytes_per_s > 0:
            parts.append(f"{format_bytes(self.bytes_per_s)}/s")
            if self.seconds_left is not None:
                parts.append(f"{format_seconds(self.seconds_left)} left")
        return f"{self.name}: {', '.join(parts)}"


Report = Callable[[Progress], None]
_REPORT: ContextVar[Report | None] = ContextVar("fetch_report", default=None)


@contextlib.contextmanager
def reporting(report: Report) -> Iterator[None]:
    """Send the progress of every file fetched inside the block to ``report``, instead of the terminal.

    ``report`` is called about ten times a second, while waiting too. What it raises stops the fetching
    and comes out of the call that needed the file; what has arrived is kept, and a later call goes on.
    """
    token = _REPORT.set(report)
    try:
        yield
    finally:
        _REPORT.reset(token)


def current_report() -> Report:
    """Return where progress goes at the moment: the surrounding block's :func:`reporting`, or the terminal."""
    return _REPORT.get() or TerminalLine()


class Meter:
    """Measures the speed and passes reports on at a calm rate.

    Args:
        name: The file's name.
        url: Where it comes from, for display.
        report: Who wants to know; None for the block's :func:`reporting` or the terminal.
    """

    def __init__(self, name: str, url: str, report: Report | None = None) -> None:
        self.name = name
        self.url = url
        self.total: int | None = None
        self.done = 0
        self._report = report or current_report()
        self._samples: deque[tuple[float, int]] = deque()
        self._reported = float("-inf")
        self._heard = time.monotonic()

    def arrived(self, done: int) -> None:
        """Say that ``done`` bytes are here now."""
        now = self._heard = time.monotonic()
        self.done = done
        if self._samples and done < self._samples[-1][1]:
            self._samples.clear()  # started again
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()
        if now - self._reported >= _REPORT_EVERY_S:
            self._send(now, "")

    def idle(self) -> None:
        """Say that nothing has arrived since the last time."""
        now = time.monotonic()
        if now - self._heard > _SILENT_S:
            self._send(now, "waiting for an answer")
        else:
            self._send(now, "" if self._samples else "connecting")

    def waits(self, note: str) -> None:
        """Say why nothing arrives."""
        self._samples.clear()
        self._send(time.monotonic(), note)

    def finish(self, size: int) -> None:
        """Send a last report: all ``size`` bytes are here."""
        self.done = self.total = size
        self._send(time.monotonic(), "")
        if isinstance(self._report, TerminalLine):
            self._report.end()

    def close(self) -> None:
        """Make room in the terminal for other lines, where the reports go there."""
        if isinstance(self._report, TerminalLine):
            self._report.clear()

    def _send(self, now: float, note: str) -> None:
        self._reported = now
        speed = 0.0 if note else self._speed()
        self._report(Progress(self.name, self.url, self.done, self.total, speed, note))

    def _speed(self) -> float:
        if len(self._samples) < 2:
            return 0.0
        (start, before), (end, after) = self._samples[0], self._samples[-1]
        return (after - before) / (end - start) if end > start else 0.0


class TerminalLine:
    """A line in the terminal that is written over; silent where nobody looks at one."""

    def __init__(self) -> None:
        self._is_open = False

    def __call__(self, progress: Progress) -> None:
        """Show how far it is."""
        if not (is_shown() and sys.stderr.isatty()):
            return
        share = progress.fraction
        percent = "" if share is None else f"{share:4.0%}  "
        self._write(percent + progress.text())
        self._is_open = True

    def end(self) -> None:
        """Leave the line as it is and begin a new one."""
        if self._is_open:
            sys.stderr.write("\n")
            sys.stderr.flush()
            self._is_open = False

    def clear(self) -> None:
        """Take the line away."""
        if self._is_open:
            self._write("")
            sys.stderr.write("\r")
            sys.stderr.flush()
            self._is_open = False

    @staticmethod
    def _write(text: str) -> None:
        width = shutil.get_terminal_size().columns - 1  # a full line would begin the next one
        sys.stderr.write(f"\r{text[:width]:<{width}}")
        sys.stderr.flush()


def log_start(name: str, url: str, size: int | None, already: int) -> None:
    """Log where a file comes from and how large it is."""
    about = "" if size is None else f" ({format_bytes(size)})"
    begun = f", going on from {format_bytes(already)}" if already else ""
    LOGGER.info("Fetching %s%s from %s%s", name, about, url, begun)


def format_bytes(count: float) -> str:
    """Return a size for people, in powers of 1000: ``"5.9 MB"``."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.95 or unit == "GB":
            break
    return f"{count:.1f} {unit}"


def format_seconds(seconds: float) -> str:
    """Return a duration for people: ``"8 s"``, ``"3 min"``, ``"2 h 5 min"``."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
