"""The charts of a search for arguments: how fitness grew, and which values it went with."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.drawing.figures import figure

_ACROSS = 5


def plot_best_fitness(fitness: Sequence[float | None], path: str | Path) -> Path:
    """Draw the fitness of each training and the best so far.

    Args:
        fitness: In the order of the trainings; None where one failed.
        path: Picture to write.
    """
    numbers = np.array([math.nan if f is None else f for f in fitness])
    along = np.arange(1, len(numbers) + 1)
    best = np.fmax.accumulate(numbers) if len(numbers) else numbers
    with figure(path, 7, 4) as chart:
        axes = chart.subplots()
        axes.plot(along, numbers, "o", color="silver", label="training")
        axes.plot(along, best, color="tab:blue", linewidth=2, label="best so far")
        axes.set(xlabel="Training", ylabel="Fitness", title="Fitness of the search")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right", fontsize="small")
    return Path(path)


def plot_search(
    rows: Sequence[Mapping[str, float]],
    fitness: Sequence[float],
    path: str | Path,
    in_logarithm: Collection[str] = (),
) -> Path:
    """Draw the fitness over the values of each argument, the best training marked.

    Args:
        rows: Values of each finished training.
        fitness: Of the same trainings.
        path: Picture to write.
        in_logarithm: Arguments whose axis counts powers of ten.
    """
    names = list(rows[0]) if rows else []
    down = max(math.ceil(len(names) / _ACROSS), 1)
    best = int(np.argmax(fitness)) if len(fitness) else 0
    with figure(path, 2.6 * min(max(len(names), 1), _ACROSS), 2.4 * down) as chart:
        grid = chart.subplots(down, min(max(len(names), 1), _ACROSS), squeeze=False)
        for axes in grid.ravel()[len(names) :]:
            axes.set_visible(False)
        for axes, name in zip(grid.ravel(), names, strict=False):
            values = [row[name] for row in rows]
            axes.scatter(values, fitness, s=12, color="tab:blue", alpha=0.6)
            axes.scatter([values[best]], [fitness[best]], s=60, marker="*", color="tab:red")
            axes.set_title(f"{name} = {values[best]:.4g}", fontsize="small")
            if name in in_logarithm:
                axes.set_xscale("log")
                axes.xaxis.set_minor_formatter("")  # its texts would overlap
            axes.tick_params(which="both", labelsize="x-small")
            axes.grid(alpha=0.3)
    return Path(path)
