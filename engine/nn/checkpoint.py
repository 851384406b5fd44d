"""Model files: writing ours, reading ours and the Ultralytics layout, always without running their content.

Our file is a zip of torch.save with tensors and plain values only; ``torch.load(weights_only=True)`` opens
it. What each key means is in :class:`Checkpoint`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine._version import __version__
from engine.cfg.weights import find_weights
from engine.nn import foreign, tasks
from engine.nn.model_file import read_values
from engine.runtime.atomic import atomic_path
from engine.runtime.errors import CheckpointError, ModelError

FORMAT = "maskwright-checkpoint"
FORMAT_VERSION = 1
SUFFIXES = (".pt", ".pth")
# Keys of the file that are attributes of a Checkpoint as they are
_SHARED_KEYS = (
    "task",
    "yaml",
    "train_args",
    "epoch",
    "best_fitness",
    "ema",
    "updates",
    "optimizer",
    "scaler",
    "metrics",
    "results",
    "dataset_version",
    "software",
    "extra",
)
_OTHER_KEYS = ("format_version", "names", "fused", "model")
_PLAIN_TYPES = (bool, int, float, str, bytes)


@dataclass
class Checkpoint:
    """What a model file holds.

    Attributes:
        model: The model to use, float32, eval mode, on the device asked for; with the averaged weights
            where the file has them.
        path: The file.
        task: What the model does.
        names: Class id to class name.
        yaml: The model's description.
        train_args: The arguments of its training.
        epoch: 0-based number of the last finished epoch; -1 where training is finished or never was.
        best_fitness: The best fitness so far.
        weights: State dict of the model as trained, not averaged, to go on training from.
        ema: State dict of the average; None where the file has only one set of weights.
        updates: How many updates the average has had.
        optimizer: State of the optimizer; None in finished files.
        scaler: State of the gradient scaler.
        metrics: Metrics of the weights in the file.
        results: Columns of the run so far.
        dataset_version: Which labels made the model, as recorded by whoever started the training.
        software: What wrote the file.
        extra: Whatever the training stored beside, plain values.
        raw: Everything, as read.
    """

    model: tasks.BaseModel
    path: Path
    task: str
    names: dict[int, str]
    yaml: dict[str, Any]
    train_args: dict[str, Any]
    epoch: int = -1
    best_fitness: float | None = None
    weights: dict[str, Tensor] = field(default_factory=dict)
    ema: dict[str, Tensor] | None = None
    updates: int = 0
    optimizer: dict[str, Any] | None = None
    scaler: dict[str, Any] | None = None
    metrics: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    dataset_version: Any = None
    software: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def is_resumable(self) -> bool:
        """Whether a training can go on from it exactly."""
        return self.optimizer is not None and self.epoch >= 0


def save_checkpoint(
    path: str | Path,
    model: tasks.BaseModel,
    *,
    ema: nn.Module | None = None,
    updates: int = 0,
    optimizer: Mapping[str, Any] | None = None,
    scaler: Mapping[str, Any] | None = None,
    epoch: int = -1,
    best_fitness: float | None = None,
    train_args: Any = None,
    metrics: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    dataset_version: Any = None,
    extra: Mapping[str, Any] | None = None,
    half: bool = False,
) -> Path:
    """Write a model file; ``path`` then holds either its old content or all of the new.

    Args:
        path: The file.
        model: The model as trained.
        ema: The averaged model.
        updates: How many updates the average has had.
        optimizer: ``optimizer.state_dict()``, to resume from.
        scaler: ``scaler.state_dict()``.
        epoch: 0-based number of the last finished epoch; -1 for a finished training.
        best_fitness: The best fitness so far.
        train_args: The training's arguments, a mapping or a namespace.
        metrics: Metrics of these weights.
        results: Columns of the run so far.
        dataset_version: Which labels made it.
        extra: Plain values to keep beside.
        half: Store the weights as float16, half the size; for finished files.

    Raises:
        CheckpointError: A value is neither a tensor nor plain, or the file cannot be written.
    """
    values = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "software": f"maskwright {__version__}",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "task": model.task,
        "names": model.names,
        "yaml": model.yaml,
        "fused": model.is_fused(),
        "epoch": epoch,
        "best_fitness": best_fitness,
        "model": _weights_of(model, half),
        "ema": None if ema is None else _weights_of(ema, half),
        "updates": updates,
        "optimizer": optimizer,
        "scaler": scaler,
        "train_args": {} if train_args is None else train_args,
        "metrics": metrics or {},
        "results": results or {},
        "dataset_version": dataset_version,
        "extra": extra or {},
    }
    return write_values(path, values)


def strip_checkpoint(path: str | Path, out: str | Path | None = None) -> Path:
    """Reduce one of our files to what using the model needs: the averaged weights, as float16.

    Args:
        path: The file.
        out: Where to write; None replaces the file.

    Raises:
        CheckpointError: It is not one of our files, or cannot be written.
    """
    path = Path(path)
    values = read_values(path)
    if not _is_ours(values):
        raise CheckpointError("expected a file written by this program.", path=path)
    weights = values["model"] if values["ema"] is None else values["ema"]
    dropped = dict.fromkeys(("ema", "optimizer", "scaler", "best_fitness"))
    halved = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    stripped = {**values, **dropped, "model": halved, "updates": 0, "epoch": -1, "extra": {}}
    return write_values(out or path, stripped)


def load_checkpoint(path: str | Path, device: str | torch.device = "cpu") -> Checkpoint:
    """Read a model file, ours or in the Ultralytics layout.

    Args:
        path: The file, or a name that :func:`engine.cfg.weights.find_weights` finds or fetches.
        device: Where the model goes.

    Raises:
        MissingCheckpointError: There is no such file.
        CheckpointError: It cannot be read, would run code, or holds a model this version cannot build.
    """
    path = find_weights(path)
    values = read_values(path)
    if _is_ours(values):
        found = _read_ours(values, path)
    elif (tree := foreign.find_tree(values)) is not None:
        found = _read_foreign(values, tree, path)
    else:
        raise CheckpointError(
            f"holds {_describe(values)}, expected a model with its description.",
            path=path,
            remedy="Build the model from its YAML, then load these tensors into it.",
        )
    found.model.args = SimpleNamespace(**found.train_args) if found.train_args else None
    found.model.float().eval().to(device)
    return found


def write_values(path: str | Path, values: Mapping[str, Any]) -> Path:
    """Write tensors and plain values with torch.save, completely or not at all.

    Raises:
        CheckpointError: A value is of another kind, or the file cannot be written.
    """
    path = Path(path)
    content = {str(k): _plain(v, str(k), path) for k, v in values.items()}
    try:
        with atomic_path(path) as temporary:
            torch.save(content, temporary)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"cannot be written ({getattr(error, 'strerror', None) or error}).",
            path=path,
            remedy="Check the free space and the permissions of the folder; an older file there is unharmed.",
        ) from error
    return path


def _read_ours(values: dict[str, Any], path: Path) -> Checkpoint:
    missing = [key for key in _SHARED_KEYS + _OTHER_KEYS if key not in values]
    if missing:
        raise CheckpointError(f"lacks {', '.join(missing)}.", path=path, value=missing)
    if values["format_version"] > FORMAT_VERSION:
        raise CheckpointError(
            f"was written by a newer version ({values.get('software')}).",
            path=path,
            remedy="Update this program.",
        )
    try:
        model = tasks.TASKS[values["task"]](values["yaml"], verbose=False)
    except (KeyError, ModelError) as error:
        raise CheckpointError(f"its model cannot be built: {error}.", path=path) from error
    if values["fused"]:
        model.fuse()
    ema = values["ema"]
    foreign.load_exactly(model, values["model"] if ema is None else ema, path)
    model.names = foreign.names_of(values["names"], model.nc)
    return Checkpoint(
        model=model,
        path=path,
        weights=values["model"],
        names=model.names,
        raw=values,
        **{key: values[key] for key in _SHARED_KEYS},
    )


def _read_foreign(values: dict[str, Any], tree: foreign.Inert, path: Path) -> Checkpoint:
    model = foreign.build_from_tree(tree, path)
    args = foreign.plain(values.get("train_args") or tree.state.get("args") or {})
    epoch = values.get("epoch")
    return Checkpoint(
        model=model,
        path=path,
        task=model.task,
        names=model.names,
        yaml=model.yaml,
        train_args=args,
        epoch=-1 if epoch is None else int(epoch),
        best_fitness=values.get("best_fitness"),
        weights=model.state_dict(),
        updates=int(values.get("updates") or 0),
        optimizer=foreign.plain(values.get("optimizer")),
        scaler=foreign.plain(values.get("scaler")),
        metrics=foreign.plain(values.get("train_metrics") or {}),
        results=foreign.plain(values.get("train_results") or {}),
        software=f"ultralytics {values.get('version') or ''}".strip(),
        raw=values,
    )


def _is_ours(values: Any) -> bool:
    return isinstance(values, dict) and values.get("format") == FORMAT


def _weights_of(model: nn.Module, half: bool) -> dict[str, Tensor]:
    state = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    return {k: v.half() if half and v.is_floating_point() else v for k, v in state.items()}


def _plain(value: Any, place: str, path: Path) -> Any:
    """Return ``value`` made of types that ``weights_only`` loading lets through."""
    if value is None or type(value) in _PLAIN_TYPES:
        return value
    base: Any
    for base in _PLAIN_TYPES:  # an enum or another child of a plain type keeps its plain value
        if isinstance(value, base) and not isinstance(value, np.generic):
            return base(value)
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, SimpleNamespace):
        value = vars(value)
    if isinstance(value, Mapping):
        return {_plain(k, place, path): _plain(v, f"{place}.{k}", path) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        made = [_plain(v, f"{place}[{i}]", path) for i, v in enumerate(value)]
        return tuple(made) if isinstance(value, tuple) else made
    raise CheckpointError(
        f"{place} cannot be stored: expected a tensor or a plain value, received "
        f"{type(value).__name__}.",
        path=path,
        value=value,
        remedy="Store numbers, text, lists, dictionaries or tensors.",
    )


def _describe(values: Any) -> str:
    if (
        isinstance(values, Mapping)
        and values
        and all(isinstance(v, Tensor) for v in values.values())
    ):
        return f"a state dict of {len(values)} tensors"
    if isinstance(values, Mapping):
        return f"a dictionary of {', '.join(map(str, list(values)[:6]))}"
    return f"a {type(values).__name__}"
