"""Weights & Biases: runs in the run directory, for ``wandb sync``; sent at once only with ``WANDB_MODE=online``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from engine.integrations.run_logger import RunEnd, RunLogger, RunStart


class WandbLogger(RunLogger):
    """Writes curves, the arguments, and at the end the plots and the best weights."""

    title = "Weights & Biases"
    package = "wandb"

    def __init__(self) -> None:
        self._run: Any = None

    def start(self, run: RunStart) -> str:
        """Open a run, under its old id where an interrupted training goes on."""
        import wandb

        wanted = os.environ.get("WANDB_MODE", "offline")
        self._run = wandb.init(
            project=run.project,
            name=run.name,
            id=run.run_id or None,
            resume="allow" if run.run_id else None,
            dir=str(run.folder),
            config={**run.arguments, **run.facts},
            job_type=run.task,
            mode="offline" if run.offline and wanted == "online" else wanted,
            settings=wandb.Settings(console="off", silent=True, disable_git=True),
        )
        return str(self._run.id)

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        self._run.log(dict(values), step=number)

    def finish(self, end: RunEnd) -> None:
        """Write the best weights' measures, the plots and the weights."""
        import wandb

        for name, value in end.metrics.items():
            self._run.summary[f"best/{name}"] = value
        self._run.log({f"plots/{path.stem}": wandb.Image(str(path)) for path in end.plots})
        if end.best is not None:
            artifact = wandb.Artifact(f"run_{self._run.id}_model", type="model")
            artifact.add_file(str(end.best), name=end.best.name)
            self._run.log_artifact(artifact, aliases=["best"])

    def close(self, failed: bool) -> None:
        """End the run."""
        self._run.finish(exit_code=int(failed))
