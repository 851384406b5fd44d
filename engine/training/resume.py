"""Continuing a run: finding its last.pt, its arguments, and taking back every state it had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.cfg.schema import by_name
from engine.cfg.values import coerce
from engine.ops.numbers import make_divisible
from engine.runtime.errors import CheckpointError, ConfigError, DatasetError
from engine.runtime.paths import lasting_path

# What may differ when a run goes on: where and how it runs and when it ends, never what it computes.
CHANGEABLE = frozenset(
    {"epochs", "time", "patience", "device", "workers", "cache", "plots", "save_period", "verbose"}
    | {"val", "save", "exist_ok", "close_mosaic", "profile"}
)
_STRIDE = 32  # pixels; of all networks but the few with a level more
# Says which file to continue, or is said again by every entry point.
_NEUTRAL = frozenset({"resume", "model", "mode", "task", "save_dir", "cfg"})


def find_last(resume: Any, model: Any, trainer: Any = None) -> Path:
    """Give the checkpoint that ``resume`` (True, a file or the folder of a run) and ``model`` mean.

    Args:
        resume: What was said of resuming; a path wins over everything else.
        model: The model of the call; its file is taken where nothing else is known.
        trainer: The trainer of a run that was begun before, whose last.pt is meant where it has one.

    Raises:
        CheckpointError: There is no such file.
    """
    if isinstance(resume, str | Path) and (folder := Path(resume).expanduser()).is_dir():
        return _last_in(folder)
    begun = getattr(trainer, "last", None)
    begun = begun if begun is not None and begun.is_file() else None
    for candidate in (resume, begun, model):
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


def newest_last(folder: Path, pattern: str) -> Path:
    """Give the last.pt that was written last.

    Args:
        folder: Where runs lie.
        pattern: Of the runs' folders below it, such as ``detect/*``.

    Raises:
        CheckpointError: There is none.
    """
    found = [path for path in folder.glob(f"{pattern}/weights/last.pt") if path.is_file()]
    if not found:
        raise CheckpointError(
            f"there is no run with a weights/last.pt to resume ({pattern} was looked for).",
            path=folder,
            remedy="Write resume=RUN/weights/last.pt, or project= and name= of the run.",
        )
    return max(found, key=lambda path: path.stat().st_mtime_ns).absolute()


def _last_in(run: Path) -> Path:
    """Give the last.pt of a run's folder, or of its folder of weights.

    Raises:
        CheckpointError: There is none.
    """
    for path in (run / "weights" / "last.pt", run / "last.pt"):
        if path.is_file():
            return path.absolute()
    raise CheckpointError(
        "there is no weights/last.pt in this folder.",
        path=run,
        remedy="Name the folder of a run that has finished an epoch, or its last.pt.",
    )


def resumed_arguments(saved: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what was given now over the run's own arguments.

    Raises:
        ConfigError: Something is given that would change what the run computes.
    """
    for key, value in given.items():
        if key in CHANGEABLE or key in _NEUTRAL or key not in saved:
            continue
        if not _is_same(key, value, saved[key]) and not (key == "data" and _is_gone(saved[key])):
            raise ConfigError(
                f"a resumed run keeps {key}={saved[key]}, received {key}={value}.",
                value=value,
                remedy=f"Leave {key} out, or start a new training with model=last.pt. "
                f"When resuming you may change {', '.join(sorted(CHANGEABLE))}.",
            )
    kept = {k: v for k, v in saved.items() if k not in ("cfg", "json", "quiet")}
    changed = {k: v for k, v in given.items() if k in CHANGEABLE}
    if _is_gone(saved.get("data")):
        if given.get("data") is None:
            raise DatasetError(
                "The data of the run that goes on is no longer there.",
                path=saved["data"],
                remedy="Say where it is now by data=.",
            )
        changed["data"] = given["data"]
    return {**kept, **changed, "resume": True}


def check_moved_data(
    saved: Mapping[str, Any], now: Any, names: Mapping[int, str], data: Mapping[str, Any]
) -> None:
    """Refuse another data set in the place of one that was moved.

    Args:
        saved: The run's own arguments.
        now: Where its data is said to be now.
        names: The classes that the run learns.
        data: What was found there.

    Raises:
        DatasetError: Its classes are others.
    """
    if str(now) == str(saved.get("data")):
        return
    found = dict(data.get("names") or {})
    if found != dict(names):
        raise DatasetError(
            f"These are not the data of the run that goes on: their classes are {', '.join(found.values())}, "
            f"the run's {', '.join(names.values())}.",
            path=str(now),
            remedy="Name the data set that the run began with, or start a new training with model=last.pt.",
        )


def _is_same(key: str, value: Any, saved: Any) -> bool:
    """Say whether an argument is as it was, however it is written.

    Data may be named from another folder than the run was started in; a size may be the one that was asked for,
    before it was made a multiple of the network's stride.
    """
    if key == "data":
        return str(lasting_path(value)) == str(lasting_path(saved))
    if str(value) == str(saved):
        return True
    argument = by_name.get(key)
    if argument is None:
        return False
    try:
        value, saved = coerce(argument, value), coerce(argument, saved)
    except ConfigError:
        return False
    if key == "imgsz" and isinstance(value, int) and isinstance(saved, int):
        return saved in (value, make_divisible(value, _STRIDE))
    return bool(value == saved)


def _is_gone(data: Any) -> bool:
    """Say whether the data of a run is no longer where it was; a name such as ``coco8`` has no place to be missed at."""
    return isinstance(data, str | Path) and Path(data).is_absolute() and not Path(data).exists()


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
