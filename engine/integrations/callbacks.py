"""The callbacks that report a training to the trackers that the settings switch on.

They know the trainer by its public attributes only, as callbacks of anybody's do.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.integrations.guard import Guard
from engine.integrations.run_logger import RunEnd, RunLogger, RunStart
from engine.runtime.dist import is_main
from engine.runtime.downloads import is_offline
from engine.runtime.log import LOGGER
from engine.runtime.paths import write_atomic
from engine.runtime.settings import settings
from engine.training.events import plain

# Setting -> module and class, imported when it is switched on.
LOGGERS: dict[str, tuple[str, str]] = {
    "tensorboard": ("engine.integrations.tensorboard", "TensorBoardLogger"),
    "wandb": ("engine.integrations.wandb", "WandbLogger"),
    "mlflow": ("engine.integrations.mlflow", "MLflowLogger"),
    "clearml": ("engine.integrations.clearml", "ClearMLLogger"),
    "comet": ("engine.integrations.comet", "CometLogger"),
    "dvc": ("engine.integrations.dvclive", "DVCLiveLogger"),
    "neptune": ("engine.integrations.neptune", "NeptuneLogger"),
}
DEFAULT_PROJECT = "maskwright"
# What the services call the run of this folder, so that a resumed training goes on there.
RUN_IDS = "integrations.json"
_PLOTS = ("*.png", "*.jpg")

Callbacks = dict[str, Callable[[Any], None]]


def logger_callbacks(warn: Callable[[str], None]) -> Callbacks:
    """Give the callbacks of all switched-on trackers; none in a training's helper process.

    Args:
        warn: Told once of each tracker that cannot be used, or fails.
    """
    names = [name for name in LOGGERS if settings[name]] if is_main() else []
    return Reports([_open(name, warn) for name in names]).callbacks() if names else {}


class Reports:
    """Passes the story of one training on to several trackers."""

    def __init__(self, guards: list[Guard]) -> None:
        self.guards = guards
        self._started = self._ended = False

    def callbacks(self) -> Callbacks:
        """Give the functions to hang on a trainer's events."""
        return {
            "on_pretrain_routine_end": self._start,
            "on_fit_epoch_end": self._epoch,
            "on_train_end": self._finish,
            "teardown": self._close,
        }

    def _start(self, trainer: Any) -> None:
        self._started = True
        file = trainer.save_dir / RUN_IDS
        known = _read_ids(file) if trainer.start_epoch else {}
        for guard in self.guards:
            run_id = guard.call("start", run_start(trainer, known.get(guard.name, "")))
            if run_id:
                known[guard.name] = run_id
        if known:
            try:
                write_atomic(file, json.dumps(known))
            except OSError as error:
                LOGGER.warning("%s cannot be written: %s.", file, error.strerror)

    def _epoch(self, trainer: Any) -> None:
        if trainer.final:
            return  # the best weights once more, told at the end
        values = epoch_values(trainer)
        for guard in self.guards:
            guard.call("epoch", trainer.epoch + 1, values)

    def _finish(self, trainer: Any) -> None:
        self._ended = True
        end = run_end(trainer)
        for guard in self.guards:
            guard.call("finish", end)

    def _close(self, _: Any) -> None:
        if not self._started:
            return
        for guard in self.guards:
            guard.call("close", not self._ended)


def run_start(trainer: Any, run_id: str = "") -> RunStart:
    """Say what a training that begins is about."""
    args = trainer.args
    facts = {
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "images": len(trainer.train_loader.dataset),
        "val_images": len(trainer.test_loader.dataset),
        "classes": len(trainer.data["names"]),
        "device": str(trainer.device),
    }
    return RunStart(
        folder=trainer.save_dir,
        project=Path(args.project).name if args.project else DEFAULT_PROJECT,
        name=trainer.save_dir.name,
        task=args.task,
        arguments=plain(vars(args)),
        facts=facts,
        first_epoch=trainer.start_epoch + 1,
        run_id=run_id,
        offline=is_offline(),
    )


def epoch_values(trainer: Any) -> dict[str, float]:
    """Give the numbers of the present epoch by their columns; what was not measured is left out."""
    measured = trainer.metrics if trainer.fitness is not None else {}
    values = {**trainer.label_loss_items(trainer.tloss, "train"), **measured, **trainer.lr}
    return finite(values)


def run_end(trainer: Any) -> RunEnd:
    """Say what a training has come to."""
    plots = [path for pattern in _PLOTS for path in sorted(trainer.save_dir.glob(pattern))]
    best = trainer.best if trainer.best.exists() else None
    return RunEnd(trainer.stop_reason, finite(trainer.metrics), tuple(plots), best)


def finite(values: Mapping[str, float | None]) -> dict[str, float]:
    """Leave out what is no number."""
    return {k: float(v) for k, v in values.items() if v is not None and math.isfinite(v)}


def _open(name: str, warn: Callable[[str], None]) -> Guard:
    module, kind = LOGGERS[name]
    logger: RunLogger = getattr(importlib.import_module(module), kind)()
    return Guard(name, logger, warn)


def _read_ids(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
