"""MLflow: runs in a folder of files, or on the server that ``MLFLOW_TRACKING_URI`` names."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from engine.integrations.run_logger import RunEnd, RunLogger, RunStart
from engine.runtime.settings import settings

_MOST_PARAMETERS, _LONGEST = 100, 500
_STATUS = {"stopped": "KILLED"}


class MLflowLogger(RunLogger):
    """Writes parameters, metrics and, at the end, the files of a run.

    The files lie in the setting ``runs_dir`` under ``mlflow``: ``mlflow ui --backend-store-uri FOLDER``.
    """

    title = "MLflow"
    package = "mlflow"

    def __init__(self) -> None:
        self._client: Any = None
        self._run_id = ""
        self._status = "FAILED"

    def start(self, run: RunStart) -> str:
        """Open a run of the experiment that is called as the project."""
        # Newer versions want to be asked before they write to a folder instead of a database.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self._client = MlflowClient(tracking_uri=tracking_uri(run.offline))
        if run.run_id:
            self._run_id = run.run_id
            self._client.set_terminated(run.run_id, status="RUNNING")
            return run.run_id
        experiment = self._client.get_experiment_by_name(run.project)
        number = (
            experiment.experiment_id if experiment else self._client.create_experiment(run.project)
        )
        tags = {"task": run.task, "folder": str(run.folder)}
        self._run_id = self._client.create_run(number, run_name=run.name, tags=tags).info.run_id
        told = {**run.arguments, **run.facts}
        rows = [Param(key, str(value)[:_LONGEST]) for key, value in told.items()]
        for first in range(0, len(rows), _MOST_PARAMETERS):
            self._client.log_batch(self._run_id, params=rows[first : first + _MOST_PARAMETERS])
        return self._run_id

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        self._write(values, number)

    def finish(self, end: RunEnd) -> None:
        """Keep the plots, the table of results and the best weights with the run."""
        self._write({f"best/{name}": value for name, value in end.metrics.items()}, 0)
        for path in (*end.plots, *((end.best,) if end.best else ())):
            self._client.log_artifact(self._run_id, str(path))
        self._status = _STATUS.get(end.reason, "FINISHED")

    def close(self, failed: bool) -> None:
        """Say how the run ended."""
        self._client.set_terminated(self._run_id, status="FAILED" if failed else self._status)

    def _write(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        rows = [Metric(metric_name(name), value, now, step) for name, value in values.items()]
        self._client.log_batch(self._run_id, metrics=rows)


def tracking_uri(offline: bool) -> str:
    """Return where runs are kept: on a named server unless that is forbidden, else in a folder."""
    named = os.environ.get("MLFLOW_TRACKING_URI", "")
    if named and not (offline and named.startswith(("http://", "https://", "databricks"))):
        return named
    return (settings.folder("runs_dir") / "mlflow").as_uri()


def metric_name(name: str) -> str:
    """Return a column's name without the brackets that MLflow forbids: ``metrics/mAP50B``."""
    return name.replace("(", "").replace(")", "")
