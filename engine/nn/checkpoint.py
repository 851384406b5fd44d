"""Model files: reading ours and the Ultralytics layout, always without running their content.

Our files hold tensors and plain values only, as :mod:`engine.nn.checkpoint_writer` writes them. What each
key means is in :class:`Checkpoint`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.cfg.model_check import check_plain
from engine.cfg.model_yaml import find_model_yaml, model_names
from engine.cfg.weights import find_weights
from engine.nn import foreign, safetensors_file, tasks
from engine.nn.checkpoint_writer import (
    CONFIG,
    FORMAT,
    FORMAT_VERSION,
    is_ours,
    save_checkpoint,
    strip_checkpoint,
    write_values,
)
from engine.nn.inert import Inert, printable, short
from engine.nn.model_file import read_values
from engine.nn.partial_load import check_finite, check_fit, load_exactly, unwrapped
from engine.nn.quick_build import Uninitialised, without_garbage_collection
from engine.runtime.errors import CheckpointError, MissingCheckpointError, ModelError

__all__ = [
    "FORMAT",
    "SUFFIXES",
    "Checkpoint",
    "MissingCheckpointError",
    "find_weights",
    "load_checkpoint",
    "load_weights",
    "save_checkpoint",
    "strip_checkpoint",
    "write_values",
]

SUFFIXES = (".pt", ".pth", safetensors_file.SUFFIX)
# Keys of the file that are attributes of a Checkpoint as they are, and what they must be
_SHARED_KEYS: dict[str, tuple[type, ...]] = {
    "task": (str,),
    "yaml": (dict,),
    "train_args": (dict,),
    "epoch": (int,),
    "best_fitness": (float, int, NoneType),
    "ema": (dict, NoneType),
    "updates": (int,),
    "optimizer": (dict, NoneType),
    "scaler": (dict, NoneType),
    "metrics": (dict,),
    "results": (dict,),
    "dataset_version": (object,),
    "software": (str,),
    "extra": (dict,),
}
_OTHER_KEYS: dict[str, tuple[type, ...]] = {
    "format_version": (int,),
    "names": (dict, list),
    "fused": (bool, int),
    "model": (dict,),
}
# What a description beside weights may leave out
_DEFAULTS: dict[str, Any] = {
    "format_version": FORMAT_VERSION,
    "train_args": {},
    "epoch": -1,
    "best_fitness": None,
    "updates": 0,
    "metrics": {},
    "results": {},
    "dataset_version": None,
    "software": "",
    "extra": {},
}
# What other programs' files say of who made the weights, and under which licence they are
_ORIGIN_KEYS = ("author", "license")
_ONLY_TRAINING = ("ema", "optimizer", "scaler")
# A number of classes that is no other size in any model, to find where it goes
_PROBE_CLASSES = 7


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


def load_checkpoint(path: str | Path, device: str | torch.device = "cpu") -> Checkpoint:
    """Read a model file, ours or in the Ultralytics layout.

    Weights without a description are read where the file has the name of one, as ``yolo11n-seg.pt`` has.

    Args:
        path: The file, or a name that :func:`engine.cfg.weights.find_weights` finds or fetches.
        device: Where the model goes.

    Raises:
        MissingCheckpointError: There is no such file.
        CheckpointError: It cannot be read, would run code, or holds a model this version cannot build.
    """
    path = find_weights(path)
    with without_garbage_collection():
        return _ready(_read_values(_open(path), path), device)


def load_weights(path: str | Path) -> tasks.BaseModel | Mapping[str, Tensor]:
    """Return the model of a file, or its tensors alone where nothing describes their model.

    For :meth:`engine.nn.base_model.BaseModel.load`, which takes those of either that fit.

    Raises:
        MissingCheckpointError: There is no such file.
        CheckpointError: It cannot be read, would run code, or holds no weights.
    """
    path = find_weights(path)
    values = _open(path)
    bare = _bare_weights(values)
    if bare is None:
        return _ready(_read_values(values, path)).model
    check_finite(bare, path)
    return bare


def _open(path: Path) -> Any:
    """Return what a file holds: for safetensors the values of ours, or its tensors alone."""
    if path.suffix.lower() != safetensors_file.SUFFIX:
        return read_values(path)
    tensors, metadata = safetensors_file.read_safetensors(path)
    config = _config_of(metadata, path)
    if config is None:
        return tensors
    return _completed({**config, "model": tensors}, path)


def _ready(found: Checkpoint, device: str | torch.device = "cpu") -> Checkpoint:
    """Bring a model to its device, ready to predict."""
    found.model.args = SimpleNamespace(**found.train_args) if found.train_args else None
    stated = {key: found.raw.get(key) for key in _ORIGIN_KEYS}
    found.model.origin = {key: text for key, text in stated.items() if isinstance(text, str)}  # type: ignore[assignment]
    found.model.eval()
    if torch.device(device).type != "cpu":
        found.model.to(device)
    return found


def _read_values(values: Any, path: Path) -> Checkpoint:
    """Make a checkpoint of what a file holds."""
    if is_ours(values):
        return _read_ours(values, path)
    if (tree := foreign.find_tree(values)) is not None:
        return _read_foreign(values if isinstance(values, Mapping) else {}, tree, path)
    bare = _bare_weights(values)
    if bare is not None and path.with_suffix(".yaml").name in model_names():
        return _read_by_name(bare, path)
    raise CheckpointError(
        f"holds {_describe(values)}, expected a model with its description.",
        path=path,
        remedy=_without_description(path)
        if bare is not None
        else "A checkpoint is written by training here, by YOLO.save or in the Ultralytics layout.",
    )


def _without_description(path: Path) -> str:
    """Say what can be done with weights alone."""
    remedy = (
        f"Load its tensors into a model of their kind: YOLO('yolo11n-seg.yaml').load('{path.name}')"
    )
    if path.suffix.lower() != safetensors_file.SUFFIX:
        return f"{remedy}."
    return (
        f"{remedy}; or describe it as JSON in {path.stem}.json beside the file, at least "
        '{"yaml": "yolo11n-seg.yaml", "names": ["..."]}.'
    )


def _read_ours(values: dict[str, Any], path: Path) -> Checkpoint:
    _check_values(values, path)
    description = foreign.plain(values["yaml"])
    try:
        check_plain(description, path)
        with Uninitialised():  # the file replaces every number
            model = tasks.build_model(description, verbose=False)
    except ModelError as error:
        raise CheckpointError(f"its model cannot be built: {error.message}", path=path) from error
    if values["task"] != model.task:
        raise CheckpointError(
            f"it says that it is for {short(values['task'])}, but its model is for {model.task!r}.",
            path=path,
            value=values["task"],
        )
    foreign.take_form(model, values["model"], path, bool(values["fused"]))
    ema = values["ema"]
    if ema is not None:
        check_fit(model, values["model"], path)
    load_exactly(model, values["model"] if ema is None else ema, path)
    model.names = foreign.names_of(values["names"], model.nc)
    shared = {key: values[key] for key in _SHARED_KEYS} | {"yaml": description}
    return Checkpoint(
        model=model,
        path=path,
        weights=values["model"],
        names=model.names,
        raw=values,
        **(shared | {"train_args": _arguments(values["train_args"])}),
    )


def _check_values(values: dict[str, Any], path: Path) -> None:
    """Refuse a file of ours that lacks something, or has it of another kind."""
    kinds = {**_SHARED_KEYS, **_OTHER_KEYS}
    missing = [key for key in kinds if key not in values]
    if missing:
        raise CheckpointError(f"lacks {', '.join(missing)}.", path=path, value=missing)
    wrong = [key for key, kind in kinds.items() if not isinstance(values[key], kind)]
    if wrong:
        raise CheckpointError(
            f"its {wrong[0]!r} is {short(values[wrong[0]])}, expected "
            f"{' or '.join(kind.__name__ for kind in kinds[wrong[0]])}.",
            path=path,
            value=values[wrong[0]],
        )
    for key in ("model", "ema"):
        if not _are_tensors(values[key] or {}):
            raise CheckpointError(f"its {key!r} holds something else than tensors.", path=path)
    if values["format_version"] > FORMAT_VERSION:
        raise CheckpointError(
            f"was written by a newer version ({printable(values['software'])}).",
            path=path,
            remedy="Update this program.",
        )


def _read_foreign(values: Mapping[str, Any], tree: Inert, path: Path) -> Checkpoint:
    model = foreign.build_from_tree(tree, path)
    return Checkpoint(
        model=model,
        path=path,
        task=model.task,
        names=model.names,
        yaml=model.yaml,
        train_args=_arguments(values.get("train_args")) or _arguments(tree.state.get("args")),
        epoch=int(_number(values.get("epoch"), -1)),
        best_fitness=_number(values.get("best_fitness"), None),
        weights=model.state_dict(),
        updates=int(_number(values.get("updates"), 0)),
        optimizer=_table(values.get("optimizer")),
        scaler=_table(values.get("scaler")),
        metrics=_table(values.get("train_metrics")) or {},
        results=_table(values.get("train_results")) or {},
        software=f"ultralytics {_text(values.get('version'))}".strip(),
        raw=dict(values),
    )


def _config_of(metadata: Mapping[str, str], path: Path) -> dict[str, Any] | None:
    """Return the description of a safetensors file: from its metadata, else from a JSON file beside it."""
    beside = (path.with_suffix(".json"), path.with_name("config.json"))
    file = next((b for b in beside if b.is_file()), None)
    text, place = metadata.get(CONFIG), path
    if text is None and file is not None:
        try:
            text, place = file.read_text(encoding="utf-8"), file
        except (OSError, UnicodeDecodeError) as error:
            raise CheckpointError(f"cannot be read ({error}).", path=file) from error
    if text is None:
        return None
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"the description of its model is no JSON ({str(error)[:100]}).", path=place
        ) from error
    if not isinstance(config, dict):
        raise CheckpointError(
            f"the description of its model is {short(config)}, expected a JSON object.", path=place
        )
    return config


def _completed(config: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the values of ours for weights with a description, which may name the model and little more."""
    values = {**_DEFAULTS, **config, "format": FORMAT, **dict.fromkeys(_ONLY_TRAINING)}
    described = values.get("yaml", values.get("architecture"))
    names = values.setdefault("names", {})
    try:
        if isinstance(described, str):
            described = find_model_yaml(described)
            count = len(names) if isinstance(names, list | dict) else 0
            classes = values.get("nc") or count or _classes_in(described, values["model"])
            described["nc"] = classes or described.get("nc")
            described["channels"] = values.get("channels") or described.get("channels")
        if not isinstance(described, dict):
            raise ModelError(
                f"its description has {short(described)} under 'yaml', expected the model's "
                "description or the name of one."
            )
        values["yaml"] = described
        values.setdefault("task", tasks.guess_task(described))
    except ModelError as error:
        raise CheckpointError(f"its model cannot be built: {error.message}", path=path) from error
    values.setdefault("fused", not any(".bn." in name for name in values["model"]))
    return values


def _read_by_name(tensors: Mapping[str, Tensor], path: Path) -> Checkpoint:
    """Read weights without a description from a file that has the name of one."""
    name = path.with_suffix(".yaml").name
    config = {"yaml": name, "model": dict(tensors), "software": "a state dict"}
    return _read_ours(_completed(config, path), path)


def _classes_in(description: dict[str, Any], tensors: Mapping[str, Tensor]) -> int | None:
    """Find the number of classes of weights: the size that follows the classes in a probe."""
    with torch.device("meta"):
        probe = tasks.build_model(description, nc=_PROBE_CLASSES, verbose=False).state_dict()
    ends = [k for k, v in probe.items() if v.ndim and v.shape[0] == _PROBE_CLASSES and k in tensors]
    counts = {tensors[key].shape[0] for key in ends if tensors[key].ndim}
    return counts.pop() if len(counts) == 1 else None


def _bare_weights(values: Any) -> Mapping[str, Tensor] | None:
    """Return a state dict that lies alone in a file, or under one of the usual keys."""
    if not isinstance(values, Mapping) or is_ours(values):
        return None
    usual = (
        values,
        *(values.get(key) for key in ("state_dict", "model", "ema", "model_state_dict")),
    )
    found = next((v for v in usual if isinstance(v, Mapping) and v and _are_tensors(v)), None)
    return None if found is None else unwrapped(found)


def _are_tensors(values: Mapping[Any, Any]) -> bool:
    return all(isinstance(k, str) and isinstance(v, Tensor) for k, v in values.items())


def _arguments(values: Any) -> dict[str, Any]:
    """Return the arguments of a training, as plain values under their names."""
    return {k: v for k, v in (_table(values) or {}).items() if isinstance(k, str)}


def _table(values: Any) -> dict[Any, Any] | None:
    made = foreign.plain(values)
    return made if isinstance(made, dict) else None


def _number(value: Any, default: Any) -> Any:
    if (isinstance(value, np.ndarray) and value.size == 1) or (
        isinstance(value, Tensor) and value.numel() == 1
    ):
        value = value.item()
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return value if is_number else default


def _key_text(key: Any) -> str:
    return printable(key) if isinstance(key, str | int) else short(key)


def _text(value: Any) -> str:
    return printable(value) if isinstance(value, str) else ""


def _describe(values: Any) -> str:
    if isinstance(values, Mapping) and values and _are_tensors(values):
        return f"a state dict of {len(values)} tensors"
    if isinstance(values, Mapping):
        return f"a dictionary of {', '.join(map(_key_text, list(values)[:6]))}"
    return f"a {type(values).__name__}"
