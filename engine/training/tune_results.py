"""What a search for arguments leaves behind: tune_results.csv, one row a training, and the best values as YAML."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from engine.runtime.errors import ConfigError
from engine.runtime.paths import write_atomic

HEAD = ("iteration", "fitness", "seconds", "error")


@dataclass(frozen=True)
class Trial:
    """One training of a search.

    Attributes:
        iteration: 1-based number.
        fitness: Of its best epoch; None where it failed.
        seconds: How long it took.
        values: The searched arguments it was given.
        error: Why it failed, one line; empty where it did not.
    """

    iteration: int
    fitness: float | None
    seconds: float
    values: Mapping[str, float] = field(default_factory=dict)
    error: str = ""


class TuneResults:
    """The trials of one search, kept in ``tune_results.csv``.

    Attributes:
        path: The file.
        names: The searched arguments, in the order of the columns.
        trials: All trials so far.
    """

    def __init__(self, folder: Path, names: tuple[str, ...]) -> None:
        self.path = folder / "tune_results.csv"
        self.best_path = folder / "best_hyperparameters.yaml"
        self.names = names
        self.trials: list[Trial] = []

    @property
    def finished(self) -> list[Trial]:
        """The trials that have a fitness."""
        return [trial for trial in self.trials if trial.fitness is not None]

    @property
    def best(self) -> Trial | None:
        """The trial with the highest fitness, the first of several."""
        return max(self.finished, key=lambda trial: trial.fitness or 0.0, default=None)

    def read(self) -> None:
        """Take up the trials of an earlier call; a row that was cut off while written is dropped.

        Raises:
            ConfigError: The file is missing, or is of a search over other arguments.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"there is no search to go on with ({error.strerror or error}).",
                path=self.path,
                remedy="Leave resume away to begin one.",
            ) from error
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
        header = (*HEAD, *self.names)
        if not rows or tuple(rows[0]) != header:
            raise ConfigError(
                "the search to go on with is over other arguments.",
                path=self.path,
                value=rows[0][len(HEAD) :] if rows else None,
                remedy="Give the same space, or begin a new search without resume.",
            )
        self.trials = [trial for row in rows[1:] if (trial := self._trial(row)) is not None]

    def add(self, trial: Trial) -> None:
        """Keep a trial: the file holds all rows or those of before, whatever happens."""
        self.trials.append(trial)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow((*HEAD, *self.names))
        for each in self.trials:
            fitness = "" if each.fitness is None else f"{each.fitness:.6g}"
            head = (each.iteration, fitness, f"{each.seconds:.4g}", each.error)
            writer.writerow((*head, *(each.values[name] for name in self.names)))
        write_atomic(self.path, buffer.getvalue())

    def write_best(self, folder: Path, metrics: Mapping[str, float]) -> Path:
        """Write the best trial's values so that a training can be given the file as ``cfg``.

        Args:
            folder: Where its training is.
            metrics: Its measures, told in a comment.
        """
        best = self.best
        if best is None:
            raise ValueError("expected at least one finished trial")
        told = [
            f"Best of {len(self.trials)} trainings: number {best.iteration}, fitness {best.fitness:.5f}",
            f"Training: {folder}",
            *(f"{name}: {value:.5g}" for name, value in metrics.items()),
        ]
        head = "".join(f"# {line}\n" for line in told)
        values = yaml.safe_dump(dict(best.values), sort_keys=False)
        return write_atomic(self.best_path, f"{head}\n{values}")

    def _trial(self, row: list[str]) -> Trial | None:
        """Return what a row says; None where it is no whole row."""
        if len(row) != len(HEAD) + len(self.names):
            return None
        try:
            iteration, seconds = int(row[0]), float(row[2])
            fitness = float(row[1]) if row[1] else None
            numbers = [float(text) for text in row[len(HEAD) :]]
        except ValueError:
            return None
        if not all(map(math.isfinite, (seconds, *numbers, fitness or 0.0))):
            return None
        return Trial(
            iteration, fitness, seconds, dict(zip(self.names, numbers, strict=True)), row[3]
        )
