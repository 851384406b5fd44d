"""The files of one training run: where they are and how a run begins to use them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from engine.runtime.errors import ConfigError
from engine.runtime.paths import write_atomic
from engine.training.events import plain
from engine.training.results_csv import ResultsCsv


class RunFiles:
    """Paths below a run directory.

    Attributes:
        folder: The run directory.
        weights: Folder of the checkpoints.
        last: Checkpoint of the last finished epoch.
        best: Weights of the epoch with the best fitness.
        csv: results.csv.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.weights = folder / "weights"
        self.last = self.weights / "last.pt"
        self.best = self.weights / "best.pt"
        self.csv = ResultsCsv(folder / "results.csv")
        self.events = folder / "events.jsonl"
        self.control = folder / "control.json"
        self.args = folder / "args.yaml"
        self.validation = folder / "validation.json"
        self._is_new = False

    def open(self, args: dict[str, Any], fresh: bool) -> None:
        """Make the folders and write args.yaml.

        Args:
            args: Arguments of the run.
            fresh: The run begins anew: checkpoints and results of an earlier run in this folder go, so
                that nothing is taken for the work of the new one.

        Raises:
            ConfigError: The folder cannot be written.
        """
        self._is_new = not self.folder.exists()
        try:
            self.weights.mkdir(parents=True, exist_ok=True)
            for folder in (self.folder, self.weights):
                _sweep(folder)
            if fresh:
                kept = self.weights.glob("epoch[0-9]*.pt")  # see `epoch_file`
                for old in (self.last, self.best, self.csv.path, self.validation, *kept):
                    old.unlink(missing_ok=True)
            # What a file of arguments said is in them by now; naming it again would read it again.
            said = {**plain(args), "cfg": None}
            write_atomic(self.args, yaml.safe_dump(said, sort_keys=False, allow_unicode=True))
        except OSError as error:
            raise ConfigError(
                f"the run's folder cannot be written ({error.strerror or error}).",
                path=self.folder,
                remedy="Choose another project= and name=, or change the folder's permissions.",
            ) from error

    def take_back(self) -> None:
        """Remove a folder that `open` made and that holds nothing but what every run begins with.

        A folder that was there before stays: somebody waits in it for what becomes of the run.
        """
        own = {self.weights, self.args, self.events}
        if not self._is_new or set(self.folder.iterdir()) - own or any(self.weights.iterdir()):
            return
        shutil.rmtree(self.folder)

    def epoch_file(self, epoch: int) -> Path:
        """Give the path that ``save_period`` keeps the checkpoint of a 0-based epoch under."""
        return self.weights / f"epoch{epoch}.pt"


def _sweep(folder: Path) -> None:
    """Remove what a killed run was just writing, see `engine.runtime.atomic`; no other run writes here."""
    for pattern in (".*.tmp", ".*.tmp.*"):
        for left in folder.glob(pattern):
            left.unlink(missing_ok=True)
