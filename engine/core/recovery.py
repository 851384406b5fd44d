"""What a training does when its loss stops being a number.

The step of such a batch is dropped. After several in a row, or where the weights themselves are broken, the
run goes back to its last good state, with half the learning rate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from engine.training.events import losses
from engine.training.failures import DivergedError
from engine.training.loss_meter import Batch

if TYPE_CHECKING:
    from engine.core.trainer import BaseTrainer

# Looking at the loss waits for the GPU, so it is done once in so many batches; a CPU has no queue.
LOOK_EVERY = 50
# One bad batch can be an accident of its images; so many in a row are the weights' doing.
MAX_DROPPED = 3
# A run that goes on badly returns to its last good state with half the rate this many times.
MAX_RECOVERIES = 3
# One broken label file spoils a batch in every epoch: after so many warnings the count says enough.
MAX_WARNINGS = 20


class Diverged(Exception):
    """The loss stopped being a number; the epoch is to be done again from the last good state."""


class Recovery:
    """Watches one trainer's loss.

    Attributes:
        dropped: Steps that were dropped so far.
    """

    def __init__(self, trainer: BaseTrainer) -> None:
        self.trainer = trainer
        self.dropped = 0
        self._row = 0
        self._sound = 0
        self._warnings = 0
        self._statistics: _Statistics | None = None

    def start_epoch(self) -> None:
        """Begin to watch an epoch, whose weights are good."""
        t = self.trainer
        self._row = self._sound = 0
        self._statistics = _Statistics(t.model, t.ema.ema)

    def look(self, number: int, last: bool) -> None:
        """Look at the losses since the last look, where it is time to.

        Args:
            number: Number of the batch since the start of the run.
            last: It was the last of its epoch.

        Raises:
            Diverged: Dropping single steps does not help.
        """
        t = self.trainer
        if not (last or t.device.type == "cpu" or not number % LOOK_EVERY):
            return
        bad = []
        for batch in t.meter.take():
            self._row = 0 if batch.is_sound else self._row + 1
            self._sound += batch.is_sound
            bad += [] if batch.is_sound else [batch]
            if self._row >= MAX_DROPPED:
                raise Diverged
        if bad:
            self._drop(self._of_all(bad))
        elif self._statistics is not None:
            self._statistics.keep()
        if last and not self._sound:
            raise Diverged

    def _of_all(self, bad: list[Batch]) -> list[Batch]:
        """Give the batches with the images of all processes: the loss is broken by one of them."""
        found = self.trainer.team.gather([batch.files for batch in bad])
        together = [sum(map(tuple, files), ()) for files in zip(*found, strict=True)]
        return [batch._replace(files=files) for batch, files in zip(bad, together, strict=True)]

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

    def _drop(self, bad: list[Batch]) -> None:
        """Tell of dropped steps and undo what their images did to the running statistics.

        Raises:
            Diverged: The weights are broken already.
        """
        t = self.trainer
        if not all(bool(torch.isfinite(p).all()) for p in t.model.parameters()):
            raise Diverged
        if self._statistics is not None:
            self._statistics.repair()
        self.dropped += len(bad)
        self._warnings += 1
        if self._warnings > MAX_WARNINGS:
            return
        numbers = ", ".join(str(batch.number + 1) for batch in bad)
        dropped = (
            f"batches {numbers}; their steps are dropped"
            if len(bad) > 1
            else f"batch {numbers}; its step is dropped"
        )
        t.warn(
            f"the loss is not a number in epoch {t.epoch + 1}, {dropped}. "
            "Look at the named images and their labels if this comes again.",
            files=[file for batch in bad for file in batch.files],
        )


class _Statistics:
    """A copy of networks' running means and variances from when they were good.

    They are the one thing that a forward pass changes, and that a dropped step therefore does not protect.
    """

    def __init__(self, *networks: nn.Module) -> None:
        self._live = [buffer for network in networks for buffer in _running(network)]
        self._kept = [buffer.clone() for buffer in self._live]

    @torch.no_grad()
    def keep(self) -> None:
        """Take the present ones for good."""
        if self._live:
            torch._foreach_copy_(self._kept, self._live)

    @torch.no_grad()
    def repair(self) -> None:
        """Put the kept ones where the present ones are no numbers."""
        for live, kept in zip(self._live, self._kept, strict=True):
            live.copy_(torch.where(torch.isfinite(live), live, kept))


def _running(network: nn.Module) -> Iterator[torch.Tensor]:
    """Give the running statistics of a network's normalisations."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._NormBase):  # noqa: SLF001 (the only common base)
            if module.running_mean is not None:
                yield module.running_mean
            if module.running_var is not None:
                yield module.running_var
