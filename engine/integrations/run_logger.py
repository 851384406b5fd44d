"""What a training tells an experiment tracker, and what a tracker's file has to offer for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar


@dataclass(frozen=True)
class RunStart:
    """A training that begins.

    Attributes:
        folder: The run directory.
        project: What the runs of one purpose have in common.
        name: The run among them.
        task: What the model does.
        arguments: The training's arguments as plain values.
        facts: Counts of images, parameters and the like.
        first_epoch: 1-based; above 1 where an interrupted run goes on.
        run_id: What the service called the run before it was interrupted; empty for a new one.
        offline: Nothing may leave this computer, whatever the service's own settings say.
    """

    folder: Path
    project: str
    name: str
    task: str
    arguments: Mapping[str, Any]
    facts: Mapping[str, Any]
    first_epoch: int
    run_id: str
    offline: bool


@dataclass(frozen=True)
class RunEnd:
    """A training that has ended.

    Attributes:
        reason: "finished", "early_stopping", "time" or "stopped".
        metrics: What the best weights reach.
        plots: Pictures that the run has drawn.
        best: The best weights, None where there are none.
    """

    reason: str
    metrics: Mapping[str, float]
    plots: tuple[Path, ...]
    best: Path | None


class RunLogger:
    """One service. Its package is imported in :meth:`start`, and whatever it raises stays with it.

    Attributes:
        title: The service's name for people.
        package: What to install.
    """

    title: ClassVar[str]
    package: ClassVar[str]

    def start(self, run: RunStart) -> str:
        """Open a run, or the interrupted one again; give what the service calls it, or nothing."""
        raise NotImplementedError

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Take the numbers of an epoch.

        Args:
            number: 1-based epoch.
            values: By the names of results.csv: ``train/box_loss``, ``metrics/mAP50(B)``, ``lr/pg0``.
        """
        raise NotImplementedError

    def finish(self, end: RunEnd) -> None:
        """Take the result of a training that came to its end."""
        raise NotImplementedError

    def close(self, failed: bool) -> None:
        """Let go of the run; called once, also where the training failed."""
        raise NotImplementedError
