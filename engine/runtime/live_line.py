"""The last line of a terminal, written over while work goes on: bars with counts, time left and figures.

Nothing is written where nobody looks: into files and pipes, in a program that does not show the engine's log,
and with ``quiet``. A sentence of the log takes the line away first; the next report draws it again.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, TextIO, TypeVar

_Item = TypeVar("_Item")
_DRAW_EVERY_S = 0.1
_SETTLED_S = 1.0  # before that the time left would be a guess
_BAR_WIDTH = 20
_BLOCKS = ("█", "░")
_PLAIN_BLOCKS = ("#", "-")


class LiveLine:
    """A line that the next text replaces.

    Args:
        stream: Where to write; None for whatever stderr is at the time.
    """

    _open: ClassVar[LiveLine | None] = None

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._length = 0

    def show(self, text: str) -> None:
        """Write ``text`` over the line, cut to the terminal's width."""
        if LiveLine._open not in (None, self):
            LiveLine.clear_open()
        width = shutil.get_terminal_size().columns - 1  # a full line would begin the next one
        text = text[:width]
        self._write(f"\r{text:<{min(self._length, width)}}")
        self._length = len(text)
        LiveLine._open = self

    def clear(self) -> None:
        """Take the line away."""
        if LiveLine._open is self:
            self._write("\r" + " " * self._length + "\r")
            self._length = 0
            LiveLine._open = None

    @classmethod
    def clear_open(cls) -> None:
        """Take away whichever line is there, to make room for other text."""
        if cls._open is not None:
            cls._open.clear()

    def _write(self, text: str) -> None:
        stream = self._stream or sys.stderr
        stream.write(text)
        stream.flush()


class Counter:
    """Draws how many of so many are done, at a calm rate.

    Args:
        label: What is done, in front of the bar.
        total: How many there are; 0 where nobody knows.
        figures: Called for each drawing: what stands behind the bar.
    """

    def __init__(
        self, label: str, total: int = 0, figures: Callable[[], str] | None = None
    ) -> None:
        self.label = label
        self.total = total
        self._figures = figures
        self._line = LiveLine()
        self._began = time.monotonic()
        self._drawn = self._began  # work of a moment shows nothing

    def __call__(self, done: int, total: int | None = None) -> None:
        """Say that ``done`` are finished; the last one takes the line away."""
        self.total = self.total if total is None else total
        now = time.monotonic()
        if done >= self.total > 0:
            self.close()
        elif now - self._drawn >= _DRAW_EVERY_S and is_watched():
            self._drawn = now
            self._line.show(self._text(done, now))

    def close(self) -> None:
        """Take the line away."""
        self._line.clear()

    def _text(self, done: int, now: float) -> str:
        figures = self._figures() if self._figures else ""
        return bar_text(self.label, done, self.total, now - self._began, figures)


def counted(
    items: Iterable[_Item], label: str, total: int, figures: Callable[[], str] | None = None
) -> Iterator[_Item]:
    """Hand ``items`` on, with a bar in the terminal while somebody takes them."""
    counter = Counter(label, total, figures)
    try:
        for done, item in enumerate(items):
            counter(done, total or None)
            yield item
    finally:
        counter.close()


def is_watched() -> bool:
    """Whether a person sees the line: stderr is a terminal, and the engine's log is shown there."""
    from engine.runtime.log import is_shown  # which clears the line before it writes

    return is_shown() and sys.stderr.isatty()


def bar_text(label: str, done: int, total: int, seconds: float, figures: str = "") -> str:
    """Return a line such as ``epoch 3/100 ███░░ 45/120 0:32 left  box_loss=1.2``.

    Args:
        label: What is done.
        done: How many are finished.
        total: How many there are; 0 where nobody knows.
        seconds: How long that took.
        figures: What stands behind.
    """
    parts = [label]
    if total:
        parts += [format_bar(done / total), f"{done}/{total}"]
    else:
        parts.append(str(done))
    if total and done and seconds >= _SETTLED_S:
        parts.append(f"{format_clock(seconds / done * (total - done))} left")
    return " ".join(parts) + (f"  {figures}" if figures else "")


def format_bar(share: float, width: int = _BAR_WIDTH) -> str:
    """Return a bar of which ``share``, 0 to 1, is filled, in signs that the terminal can write."""
    full, empty = _BLOCKS if _can_write(_BLOCKS[0] + _BLOCKS[1]) else _PLAIN_BLOCKS
    filled = round(min(max(share, 0.0), 1.0) * width)
    return full * filled + empty * (width - filled)


def format_clock(seconds: float) -> str:
    """Return a duration as ``0:07`` or ``2:05:00``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _can_write(text: str) -> bool:
    try:
        text.encode(getattr(sys.stderr, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
