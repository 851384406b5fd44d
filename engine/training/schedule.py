"""Learning rate, momentum and accumulation as functions of where the run stands.

Nothing here keeps state, so a resumed run continues on the same curve without restoring anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch.optim import Optimizer

from engine.training.optimizer import set_momentum


def linear_factor(progress: float, lrf: float) -> float:
    """Fall straight from 1 to ``lrf`` while ``progress`` goes from 0 to 1."""
    return 1.0 - (1.0 - lrf) * min(max(progress, 0.0), 1.0)


def cosine_factor(progress: float, lrf: float) -> float:
    """Fall along half a cosine from 1 to ``lrf`` while ``progress`` goes from 0 to 1."""
    angle = math.pi * min(max(progress, 0.0), 1.0)
    return lrf + (1.0 - lrf) * (1.0 + math.cos(angle)) / 2.0


@dataclass(frozen=True)
class Schedule:
    """The plan of one run.

    Attributes:
        lr: Base learning rate.
        lrf: Final rate as a fraction of ``lr``.
        cosine: Cosine instead of linear decay.
        momentum: Momentum after the warm-up.
        warmup: Length of the warm-up in batches; 0 for none.
        warmup_momentum: Momentum that the warm-up starts from.
        warmup_bias_lr: Rate of the bias group that the warm-up starts from.
        accumulate: Batches per optimizer step after the warm-up.
    """

    lr: float
    lrf: float
    cosine: bool
    momentum: float
    warmup: int
    warmup_momentum: float
    warmup_bias_lr: float
    accumulate: int

    def factor(self, progress: float) -> float:
        """Give the decay factor at ``progress`` in [0, 1] of the run."""
        return (cosine_factor if self.cosine else linear_factor)(progress, self.lrf)

    def warm(self, batch: int) -> float:
        """Give the finished share of the warm-up, in (0, 1], while batch number ``batch`` runs."""
        return 1.0 if batch >= self.warmup else (batch + 1) / self.warmup

    def accumulation(self, batch: int) -> int:
        """Give how many batches make one optimizer step around batch number ``batch``."""
        return max(1, round(1 + (self.accumulate - 1) * self.warm(batch)))

    def apply(self, optimizer: Optimizer, batch: int, progress: float, scale: float = 1.0) -> None:
        """Set rates and momentum for one batch.

        Args:
            optimizer: Groups named by ``param_group``.
            batch: Batches since the start of the run, from 0.
            progress: Share of the run that is over, in [0, 1].
            scale: Further factor on every rate (after a recovery from a diverged loss).
        """
        target = self.lr * self.factor(progress)
        warm = self.warm(batch)
        for group in optimizer.param_groups:
            start = self.warmup_bias_lr if group.get("param_group") == "bias" else 0.0
            group["lr"] = scale * (start * (1.0 - warm) + target * warm)
            if batch <= self.warmup and self.warmup:
                momentum = self.warmup_momentum + (self.momentum - self.warmup_momentum) * warm
                set_momentum(group, momentum)
