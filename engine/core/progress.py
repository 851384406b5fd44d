"""The bar that a training draws in the terminal: the epoch's batches, with losses and pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.runtime.live_line import Counter
from engine.training.events import losses


def training_bar() -> dict[str, Callable[[Any], None]]:
    """Give the callbacks that draw the bar of one training; nothing is drawn where nobody looks."""
    return TrainingBar().callbacks()


class TrainingBar:
    """Draws one bar an epoch; the log's line of the epoch follows it."""

    def __init__(self) -> None:
        self._counter: Counter | None = None

    def callbacks(self) -> dict[str, Callable[[Any], None]]:
        """Give the functions to hang on a trainer's events."""
        return {
            "on_train_epoch_start": self._begin,
            "on_train_batch_end": self._count,
            "on_train_epoch_end": self._end,
            "teardown": self._end,
        }

    def _begin(self, trainer: Any) -> None:
        self._end(trainer)
        self._counter = Counter(
            f"epoch {trainer.epoch + 1}/{trainer.epochs}",
            len(trainer.train_loader),
            lambda: batch_figures(trainer),
        )

    def _count(self, trainer: Any) -> None:
        if self._counter is not None:
            # With less memory the batches are halved: the loader is another one then.
            self._counter(trainer.batch_index + 1, len(trainer.train_loader))

    def _end(self, _trainer: Any) -> None:
        if self._counter is not None:
            self._counter.close()
            self._counter = None


def batch_figures(trainer: Any) -> str:
    """Return the last batch's losses and the pace; reading them waits for the device."""
    parts = [f"{name}={value:.3f}" for name, value in losses(trainer, trainer.loss_items).items()]
    if trainer.clock.images_per_second:
        parts.append(f"{trainer.clock.images_per_second:.1f} images/s")
    return " ".join(parts)
