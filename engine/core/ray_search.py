"""The same search with Ray Tune: several trainings at once, and hopeless ones ended early.

Ray is optional and imported where it is used. Method: asynchronous successive halving, Li et al., A System for
Massively Parallel Hyperparameter Tuning, 2020.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runtime.errors import ConfigError
from engine.training.search_space import Span

METRIC = "fitness"
# Paths stay relative to where a person stands, and nothing is sent to Ray's makers.
_ENVIRONMENT = {"RAY_CHDIR_TO_TRIAL_DIR": "0", "RAY_USAGE_STATS_ENABLED": "0"}


def check_ray(resume: Any = False) -> None:
    """Refuse to go on where Ray is missing, or cannot do what is asked.

    Raises:
        ConfigError: Ray is not installed, or a search is to be gone on with.
    """
    if resume:
        raise ConfigError(
            "resume is of searches without Ray, which keeps its own.",
            value=resume,
            remedy="Leave resume or use_ray away.",
        )
    if importlib.util.find_spec("ray") is None:
        raise ConfigError(
            "use_ray=True needs the package ray, which is not installed.",
            value="use_ray",
            remedy="Install it with: pip install 'ray[tune]', or leave use_ray away: "
            "the search then trains one candidate after the other.",
        )


def search_with_ray(
    make_trainer: Any,
    given: Mapping[str, Any],
    space: Mapping[str, Span],
    iterations: int,
    folder: Path,
) -> Any:
    """Run ``iterations`` trainings under Ray and give its table of results.

    Args:
        make_trainer: Makes the trainer of one training from its arguments; Ray copies it into its processes.
        given: Arguments of every training.
        space: Spans to draw from.
        iterations: Trainings in all.
        folder: Receives Ray's own files and, below ``runs``, the run directories.

    Returns:
        A ``ray.tune.ResultGrid``; ``.get_best_result()`` has the best ``config`` and its ``metrics``.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler

    epochs = int(given.get("epochs") or 100)

    def trial(values: dict[str, Any]) -> None:
        name = tune.get_context().get_trial_name()
        place = {"project": str(folder / "runs"), "name": name, "exist_ok": True}
        trainer = make_trainer({**given, **values, **place})
        trainer.add_callback("on_fit_epoch_end", _report)
        trainer.train()

    scheduler = ASHAScheduler(max_t=max(epochs, 1) + 1, grace_period=min(10, epochs))
    needs = {"cpu": 1, "gpu": 1 if _has_gpu(given) else 0}
    search = tune.Tuner(
        tune.with_resources(trial, needs),
        param_space={name: _domain(tune, span) for name, span in space.items()},
        tune_config=tune.TuneConfig(
            metric=METRIC, mode="max", num_samples=iterations, scheduler=scheduler
        ),
        run_config=tune.RunConfig(name="ray", storage_path=str(folder)),
    )
    return search.fit()


def _report(trainer: Any) -> None:
    """Tell Ray of an epoch; the last validation of the best weights counts as one more."""
    from ray import tune

    if trainer.fitness is not None:
        tune.report({METRIC: float(trainer.fitness), "epoch": trainer.epoch + 1, **trainer.metrics})


def _has_gpu(given: Mapping[str, Any]) -> bool:
    """Say whether the trainings run on a graphics card."""
    import torch

    return str(given.get("device") or "").lower() != "cpu" and torch.cuda.is_available()


def _domain(tune: Any, span: Span) -> Any:
    """Return a span as Ray draws from it."""
    if span.is_whole:
        return tune.randint(int(span.low), int(span.high) + 1)
    return (
        tune.loguniform(span.low, span.high) if span.is_log else tune.uniform(span.low, span.high)
    )
