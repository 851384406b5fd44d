"""control.json: what a person asks of a running training (run, pause, stop_after_epoch, stop)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Literal

import psutil

Command = Literal["run", "pause", "stop_after_epoch", "stop"]
COMMANDS: tuple[Command, ...] = ("run", "pause", "stop_after_epoch", "stop")

# Looked at this often at most: a stat call costs microseconds, a network drive's milliseconds.
INTERVAL_S = 0.2


class ControlFile:
    """Reads the run directory's control.json between batches.

    A command from before this process began belongs to an earlier run and is not obeyed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._born = psutil.Process(os.getpid()).create_time()
        self._looked = 0.0
        self._command: Command = "run"

    def command(self, now: bool = False) -> Command:
        """Give the present command; ``now`` looks even if the last look was just before."""
        clock = time.monotonic()
        if now or clock - self._looked >= INTERVAL_S:
            self._looked = clock
            self._command = self._read()
        return self._command

    def wait_while_paused(self) -> Command:
        """Return the next command that is not ``pause``."""
        while (command := self.command(now=True)) == "pause":
            time.sleep(INTERVAL_S)
        return command

    def consume(self) -> None:
        """Remove a command that was obeyed, or resuming this run would obey it again."""
        self._command = "run"
        self.path.unlink(missing_ok=True)

    def _read(self) -> Command:
        try:
            if self.path.stat().st_mtime < self._born:
                return "run"
            command = json.loads(self.path.read_text(encoding="utf-8")).get("command")
        except (FileNotFoundError, PermissionError):
            return "run"
        except (json.JSONDecodeError, AttributeError):
            # Caught in the middle of being written: what was last read still holds.
            return self._command
        return command if command in COMMANDS else self._command
