"""A tracker that can do no harm: what it raises is said once, and the training goes on without it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

from engine.integrations.run_logger import RunLogger
from engine.runtime.log import LOGGER


class Guard:
    """Calls a logger's methods until one of them fails.

    Attributes:
        alive: Whether the logger still works.
    """

    def __init__(self, name: str, logger: RunLogger, warn: Callable[[str], None]) -> None:
        """Take the logger.

        Args:
            name: Its setting.
            logger: What is called.
            warn: Told why the logger gave up.
        """
        self.name, self.logger, self.alive = name, logger, True
        self._warn = warn

    def call(self, method: str, *args: Any) -> Any:
        """Call a method of the logger; give what it gives, or None where it failed now or before."""
        if not self.alive:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a package's own makers, not of this program
                return getattr(self.logger, method)(*args)
        except ImportError as error:
            self._give_up(
                f"{self.logger.title} is switched on but cannot be used ({error}). Install it "
                f"(pip install {self.logger.package}), or switch it off: yolo settings {self.name}=False"
            )
        except Exception as error:  # noqa: BLE001 (other people's code must not end a training)
            LOGGER.debug("%s failed", self.logger.title, exc_info=True)
            self._give_up(
                f"{self.logger.title} failed and gets nothing more of this training "
                f"({type(error).__name__}: {error})."
            )
            if method in ("epoch", "finish"):  # what was opened may hold processes and threads
                with contextlib.suppress(Exception):
                    self.logger.close(True)
        return None

    def _give_up(self, why: str) -> None:
        self.alive = False
        self._warn(why)
