"""Learning rate, momentum and accumulation as functions of where the run stands.

Nothing here keeps state, so a resumed run continues on the same curve without restoring anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch.optim import Optimizer

from engine.training.optimizer import set_momentum

# In a parameter group, and so in checkpoints: its rate as the share of the plan's, and the rate that was set last
_HEIGHT, _PLANNED = "rate_height", "planned_lr"


def keep_rates(optimizer: Optimizer, lr: float) -> None:
    """Let each parameter group keep the rate that it was made with, as a share of the plan's.

    Args:
        optimizer: As it was built, by a person's own trainer maybe.
        lr: Base learning rate of the plan, 0 or more.
    """
    for group in optimizer.param_groups:
        group[_HEIGHT], group[_PLANNED] = group["lr"] / lr if lr else 1.0, group["lr"]


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

        Groups that `keep_rates` has seen keep their height above or below the curve; a rate that somebody changed
        since the last batch counts from there on, and follows the curve at its height; the warm-up goes on.

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
            rate = scale * (start * (1.0 - warm) + target * warm)
            if _PLANNED in group:
                if group["lr"] != group[_PLANNED] and scale * target:
                    group[_HEIGHT] = group["lr"] / (scale * target)
                rate *= group[_HEIGHT]
                group[_PLANNED] = rate
            group["lr"] = rate
            if batch <= self.warmup and self.warmup:
                momentum = self.warmup_momentum + (self.momentum - self.warmup_momentum) * warm
                set_momentum(group, momentum)
