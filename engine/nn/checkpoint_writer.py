"""Writing model files: plain tensors and plain values only, completely or not at all.

A ``.pt`` file is a zip of torch.save that ``torch.load(weights_only=True)`` opens; a ``.safetensors`` file has
the weights, and as JSON in its metadata what is known of them. What each key means is in
:class:`engine.nn.checkpoint.Checkpoint`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine._version import __version__
from engine.nn import safetensors_file
from engine.nn.base_model import BaseModel
from engine.nn.model_file import read_values
from engine.runtime.atomic import atomic_path
from engine.runtime.errors import CheckpointError

FORMAT = "maskwright-checkpoint"
FORMAT_VERSION = 1
# Where a safetensors file has its description, in its metadata
CONFIG = "config"
_PLAIN_TYPES = (bool, int, float, str, bytes)
_ONLY_TRAINING = ("ema", "optimizer", "scaler")


def save_checkpoint(
    path: str | Path,
    model: BaseModel,
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
        path: The file, ``.pt`` or, for weights without the state of a training, ``.safetensors``.
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
        # A trainer's network may be of a person's own making and know nothing of these.
        "task": getattr(model, "task", None),
        "names": getattr(model, "names", {}),
        "yaml": getattr(model, "yaml", {}),
        "fused": isinstance(model, BaseModel) and model.is_fused(),
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
    if Path(path).suffix.lower() == safetensors_file.SUFFIX:
        return _write_safetensors(Path(path), values)
    return write_values(path, values)


def strip_checkpoint(path: str | Path, out: str | Path | None = None) -> Path:
    """Reduce one of our files to what using the model needs: the averaged weights, as float16.

    Args:
        path: The file.
        out: Where to write, ``.pt`` or ``.safetensors``; None replaces the file.

    Raises:
        CheckpointError: It is not one of our files, or cannot be written.
    """
    path = Path(path)
    values = read_values(path)
    if not is_ours(values):
        raise CheckpointError("expected a file written by this program.", path=path)
    weights = values["model"] if values["ema"] is None else values["ema"]
    dropped = dict.fromkeys(("ema", "optimizer", "scaler", "best_fitness"))
    halved = {k: _halved(v) for k, v in weights.items()}
    stripped = {**values, **dropped, "model": halved, "updates": 0, "epoch": -1, "extra": {}}
    target = Path(out or path)
    is_safe = target.suffix.lower() == safetensors_file.SUFFIX
    return (_write_safetensors if is_safe else write_values)(target, stripped)


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


def is_ours(values: Any) -> bool:
    """Tell whether the values of a file are a checkpoint of this program."""
    return isinstance(values, dict) and values.get("format") == FORMAT


def _write_safetensors(path: Path, values: Mapping[str, Any]) -> Path:
    """Write the averaged weights, or the only ones, with everything else as JSON."""
    if values["optimizer"] is not None:
        raise CheckpointError(
            "a safetensors file holds weights, not the state of a training.",
            path=path,
            remedy="Write the state to a .pt file, and its weights by strip_checkpoint.",
        )
    weights = values["model"] if values["ema"] is None else values["ema"]
    told = {k: v for k, v in values.items() if k not in (*_ONLY_TRAINING, "model")}
    config = _json_value(_plain(told, "values", path), "values", path)
    metadata = {"format": "pt", CONFIG: json.dumps(config, ensure_ascii=False, allow_nan=False)}
    return safetensors_file.write_safetensors(path, weights, metadata)


def _json_value(value: Any, place: str, path: Path) -> Any:
    """Return a plain value as JSON has it: keys are text, what is no number is null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _json_value(v, f"{place}.{k}", path) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(v, f"{place}[{i}]", path) for i, v in enumerate(value)]
    if isinstance(value, Tensor | bytes):
        raise CheckpointError(
            f"{place} is a {type(value).__name__}, which a safetensors file cannot hold as text.",
            path=path,
            remedy="Write a .pt file.",
        )
    return value


def _weights_of(model: nn.Module, half: bool) -> dict[str, Tensor]:
    state = {k: v.detach().cpu() for k, v in model.state_dict().items()}
    return {k: _halved(v) for k, v in state.items()} if half else state


def _halved(tensor: Tensor) -> Tensor:
    """Return a tensor as float16, or as it is where that cannot hold its numbers."""
    if not tensor.is_floating_point():
        return tensor
    halved = tensor.half()
    return halved if halved.isfinite().all() or not tensor.isfinite().all() else tensor


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
