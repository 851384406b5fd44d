"""Comet: archives in the run directory, for ``comet upload``; sent at once only with ``COMET_MODE=online``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from engine.integrations.run_logger import RunEnd, RunLogger, RunStart

# Nothing but what this file hands over: no patches of torch, no source code, no list of packages.
_QUIET = {
    "log_code": False,
    "log_graph": False,
    "auto_param_logging": False,
    "auto_metric_logging": False,
    "auto_output_logging": False,
    "parse_args": False,
    "log_git_metadata": False,
    "log_git_patch": False,
    "log_env_details": False,
    "display_summary_level": 0,
}


class CometLogger(RunLogger):
    """Writes curves, the arguments, and at the end the plots and the best weights."""

    title = "Comet"
    package = "comet-ml"

    def __init__(self) -> None:
        self._experiment: Any = None
        self._last = 0

    def start(self, run: RunStart) -> str:
        """Open an experiment, or the interrupted one again."""
        os.environ.setdefault("COMET_DISABLE_AUTO_LOGGING", "1")
        os.environ.setdefault("COMET_LOGGING_CONSOLE", "error")
        import comet_ml

        online = os.environ.get("COMET_MODE", "offline") == "online" and not run.offline
        places = {} if online else {"offline_directory": str(run.folder / "comet")}
        kinds = (
            (comet_ml.ExistingExperiment, comet_ml.Experiment)
            if online
            else (comet_ml.ExistingOfflineExperiment, comet_ml.OfflineExperiment)
        )
        if run.run_id:
            self._experiment = kinds[0](previous_experiment=run.run_id, **places, **_QUIET)
        else:
            self._experiment = kinds[1](project_name=run.project, **places, **_QUIET)
            self._experiment.set_name(run.name)
            self._experiment.add_tag(run.task)
        self._experiment.log_parameters({**run.arguments, **run.facts})
        return str(self._experiment.get_key())

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        self._last = number
        self._experiment.log_metrics(dict(values), step=number, epoch=number)

    def finish(self, end: RunEnd) -> None:
        """Write the best weights' measures, the plots and the weights."""
        best = {f"best/{name}": value for name, value in end.metrics.items()}
        self._experiment.log_metrics(best, step=self._last)
        for path in end.plots:
            self._experiment.log_image(str(path), name=path.stem)
        if end.best is not None:
            self._experiment.log_model("best", str(end.best))

    def close(self, failed: bool) -> None:
        """End the experiment."""
        self._experiment.log_other("failed", failed)
        self._experiment.end()
