"""Neptune: runs in the run directory, for ``neptune sync``; sent at once only with ``NEPTUNE_MODE=async``."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Mapping
from typing import Any

from engine.integrations.run_logger import RunEnd, RunLogger, RunStart


class NeptuneLogger(RunLogger):
    """Writes curves, the arguments, and at the end the plots and the best weights."""

    title = "Neptune"
    package = "neptune"

    def __init__(self) -> None:
        self._run: Any = None
        self._last = 0

    def start(self, run: RunStart) -> str:
        """Open a run under an id of its own, which an interrupted training takes up again."""
        import neptune
        from neptune.utils import stringify_unsupported

        run_id = run.run_id or uuid.uuid4().hex
        wanted = os.environ.get("NEPTUNE_MODE", "offline")
        mode = "offline" if run.offline and wanted != "debug" else wanted
        # Neptune keeps its files below the folder that it is started in.
        with contextlib.chdir(run.folder):
            self._run = neptune.init_run(
                project=os.environ.get("NEPTUNE_PROJECT") or f"workspace/{run.project}",
                custom_run_id=run_id,
                name=run.name,
                tags=[run.task],
                mode=mode,
                capture_stdout=False,
                capture_stderr=False,
                capture_hardware_metrics=False,
                capture_traceback=False,
                git_ref=False,
                source_files=[],
            )
        self._run["arguments"] = stringify_unsupported(dict(run.arguments))
        self._run["facts"] = stringify_unsupported(dict(run.facts))
        return run_id

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        for name, value in values.items():
            self._run[name].append(value, step=number)

    def finish(self, end: RunEnd) -> None:
        """Write the best weights' measures, the plots and the weights."""
        for name, value in end.metrics.items():
            self._run[f"best/{name}"] = value
        for path in end.plots:
            self._run[f"plots/{path.stem}"].upload(str(path))
        if end.best is not None:
            self._run["weights/best"].upload(str(end.best))

    def close(self, failed: bool) -> None:
        """End the run."""
        self._run["failed"] = failed
        self._run.stop()
