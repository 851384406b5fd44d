"""Progress of a command for a person at a terminal; scripts see nothing of it."""

from __future__ import annotations

import sys
import time

_EVERY_SECONDS = 0.2


class TerminalProgress:
    """Keeps one line on stderr up to date: call it with (done, total); use it as a context to clear the line."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = 0.0
        self._visible = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is; to be passed wherever a progress function is taken."""
        now = time.monotonic()
        if self._visible and (now - self._shown >= _EVERY_SECONDS or done == total):
            self._shown = now
            sys.stderr.write(f"\r{self._what}: {done:,} of {total:,}\x1b[K")
            sys.stderr.flush()

    def __enter__(self) -> TerminalProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._visible and self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
