"""Continuing a run: finding its last.pt, its arguments, and taking back every state it had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.runtime.errors import CheckpointError, ConfigError

# What may differ when a run goes on: where and how it runs and when it ends, never what it computes.
CHANGEABLE = frozenset(
    {"epochs", "time", "patience", "device", "workers", "cache", "plots", "save_period", "verbose"}
    | {"val", "save", "exist_ok", "close_mosaic", "profile"}
)
# Says which file to continue, or is said again by every entry point.
_NEUTRAL = frozenset({"resume", "model", "mode", "task", "save_dir", "cfg"})


def find_last(resume: Any, model: Any) -> Path:
    """Give the checkpoint that ``resume`` (True or a path) and ``model`` mean.

    Raises:
        CheckpointError: There is no such file.
    """
    for candidate in (resume, model):
        if isinstance(candidate, str | Path) and str(candidate).endswith(".pt"):
            path = Path(candidate).expanduser()
            if path.is_file():
                return path.absolute()
            raise CheckpointError(
                "there is no such file to resume from.",
                path=path,
                remedy="Name the last.pt in the weights folder of the run.",
            )
    raise CheckpointError(
        "resume needs the last.pt of a run.",
        value=resume,
        remedy="Write resume=RUN/weights/last.pt, or model=RUN/weights/last.pt resume=True.",
    )


def resumed_arguments(saved: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what was given now over the run's own arguments.

    Raises:
        ConfigError: Something is given that would change what the run computes.
    """
    for key, value in given.items():
        if key in CHANGEABLE or key in _NEUTRAL or key not in saved:
            continue
        if str(value) != str(saved[key]):
            raise ConfigError(
                f"a resumed run keeps {key}={saved[key]}, received {key}={value}.",
                value=value,
                remedy=f"Leave {key} out, or start a new training with model=last.pt. "
                f"When resuming you may change {', '.join(sorted(CHANGEABLE))}.",
            )
    kept = {k: v for k, v in saved.items() if k not in ("cfg", "json", "quiet")}
    return {**kept, **{k: v for k, v in given.items() if k in CHANGEABLE}, "resume": True}


def run_folder(last: Path) -> Path:
    """Give the run directory of a checkpoint, which may have been moved since."""
    return last.parent.parent if last.parent.name == "weights" else last.parent


def check_length(epoch: int, epochs: int, path: Path) -> None:
    """Refuse to end a run before the epochs that it has done.

    With as many as it has done, only its end is left to do: it was killed just before that.

    Args:
        epoch: 0-based epoch that was finished last.
        epochs: Epochs the run should have.
        path: The checkpoint.

    Raises:
        CheckpointError: The run is longer already.
    """
    if epoch + 1 > epochs:
        raise CheckpointError(
            f"{epoch + 1} epochs of this run are done, more than epochs={epochs}.",
            path=path,
            remedy=f"Say epochs={epoch + 1} or more, or start a new training from this file.",
        )
