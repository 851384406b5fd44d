"""The engine's logger: library code logs here, only the command line decides where it shows.

Where nobody has decided, warnings go to stderr, as Python does for every logger without a handler: what is left
out of a data set or of the settings must not pass unseen.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
from pathlib import Path

from engine.runtime.live_line import LiveLine

LOGGER = logging.getLogger("engine")


class _StandardError(logging.StreamHandler):
    """Writes to whatever ``sys.stderr`` is at that moment, so that a redirected stderr is obeyed."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        LiveLine.clear_open()
        self.stream = sys.stderr
        super().emit(record)


def show_log(level: int = logging.INFO) -> None:
    """Send the engine's log to stderr as plain sentences; calling it again changes the level only."""
    shown = [handler for handler in LOGGER.handlers if isinstance(handler, _StandardError)]
    handler = shown[0] if shown else _StandardError()
    handler.setFormatter(logging.Formatter("%(message)s"))
    handler.setLevel(level)
    # A record must pass the logger before it reaches the file, which keeps more than the screen.
    LOGGER.setLevel(min(level, logging.INFO))
    if not shown:
        LOGGER.addHandler(handler)


def show_log_by_default() -> None:
    """Show the log, unless the program around it has set up logging and so has said where logs go."""
    if not LOGGER.handlers and not logging.getLogger().handlers:
        show_log()


def is_shown() -> bool:
    """Whether :func:`show_log` sends the log to stderr, so that progress may be drawn there too."""
    shown = [handler for handler in LOGGER.handlers if isinstance(handler, _StandardError)]
    return any(handler.level <= logging.INFO for handler in shown)


def log_to_file(path: Path) -> logging.Handler:
    """Keep the engine's log in ``path`` as well, with times; the file is turned over at 1 MiB.

    Raises:
        OSError: The folder or file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.handlers.RotatingFileHandler(
        path, maxBytes=1 << 20, backupCount=2, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.addHandler(handler)
    return handler
