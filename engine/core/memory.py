"""What a training does when the device's memory does not hold a batch: smaller batches, more of them a step."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from engine.core.plan import make_schedule
from engine.training.failures import kind_of
from engine.training.ranks import RankError
from engine.training.team import FINE, LOST, MEMORY

if TYPE_CHECKING:
    from engine.core.trainer import BaseTrainer

_MORE = "Smaller images (imgsz=) or a smaller model leave room for larger batches."


class MemoryGuard:
    """Halves one trainer's batches where they do not fit."""

    def __init__(self, trainer: BaseTrainer) -> None:
        self.trainer = trainer
        self._val_batch = 0

    def sufficed(self, step: Callable[[], Any]) -> bool:
        """Do a training step; say whether all processes had the memory for it.

        Raises:
            Exception: The step failed, but not for want of memory, or no smaller batch is left to try.
        """
        t = self.trainer
        outcome, failure = FINE, None
        try:
            step()
        except (RuntimeError, MemoryError) as error:
            outcome = MEMORY if self._can_help(error) else LOST
            if t.team.size == 1 and outcome == LOST:
                raise
            # The traceback would keep the batch that did not fit in memory.
            failure = error if outcome == LOST else None
        if outcome != FINE:
            t.team.break_off()
        worst = t.team.worst(outcome)
        if worst == LOST:
            raise failure or RankError("another process of this training failed.")
        return worst == FINE

    def _can_help(self, error: BaseException) -> bool:
        """Say whether a training step failed for want of memory and a smaller batch is left to try."""
        return (
            self.trainer.batch_size > self.trainer.team.size and kind_of(error) == "out_of_memory"
        )

    def halve(self) -> int:
        """Go on in this epoch with half the batch; give the number of the batch to go on with.

        An optimizer step keeps its number of images: it gathers twice as many batches. The failed batch comes
        again in halves; the gradients that waited with it for a step are lost.
        """
        t = self.trainer
        before, seen = t.batch_size, t.batch_index * t.batch_size
        t.batch_size = t.team.fit(before // 2)
        t.forget_gradients()
        t.together.renew()
        self._free()
        factor = before / t.batch_size
        t.plan = dataclasses.replace(
            t.plan,
            accumulate=max(round(t.plan.accumulate * factor), 1),
            warmup=round(t.plan.warmup * factor),
        )
        t.schedule = make_schedule(t.args, t.plan)
        first = self._load_from(seen)
        t.warn(
            f"batch={before} does not fit into the memory of {t.device}; going on with "
            f"batch={t.batch_size} and {t.plan.accumulate} batches a step. {_MORE}"
        )
        return first

    def validated(self, validate: Callable[[], Any]) -> Any:
        """Give what ``validate`` returns, in smaller batches where memory is short."""
        t = self.trainer
        self._val_batch = self._val_batch or getattr(t.test_loader, "batch_size", None) or 1
        while True:
            try:
                return validate()
            except (RuntimeError, MemoryError) as error:
                if self._val_batch <= 1 or kind_of(error) != "out_of_memory":
                    raise
            self._halve_validation()

    def _halve_validation(self) -> None:
        t, before = self.trainer, self._val_batch
        self._val_batch = before // 2
        self._free()
        _close(t.test_loader)
        t.test_loader = t.get_dataloader(t.split_to_measure(), self._val_batch, rank=-1, mode="val")
        t.validator.dataloader = t.test_loader
        t.warn(
            f"validation of {before} images at once does not fit into the memory of {t.device}; "
            f"going on with {self._val_batch}."
        )

    def _load_from(self, seen: int) -> int:
        """Build the loader of the new batch size so that it leaves out the images that were seen."""
        t, old = self.trainer, self.trainer.train_loader
        _close(old)
        if hasattr(old, "in_batches_of") and not getattr(old.dataset, "rect", False):
            t.train_loader = old.in_batches_of(t.batch_size // t.team.size)
        else:
            t.train_loader = t.open_train_loader()
            t.keep_mosaic_closed()
        first = seen // t.batch_size
        if not hasattr(t.train_loader, "set_epoch"):
            return 0  # a loader of a person's own begins its epoch anew
        t.train_loader.set_epoch(t.epoch, skip=first * t.batch_size)
        return first

    def _free(self) -> None:
        """Give back what the failed batch has left behind."""
        gc.collect()
        if self.trainer.device.type == "cuda":
            torch.cuda.empty_cache()


def _close(loader: Any) -> None:
    if loader is not None and hasattr(loader, "close"):
        loader.close()
