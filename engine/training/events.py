"""events.jsonl: what a training tells the world, written by ordinary callbacks.

Whoever reads a run directory sees only this; nothing here is known to the training loop itself.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from engine import _version
from engine.runtime.log import LOGGER
from engine.training.failures import Failure

# Five lines a second at most for batches: enough for a live curve, small enough for a long run.
MIN_INTERVAL_S = 0.2
MIB = 1024 * 1024


class EventLog:
    """Appends one JSON object a line and flushes each, so that a reader sees it at once.

    A full disk must not kill a training for its diary's sake: writing then stops with one warning.
    """

    def __init__(self, path: Path, append: bool = False) -> None:
        self.path = path
        self._last: dict[str, float] = {}
        self._broken = False
        self._file = path.open("a" if append else "w", encoding="utf-8")

    def write(self, event: str, **values: Any) -> None:
        """Write one event now."""
        if self._broken or self._file.closed:
            return
        row = {"event": event, "time": round(time.time(), 3), **plain(values)}
        try:
            self._file.write(json.dumps(row, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            self._broken = True
            LOGGER.warning("%s: cannot be written any more (%s).", self.path, error)

    def due(self, event: str) -> bool:
        """Say whether enough time has passed since the last such event; remember that it has."""
        now = time.monotonic()
        if now - self._last.get(event, -math.inf) < MIN_INTERVAL_S:
            return False
        self._last[event] = now
        return True

    def close(self) -> None:
        """Close the file; later events are dropped."""
        if not self._file.closed:
            try:
                self._file.close()
            except OSError as error:
                LOGGER.warning("%s: the last events were lost (%s).", self.path, error)

    def error(self, failure: Failure) -> None:
        """Write why the run ended before its time."""
        self.write(
            "error",
            kind=failure.kind,
            message=failure.message,
            remedy=failure.remedy,
            details=failure.details,
        )


def event_callbacks(log: EventLog) -> dict[str, Callable[[Any], None]]:
    """Give the callbacks that write ``log``, one for each event of the training's story."""
    return {
        "on_pretrain_routine_start": lambda t: log.write(
            "on_pretrain_routine_start",
            task=t.args.task,
            model=t.args.model,
            data=t.args.data,
            epochs=t.epochs,
            device=_devices(t),
            save_dir=t.save_dir,
            pid=os.getpid(),
            version=_version.__version__,
        ),
        "on_train_start": lambda t: log.write(
            "on_train_start",
            epochs=t.epochs,
            start_epoch=t.start_epoch + 1,
            batches=len(t.train_loader),
            images=len(t.train_loader.dataset),
            val_images=len(t.test_loader.dataset) if t.test_loader is not None else 0,
            batch=t.batch_size,
            imgsz=t.args.imgsz,
            device=_devices(t),
        ),
        "on_train_batch_end": lambda t: _batch(log, t),
        "on_val_batch_end": lambda v: _validation_batch(log, v),
        "on_train_epoch_end": lambda t: log.write(
            "on_train_epoch_end", epoch=t.epoch + 1, losses=losses(t, t.tloss), lr=_bare(t.lr)
        ),
        "on_fit_epoch_end": lambda t: log.write("on_fit_epoch_end", **_fit(t)),
        "on_model_save": lambda t: log.write(
            "on_model_save", epoch=t.epoch + 1, path=t.last, best=t.is_best
        ),
        "on_train_end": lambda t: log.write(
            "on_train_end",
            reason=t.stop_reason,
            best=t.best if t.best.exists() else None,
            metrics=t.metrics,
            epochs=t.epoch + 1,
        ),
        "teardown": lambda _: log.write("teardown"),
    }


def plain(value: Any) -> Any:
    """Turn a value into what JSON holds: arrays to lists, not-a-number to null, the rest to text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return str(value)


def memory_mib(device_type: str) -> float:
    """Give the memory this process holds on its device: the GPU's, or its own resident set."""
    if device_type == "cuda":
        import torch

        return round(torch.cuda.memory_reserved() / MIB, 1)
    return round(psutil.Process().memory_info().rss / MIB, 1)


def _devices(trainer: Any) -> Any:
    """Give what a training computes on: of several processes the devices of all."""
    return trainer.device if trainer.team.size == 1 else trainer.args.device or trainer.device


def _batch(log: EventLog, trainer: Any) -> None:
    """Write a batch's losses; reading them waits for the device, hence only when due."""
    if not log.due("on_train_batch_end"):
        return
    log.write(
        "on_train_batch_end",
        epoch=trainer.epoch + 1,
        batch=trainer.batch_index + 1,
        batches=len(trainer.train_loader),
        losses=losses(trainer, trainer.loss_items),
        lr=round(trainer.optimizer.param_groups[0]["lr"], 9),
        images_per_second=trainer.clock.images_per_second,
        memory_mib=memory_mib(trainer.device.type),
    )


def _validation_batch(log: EventLog, validator: Any) -> None:
    if log.due("on_val_batch_end"):
        log.write(
            "on_val_batch_end", batch=validator.batch_i + 1, batches=len(validator.dataloader)
        )


def losses(trainer: Any, items: Any) -> dict[str, float]:
    """Give the parts of a loss by their bare names."""
    return _bare(trainer.label_loss_items(items, "train"))


def _fit(trainer: Any) -> dict[str, Any]:
    """Give everything that a finished epoch has to tell."""
    measured = trainer.metrics or {}
    done, total = trainer.epoch + 1, trainer.epochs
    return {
        "epoch": done,
        "final": trainer.final,
        "losses": losses(trainer, trainer.tloss),
        "val_losses": _bare({k: v for k, v in measured.items() if k.startswith("val/")}),
        "metrics": {k: v for k, v in measured.items() if not k.startswith("val/")},
        "lr": _bare(trainer.lr),
        "images_per_second": trainer.clock.images_per_second,
        "memory_mib": memory_mib(trainer.device.type),
        "fitness": trainer.fitness,
        "best_fitness": trainer.best_fitness,
        "best_epoch": trainer.stopper.best_epoch + 1,
        "seconds": trainer.clock.seconds(),
        "eta_s": 0.0 if trainer.stop else trainer.clock.eta_s(done, total),
    }


def _bare(values: Mapping[str, float | None]) -> dict[str, float]:
    """Drop empty values, and from the names what stands before the slash."""
    return {k.rpartition("/")[2]: v for k, v in values.items() if v is not None}
