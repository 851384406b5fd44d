"""What a training does when its loss stops being a number: back to the last good weights, more slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from engine.training.events import losses
from engine.training.failures import DivergedError

if TYPE_CHECKING:
    from engine.core.trainer import BaseTrainer

# Looking at the loss waits for the GPU, so it is done once in so many batches; a CPU has no queue.
LOOK_EVERY = 50
# A diverged run goes back to its last checkpoint with half the rate this many times.
MAX_RECOVERIES = 3


class Diverged(Exception):
    """The loss stopped being a number; the epoch is to be done again from the last checkpoint."""


class Recovery:
    """Watches one trainer's loss."""

    def __init__(self, trainer: BaseTrainer) -> None:
        self.trainer = trainer

    def look(self, number: int, last: bool) -> None:
        """Look at the loss after a batch where it is time to.

        Args:
            number: Number of the batch since the start of the run.
            last: It was the last of its epoch.

        Raises:
            Diverged: It is not a number.
        """
        t = self.trainer
        due = last or t.device.type == "cpu" or not number % LOOK_EVERY
        if due and not torch.isfinite(t.tloss).all():
            raise Diverged

    def go_back(self) -> int:
        """Return to the last good state with half the rate; give the epoch to do next.

        Raises:
            DivergedError: It has been tried often enough.
        """
        t = self.trainer
        t.recoveries += 1
        if t.recoveries > MAX_RECOVERIES:
            raise DivergedError(
                f"the loss is not a number in epoch {t.epoch + 1}, batch {t.batch_index + 1} "
                f"({losses(t, t.loss_items)}), after {MAX_RECOVERIES} returns to the last good "
                "weights.",
                remedy=f"Lower lr0 (now {t.plan.lr:g}), look for broken labels, or set amp=False.",
            )
        epoch, recoveries, scale = t.epoch, t.recoveries, t.lr_scale / 2
        t.state.go_back()
        t.recoveries, t.lr_scale = recoveries, scale
        t.warn(
            f"the loss is not a number in epoch {epoch + 1}; going on from epoch "
            f"{t.start_epoch + 1} with {scale:g} of the learning rate."
        )
        return t.start_epoch
