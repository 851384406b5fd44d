"""What a training's checkpoint holds, and how a run takes it back.

last.pt holds everything: a run that goes on from it computes what the uninterrupted one would have
computed. best.pt, and the last.pt of a finished run, hold the averaged weights and the story only.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from engine.nn.checkpoint import Checkpoint, save_checkpoint
from engine.nn.model_file import read_values
from engine.runtime.errors import CheckpointError
from engine.runtime.paths import lasting_path
from engine.training import random_state
from engine.training.auto import OptimizerPlan
from engine.training.events import plain
from engine.training.optimizer import load_optimizer_state

if TYPE_CHECKING:
    from engine.core.trainer import BaseTrainer


class TrainingState:
    """Writes and restores the state of one trainer."""

    def __init__(self, trainer: BaseTrainer) -> None:
        self.trainer = trainer
        self._good: Any = None

    def capture(self, epoch: int) -> dict[str, Any]:
        """Give everything that the epochs after the 0-based ``epoch`` depend on."""
        t = self.trainer
        return {
            "model": t.model.state_dict(),
            "ema": t.ema.ema.state_dict(),
            "updates": t.ema.updates,
            "optimizer": t.optimizer.state_dict(),
            "scaler": t.precision.scaler.state_dict(),
            "extra": {
                "epoch": epoch,
                "epochs": t.epochs,
                "batch": t.batch_size,
                "chosen": sorted(t.chosen),
                "rng": random_state.capture(),
                "stopper": t.stopper.state_dict(),
                "plan": dataclasses.asdict(t.plan),
                "pretrained": t.pretrained,
                "lr_scale": t.lr_scale,
                "recoveries": t.recoveries,
                "seconds": t.clock.seconds(),
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `capture` gave, from memory or as read from last.pt."""
        t, extra = self.trainer, state["extra"]
        t.model.load_state_dict(state["model"])
        t.ema.load(state["ema"], state["updates"])
        load_optimizer_state(t.optimizer, copy.deepcopy(state["optimizer"]))
        if state["scaler"] and t.precision.scaler.is_enabled():
            t.precision.scaler.load_state_dict(state["scaler"])
        random_state.restore(extra["rng"])
        t.stopper.load_state_dict(extra["stopper"])
        t.start_epoch = t.epoch = extra["epoch"] + 1
        t.lr_scale, t.recoveries = extra["lr_scale"], extra["recoveries"]

    def remember(self, epoch: int = -1) -> None:
        """Keep the state after an epoch, or before the first: where a run returns to that diverges next."""
        self._good = copy.deepcopy(self.capture(epoch))

    @property
    def is_saved(self) -> bool:
        """Whether the last good state is the one in last.pt."""
        return self._good is None

    def follow(self, saved: bool) -> None:
        """Keep the state after an epoch as the first process does, which alone writes files."""
        if saved:
            self._good = None
        else:
            self.remember(self.trainer.epoch)

    def go_back(self) -> None:
        """Return to the last state that was saved or remembered."""
        self.restore(read_values(self.trainer.last) if self._good is None else self._good)

    def save_last(self) -> None:
        """Write last.pt after an epoch."""
        self._write(self.trainer.epoch)
        self._good = None

    def save_if_missing(self) -> None:
        """Write last.pt in the middle of the first epoch; later ones leave the finished epoch's."""
        t = self.trainer
        if not t.last.exists() and t.optimizer is not None and t.ema is not None:
            self._write(t.start_epoch - 1)

    def save_weights(self, path: Path) -> None:
        """Write the averaged weights for use: float16, without what only a training needs."""
        t = self.trainer
        save_checkpoint(path, t.ema.ema, half=True, **self._story())

    def weights_of(self, path: Path) -> nn.Module:
        """Give a copy of the averaged network with the weights of one of this run's files.

        The file's own description is not used: a trainer's network may be of a person's own making.
        """
        values = read_values(path)
        model = copy.deepcopy(self.trainer.ema.ema)
        model.load_state_dict(values["model"] if values["ema"] is None else values["ema"])
        return model.float().eval()

    def _write(self, epoch: int) -> None:
        t, state = self.trainer, self.capture(epoch)
        save_checkpoint(
            t.last,
            t.model,
            ema=t.ema.ema,
            updates=state["updates"],
            optimizer=state["optimizer"],
            scaler=state["scaler"],
            epoch=epoch,
            best_fitness=t.best_fitness,
            extra=state["extra"],
            **self._story(),
        )

    def _story(self) -> dict[str, Any]:
        """Give what every file of the run tells about it."""
        t = self.trainer
        return {
            # best.pt is used from anywhere: without data= it validates on what it was trained with
            "train_args": plain({**vars(t.args), "data": lasting_path(t.args.data)}),
            "metrics": t.metrics,
            "results": t.files.csv.read(),
        }


def saved_plan(resumed: Checkpoint | None) -> OptimizerPlan | None:
    """Give the plan of a run that goes on."""
    return None if resumed is None else OptimizerPlan(**resumed.extra["plan"])


def check_resumable(found: Checkpoint, task: str) -> None:
    """Refuse a file that holds no state of a training of ours for this task.

    Raises:
        CheckpointError: Nothing to go on from.
    """
    if found.task != task:
        raise CheckpointError(
            f"holds the training of a {found.task} model, expected {task}.",
            path=found.path,
            remedy=f"Resume it as {found.task}.",
        )
    if found.optimizer is not None and "plan" in found.extra:
        return
    raise CheckpointError(
        "holds weights, but no state of a training to go on from.",
        path=found.path,
        remedy="Its training was finished, or another program wrote it: start a new one with "
        f"model={found.path} and without resume.",
    )
