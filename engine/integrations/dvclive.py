"""DVCLive: curves and parameters as plain files in the run directory, an experiment where there is a DVC repository."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.integrations.run_logger import RunEnd, RunLogger, RunStart


class DVCLiveLogger(RunLogger):
    """Writes what ``dvc plots`` and ``dvc exp`` read."""

    title = "DVCLive"
    package = "dvclive"

    def __init__(self) -> None:
        self._live: Any = None

    def start(self, run: RunStart) -> str:
        """Open the folder of files, going on with it where an interrupted training goes on."""
        from dvclive import Live

        self._live = Live(
            dir=str(run.folder / "dvclive"),
            resume=run.first_epoch > 1,
            report=None,
            dvcyaml=None,
            save_dvc_exp=in_dvc_repository(run.folder),
        )
        self._live.log_params(
            {k: v for k, v in {**run.arguments, **run.facts}.items() if v is not None}
        )
        return ""

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        """Write a point of each curve."""
        self._live.step = number
        for name, value in values.items():
            self._live.log_metric(name, value)
        self._live.make_summary()

    def finish(self, end: RunEnd) -> None:
        """Write the best weights' measures and the plots."""
        for name, value in end.metrics.items():
            self._live.log_metric(f"best/{name}", value, plot=False)
        for path in end.plots:
            self._live.log_image(path.name, str(path))

    def close(self, failed: bool) -> None:
        """End the experiment."""
        self._live.end()


def in_dvc_repository(folder: Path) -> bool:
    """Tell whether a folder lies in a repository of DVC's."""
    return any((parent / ".dvc").is_dir() for parent in (folder, *folder.parents))
