"""The engine's logger: library code logs here, only the command line decides where it shows."""

from __future__ import annotations

import logging
import sys

LOGGER = logging.getLogger("engine")
LOGGER.addHandler(logging.NullHandler())


def show_log(level: int = logging.INFO) -> None:
    """Send the engine's log to stderr as plain sentences; calling it again changes the level only."""
    LOGGER.setLevel(level)
    if not any(isinstance(h, logging.StreamHandler) for h in LOGGER.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        LOGGER.addHandler(handler)
