"""The search for training arguments: trainings one after the other, each with a changed child of the best so far.

What may change and how is in :mod:`engine.training.search_space`, the files in
:mod:`engine.training.tune_results`.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.given import choose_save_dir, resolve_arguments
from engine.core.plan import mosaic_epochs
from engine.core.ray_search import check_ray, search_with_ray
from engine.drawing.search_charts import plot_best_fitness, plot_search
from engine.runtime.errors import ConfigError, EngineError
from engine.runtime.log import LOGGER
from engine.training.failures import describe, kind_of
from engine.training.search_space import Span, first_values, next_values, search_space
from engine.training.tune_results import Trial, TuneResults

NAME = "tune"
# The values of a trial can be the cause of these; anything else would fail the next one too.
_OF_THE_VALUES = ("diverged", "out_of_memory")
MAX_FAILED = 3

MakeTrainer = Callable[[dict[str, Any]], Any]


class Tuner:
    """Searches the arguments that train best.

    The folder of a search, ``project/tune``, holds ``tune_results.csv`` (a row a training, with what it was
    given and the fitness it reached), ``best_hyperparameters.yaml`` (to be given to a training as ``cfg``),
    ``weights/best.pt`` and ``last.pt`` of the best training, ``best_fitness.png``, ``tune_scatter_plots.png``
    and ``runs/0001`` and so on, the run directories without their weights.

    Attributes:
        folder: The folder of the search.
        space: Argument to the span of its values.
        results: The trials so far.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        task: str,
        make_trainer: MakeTrainer,
        space: Mapping[str, Any] | None = None,
        resume: bool | str | Path = False,
        use_ray: bool = False,
    ) -> None:
        """Prepare a search.

        Args:
            given: Arguments of every training, where the search begins too.
            task: Of the model.
            make_trainer: Makes the trainer of one training from its arguments.
            space: Name to ``(low, high)`` of the arguments to search; None takes the default ones.
            resume: Go on with the last search of the same ``project`` and ``name``, or with a named folder.
            use_ray: Let Ray Tune run the trainings.

        Raises:
            ConfigError: An argument or the space is wrong, there is no search to go on with, or no Ray.
        """
        if use_ray:
            check_ray(resume)
        self.use_ray = use_ray
        self.given = dict(given)
        self.task = task
        self.make_trainer = make_trainer
        self.space: dict[str, Span] = search_space(task, space)
        args = resolve_arguments(
            {**self.given, "name": self.given.get("name") or NAME}, "train", task
        )
        self.seed = int(args.seed)
        self.folder = _earlier(args, resume) if resume else choose_save_dir(args, mkdir=True)
        self.results = TuneResults(self.folder, tuple(self.space))
        if resume:
            self.results.read()

    def __call__(self, iterations: int = 10) -> Any:
        """Train until there are ``iterations`` trainings in all; give the best values, or Ray's table.

        Raises:
            ConfigError: ``iterations`` is no number above 0.
            EngineError: A training failed for another reason than its values, or several in a row failed.
        """
        if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
            raise ConfigError(
                f"iterations expects a whole number of 1 or more, received {iterations!r}.",
                value=iterations,
            )
        if self.use_ray:
            return search_with_ray(
                self.make_trainer, self.given, self.space, iterations, self.folder
            )
        try:
            while len(self.results.trials) < iterations:
                self._try(len(self.results.trials) + 1, iterations)
        finally:
            self._draw()
        return self._say_goodbye()

    def values_of(self, number: int) -> dict[str, float]:
        """Return the values of training ``number``: the same for the same trials before it."""
        done = [(trial.values, trial.fitness or 0.0) for trial in self.results.finished]
        if not done:
            first = first_values(self.space, self.given, self.task)
            if number == 1:
                return first
            done = [(first, 0.0)]
        return next_values(self.space, done, np.random.default_rng((self.seed, number)))

    def _try(self, number: int, iterations: int) -> None:
        """Run one training and keep what came of it."""
        values = self.values_of(number)
        folder = self.folder / "runs" / f"{number:04d}"
        LOGGER.info("Training %d of %d of the search, in %s", number, iterations, folder)
        start = time.monotonic()
        is_plain = number == 1
        fitness, metrics, error, values = self._train(values, folder, is_plain)
        trial = Trial(number, fitness, time.monotonic() - start, values, error)
        is_best = fitness is not None and fitness > _fitness(self.results.best)
        self.results.add(trial)
        if is_best:
            _keep_weights(folder / "weights", self.folder / "weights")
            self.results.write_best(folder, metrics)
        shutil.rmtree(folder / "weights", ignore_errors=True)
        last = self.results.trials[-MAX_FAILED:]
        if len(last) == MAX_FAILED and all(each.fitness is None for each in last):
            raise ConfigError(
                f"{MAX_FAILED} trainings of the search failed in a row; the last: {error}",
                path=self.results.path,
                remedy="Narrow the space, or lower batch and imgsz.",
            )

    def _train(
        self, values: dict[str, float], folder: Path, is_plain: bool
    ) -> tuple[float | None, dict[str, float], str, dict[str, float]]:
        """Return fitness and measures of a training, or None and why it failed, and the values it ran with.

        The plain one is given only what a person gave: a rate that is said takes the place of the one that the
        training would have chosen. What it chose is taken for its values.
        """
        place = {"project": str(folder.parent), "name": folder.name, "exist_ok": True}
        said = {k: v for k, v in values.items() if not is_plain or self.given.get(k) is not None}
        try:
            trainer = self.make_trainer({**self.given, **said, **place})
            trainer.train()
        except (EngineError, RuntimeError, MemoryError) as error:
            if kind_of(error) not in _OF_THE_VALUES:
                raise
            told = describe(error).message.partition("\n")[0]
            LOGGER.warning("This training of the search failed: %s", told)
            return None, {}, told, values
        chosen = {k: v for k, v in _chosen_by(trainer).items() if k in values and k not in said}
        values = values | {name: self.space[name].fit(value) for name, value in chosen.items()}
        fitness = trainer.fitness
        if fitness is None or not math.isfinite(fitness):
            return None, {}, f"its fitness is {fitness}", values
        return float(fitness), dict(trainer.metrics), "", values

    def _draw(self) -> None:
        """Draw the charts of what there is."""
        finished = self.results.finished
        if not finished:
            return
        fitness = [trial.fitness or 0.0 for trial in finished]
        plot_best_fitness(
            [trial.fitness for trial in self.results.trials], self.folder / "best_fitness.png"
        )
        plot_search(
            [trial.values for trial in finished],
            fitness,
            self.folder / "tune_scatter_plots.png",
            [name for name, span in self.space.items() if span.is_log],
        )

    def _say_goodbye(self) -> dict[str, float]:
        best = self.results.best
        if best is None:
            raise ConfigError(
                "no training of the search came to its end.",
                path=self.results.path,
                remedy="The column 'error' says why. Narrow the space.",
            )
        first = self.results.trials[0].fitness
        LOGGER.info(
            "Best of %d trainings: number %d, fitness %.5f (the first: %s). Use its values with cfg=%s.",
            len(self.results.trials),
            best.iteration,
            best.fitness,
            "failed" if first is None else f"{first:.5f}",
            self.results.best_path,
        )
        return dict(best.values)


def _fitness(trial: Trial | None) -> float:
    return -math.inf if trial is None or trial.fitness is None else trial.fitness


def _chosen_by(trainer: Any) -> dict[str, float]:
    """Return the values that a training settles by itself where nobody says them."""
    closing = trainer.epochs - mosaic_epochs(trainer.args, trainer.chosen, trainer.epochs)
    return {"lr0": trainer.plan.lr, "momentum": trainer.plan.momentum, "close_mosaic": closing}


def _earlier(args: Any, resume: bool | str | Path) -> Path:
    """Return the folder of the search to go on with."""
    if not isinstance(resume, bool):
        return Path(resume).expanduser().absolute()
    new = choose_save_dir(args)
    found = [path.parent for path in new.parent.glob(f"{args.name}*/tune_results.csv")]
    if not found:
        raise ConfigError(
            "there is no search to go on with.",
            path=new.parent / args.name,
            remedy="Give the project and name of the search, or resume=FOLDER.",
        )
    return max(found, key=lambda folder: (folder / "tune_results.csv").stat().st_mtime_ns)


def _keep_weights(source: Path, target: Path) -> None:
    """Move the checkpoints of a training to the search's own."""
    target.mkdir(parents=True, exist_ok=True)
    for name in ("best.pt", "last.pt"):
        if (source / name).exists():
            (source / name).replace(target / name)
