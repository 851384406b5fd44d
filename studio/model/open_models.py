"""Where an open-vocabulary model is, for finding more of what a person points at."""

from __future__ import annotations

from pathlib import Path

from engine.runtime.settings import settings
from studio.model.runs import list_runs, read_args

FAMILY = "yoloe"
PROBE = "linear_probe"  # the argument of trainings after which the classes are fixed


def find_open_model(runs_dir: Path) -> Path | None:
    """Return the best weights of the newest run of an open-vocabulary model, else such weights on this computer, else None."""
    for run in list_runs(runs_dir):
        best = run / "weights" / "best.pt"
        if is_open_run(run) and best.is_file():
            return best
    found = sorted(settings.folder("weights_dir").glob(f"{FAMILY}-*.pt"))
    return found[0] if found else None


def is_open_run(run: Path) -> bool:
    """Tell whether a run's weights can be told what to look for: of the family, and not adapted to fixed classes."""
    seen: set[Path] = set()
    while run not in seen:
        seen.add(run)
        args = read_args(run)
        if args.get(PROBE):
            return False
        model = Path(str(args.get("model", "")))
        if is_open_name(model.name):
            return True
        run = model.parent.parent  # it went on from the weights of another run
    return False


def is_open_name(name: str) -> bool:
    """Tell by its file's name whether a model is of the open-vocabulary family."""
    return Path(name).name.lower().startswith(FAMILY)
