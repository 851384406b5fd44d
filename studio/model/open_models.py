"""Where an open-vocabulary model is, for finding more of what a person points at."""

from __future__ import annotations

from pathlib import Path

from engine.runtime.settings import settings
from studio.model.runs import list_runs, read_args

FAMILY = "yoloe"


def find_open_model(runs_dir: Path) -> Path | None:
    """Return the best weights of the newest run of an open-vocabulary model, else such weights on this computer, else None."""
    for run in list_runs(runs_dir):
        best = run / "weights" / "best.pt"
        if is_open_name(str(read_args(run).get("model", ""))) and best.is_file():
            return best
    found = sorted(settings.folder("weights_dir").glob(f"{FAMILY}-*.pt"))
    return found[0] if found else None


def is_open_name(name: str) -> bool:
    """Tell by its file's name whether a model is of the open-vocabulary family."""
    return Path(name).name.lower().startswith(FAMILY)
