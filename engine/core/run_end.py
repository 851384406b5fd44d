"""What decides when a training ends: a person's commands, the time budget, patience, a callback."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.runtime.log import LOGGER

if TYPE_CHECKING:
    from engine.core.trainer import BaseTrainer


class RunEnd:
    """Ends one trainer's run, by setting its ``stop`` and ``stop_reason``.

    Attributes:
        interrupted: The run was stopped in the middle of an epoch.
    """

    def __init__(self, trainer: BaseTrainer) -> None:
        self.trainer = trainer
        self.interrupted = False

    def must_leave(self) -> bool:
        """Obey control.json and the time budget between two batches; say whether the epoch ends here.

        The first process looks, all obey.
        """
        reason: str = self.trainer.team.decide(self._reason_to_leave)
        if reason:
            self.interrupted = reason == "stopped"
            self._stop(reason)
        return bool(reason)

    def _reason_to_leave(self) -> str:
        t = self.trainer
        command: str = t.control.command()
        if command == "pause":
            command = self._pause()
        if command == "stop":
            return "stopped"
        return "time" if t.args.time and t.clock.seconds() >= t.args.time * 3600 else ""

    def obey_after_epoch(self) -> None:
        """Obey what control.json asks for at the end of an epoch."""
        if self.trainer.control.command(now=True) in ("stop_after_epoch", "stop"):
            self._stop("stopped")

    def weigh(self, last_epoch: bool) -> bool:
        """Count an epoch's fitness and the time; say whether this epoch is the last."""
        t = self.trainer
        if t.stopper(t.epoch, t.fitness) and not last_epoch:
            self._stop("early_stopping")
            t.log(f"No improvement for {t.args.patience} epochs; stopping.")
        if t.args.time:
            self._plan_epochs()
        return last_epoch or t.stop

    def hear_callbacks(self) -> None:
        """Give a reason where a callback has set ``stop``."""
        t = self.trainer
        if t.stop and t.stop_reason == "finished" and t.epoch + 1 < t.epochs:
            t.stop_reason = "stopped"

    def agree(self) -> None:
        """Let all processes end, or go on, as the first one does after its epoch."""
        t = self.trainer
        t.stop, t.stop_reason, t.epochs, saved = t.team.decide(
            lambda: [t.stop, t.stop_reason, t.epochs, t.state.is_saved]
        )
        if not t.team.is_main:
            t.state.follow(saved)

    def _plan_epochs(self) -> None:
        """Let the number of epochs follow from the time budget and the pace so far."""
        t = self.trainer
        done = t.epoch + 1
        pace = t.clock.seconds() / done
        left = max(t.args.time * 3600 - t.clock.seconds(), 0.0)
        t.epochs = done + math.floor(left / pace)
        if t.epochs <= done and not t.stop:
            self._stop("time")

    def _pause(self) -> str:
        """Wait for another command; the time does not count."""
        t = self.trainer
        LOGGER.info("Paused.")
        t.events.write("log", message="Paused.", state="paused")
        with t.clock.paused():
            command: str = t.control.wait_while_paused()
        t.log("Going on.")
        return command

    def _stop(self, reason: str) -> None:
        self.trainer.stop, self.trainer.stop_reason = True, reason
        if reason == "stopped" and self.trainer.team.is_main:
            self.trainer.control.consume()
