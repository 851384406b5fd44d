"""What a finished epoch leaves behind for people: a row of results.csv and a line in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.runtime.log import LOGGER
from engine.training.events import losses

if TYPE_CHECKING:
    from engine.core.trainer import BaseTrainer

_FIRST = ("epoch", "time")
# Scores that a line of the log shows, by what their names hold
_HEADLINES = ("mAP", "accuracy", "mIoU", "pixel_acc")


def write_row(trainer: BaseTrainer) -> None:
    """Append the epoch to results.csv; columns that were not measured stay empty."""
    columns = {
        **trainer.label_loss_items(trainer.tloss, "train"),
        **dict.fromkeys(trainer.validator.metrics.keys),
        **trainer.label_loss_items(None, "val"),
    }
    measured = trainer.metrics if trainer.fitness is not None else {}
    columns.update({k: v for k, v in measured.items() if k in columns})
    # What a validator of a person's own measures besides comes last: the field's columns keep their places.
    known = trainer.files.csv.names()
    usual = {*columns, *trainer.lr, *trainer.validator.metrics.results_dict, *_FIRST}
    own = [k for k in (known or measured) if k not in usual]
    row = columns | trainer.lr | {k: measured.get(k) for k in own}
    trainer.files.csv.append(trainer.epoch + 1, trainer.clock.seconds(), row)


def log_epoch(trainer: BaseTrainer) -> None:
    """Log the epoch's losses, scores and pace."""
    parts = " ".join(f"{k}={v:.3f}" for k, v in losses(trainer, trainer.tloss).items())
    scores = " ".join(
        f"{k.removeprefix('metrics/')}={v:.3f}"
        for k, v in trainer.metrics.items()
        if any(word in k for word in _HEADLINES)
    )
    pace = trainer.clock.images_per_second or 0.0
    text = "epoch %d/%d  %s  %s  %.1f images/s"
    LOGGER.info(text, trainer.epoch + 1, trainer.epochs, parts, scores, pace)
