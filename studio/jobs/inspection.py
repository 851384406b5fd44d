"""What a model file says of itself. Only the worker process imports this: it loads torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from engine.nn.autobackend import AutoBackend, exported_suffix
from engine.nn.checkpoint import Checkpoint, load_checkpoint
from engine.nn.open_vocabulary import YOLOEModel
from engine.nn.partial_load import compare
from engine.runtime.errors import ModelError
from studio.jobs.messages import ModelFacts, Takeover
from studio.jobs.open_vocabulary import words_problem
from studio.language import ntr, tr

_PLAIN = (bool, int, float, str, type(None))


def inspect_model(path: Path, classes: int | None = None) -> ModelFacts:
    """Read a model file and return what it says.

    Args:
        path: A checkpoint or an exported file.
        classes: With how many classes a training would start from it.

    Raises:
        EngineError: It cannot be read; says why.
    """
    read: Callable[[Path, int | None], ModelFacts] = (
        _exported if exported_suffix(path) else _checkpoint
    )
    return read(path, classes)


def _checkpoint(path: Path, classes: int | None) -> ModelFacts:
    found = load_checkpoint(path)
    model = found.model
    is_open = isinstance(model, YOLOEModel) and model.head.takes_embeddings and not model.is_fused()
    return ModelFacts(
        path=str(path),
        format=path.suffix.lower().removeprefix("."),
        task=found.task,
        names=tuple(found.names.values()),
        architecture=Path(str(model.yaml.get("yaml_file") or "")).stem,
        parameters=sum(p.numel() for p in model.parameters()),
        written_by=found.software,
        imgsz=_size(found.train_args.get("imgsz")),
        epoch=found.epoch + 1 if found.is_resumable else None,
        train_args=_plain(found.train_args),
        metrics={k: v for k, v in _plain(found.metrics).items() if isinstance(v, float)},
        notes=tuple(_notes(found)),
        is_open=is_open,
        is_fixed=isinstance(model, YOLOEModel) and not model.head.takes_embeddings,
        words_problem=words_problem(model) if is_open else "",
        takeover=None if classes is None or model.is_fused() else _takeover(model, classes),
    )


def _exported(path: Path, _classes: int | None) -> ModelFacts:
    told = AutoBackend(path).metadata
    notes = [tr("any size and batch") if told.dynamic else tr("this size only")]
    notes += [tr("removes duplicates itself")] if told.nms else []
    notes += [tr("computes with 16-bit numbers")] if told.half else []
    return ModelFacts(
        path=str(path),
        format=str(exported_suffix(path)).strip("._"),
        task=told.task,
        names=tuple(told.names.values()),
        imgsz=told.imgsz,
        notes=tuple(notes),
    )


def _notes(found: Checkpoint) -> list[str]:
    notes = []
    if found.model.is_fused():
        notes.append(tr("batch normalisation is folded in: to predict and to export, not to train"))
    channels = found.model.yaml["channels"]
    if channels != 3:
        said = ntr(
            "expects {channels} channel a picture",
            "expects {channels} channels a picture",
            channels,
        )
        notes.append(said.format(channels=channels))
    if found.ema is not None:
        notes.append(tr("has averaged weights beside the trained ones"))
    return notes


def _takeover(model: Any, classes: int) -> Takeover | None:
    """Compare shapes with the same architecture made for so many classes; no weights are made for it."""
    try:
        with torch.device("meta"):
            twin = type(model)(model.yaml, nc=classes, verbose=False)
    except ModelError:
        return None  # its description is of another kind than what can be made anew
    report = compare(twin, twin.state_dict(), model.state_dict())
    total = len(report.loaded) + len(report.initial)
    return Takeover(len(report.loaded), total, report.parts)


def _size(value: Any) -> tuple[int, int] | None:
    if isinstance(value, list | tuple) and value:
        return int(value[0]), int(value[-1])
    return (int(value), int(value)) if isinstance(value, int | float) else None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Keep what every process can unpickle and a table can show."""
    return {str(key): _plain_value(value) for key, value in values.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain_value(part) for part in value]
    return value if isinstance(value, _PLAIN) else str(value)
