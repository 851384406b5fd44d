"""ClearML: an archive in the run directory, for ``clearml-task --import-offline-session``.

Sent at once only with ``CLEARML_OFFLINE_MODE=0``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.integrations.run_logger import RunEnd, RunLogger, RunStart

# Nothing but what this file hands over: no patches of torch, no source code, no list of packages.
_WATCHED = (
    "matplotlib", "tensorflow", "tensorboard", "pytorch", "xgboost", "scikit", "fastai", "lightgbm", "hydra",
    "detect_repository", "tfdefines", "joblib", "megengine", "catboost", "gradio", "jsonargparse",
)  # fmt: skip


class ClearMLLogger(RunLogger):
    """Writes curves, the arguments, and at the end the plots and the best weights."""

    title = "ClearML"
    package = "clearml"

    def __init__(self) -> None:
        self._task: Any = None
        self._folder = Path()
        self._offline = True
        self._last = 0

    def start(self, run: RunStart) -> str:
        """Open a task; one that is not on a server cannot be taken up again and is followed by a new one."""
        from clearml import Task

        self._offline = run.offline or os.environ.get("CLEARML_OFFLINE_MODE", "1") != "0"
        self._folder = run.folder / "clearml"
        Task.set_offline(self._offline)
        self._task = Task.init(
            project_name=run.project,
            task_name=run.name,
            tags=[run.task],
            reuse_last_task_id=False,
            continue_last_task=run.run_id if run.run_id and not self._offline else False,
            auto_connect_frameworks=dict.fromkeys(_WATCHED, False),
            auto_connect_arg_parser=False,
            auto_connect_streams=False,
            auto_resource_monitoring=False,
        )
        self._task.connect(dict(run.arguments), name="arguments")
        self._task.connect(dict(run.facts), name="facts")
        return str(self._task.id)

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        self._last = number
        self._report(values, number)

    def finish(self, end: RunEnd) -> None:
        """Write the best weights' measures, the plots and the weights."""
        self._report({f"best/{name}": value for name, value in end.metrics.items()}, self._last)
        logger = self._task.get_logger()
        for path in end.plots:
            logger.report_image("plots", path.stem, self._last, local_path=str(path))
        if end.best is not None:
            self._task.upload_artifact("best", artifact_object=end.best, wait_on_upload=True)

    def close(self, failed: bool) -> None:
        """End the task; an archive of a task that was not sent goes into the run directory."""
        if failed:
            self._task.mark_failed(ignore_errors=True, status_message="the training failed")
        session = self._task.get_offline_mode_folder() if self._offline else None
        self._task.close()
        if session is None:
            return
        archive = Path(f"{session}.zip")
        if archive.exists():
            self._folder.mkdir(exist_ok=True)
            shutil.move(archive, self._folder / archive.name)
        shutil.rmtree(session, ignore_errors=True)

    def _report(self, values: Mapping[str, float], step: int) -> None:
        logger = self._task.get_logger()
        for name, value in values.items():
            title, _, series = name.rpartition("/")
            logger.report_scalar(title or "run", series, value, step)
