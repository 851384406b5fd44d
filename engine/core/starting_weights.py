"""What a training's network is built from, which weights it starts with, and the sentence about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from engine.cfg.arguments import Arguments
from engine.cfg.model_yaml import find_model_yaml
from engine.nn.checkpoint import SUFFIXES, Checkpoint, load_checkpoint, load_weights
from engine.nn.partial_load import LoadReport
from engine.nn.tasks import BaseModel, model_class
from engine.runtime.errors import ConfigError, ModelError

# From this share of its values on, a network counts as trained before.
MOSTLY = 0.5


class Start(NamedTuple):
    """Where a network comes from.

    Attributes:
        cfg: Name, path or content of its description.
        weights: Model whose fitting weights it takes over; None for random ones.
    """

    cfg: Any
    weights: Any


def find_start(args: Arguments, default: str) -> Start:
    """Read what ``model`` and ``pretrained`` name.

    Args:
        args: Arguments of the run.
        default: Description to take where no model is named.

    Raises:
        CheckpointError: A file of weights cannot be read.
    """
    name, pretrained = args.model or default, args.pretrained
    weights = load_weights(pretrained) if isinstance(pretrained, str | Path) else None
    if Path(name).suffix.lower() not in SUFFIXES:
        return Start(name, weights)
    model = load_checkpoint(name).model
    return Start(model.yaml, model if weights is None and pretrained is not False else weights)


def source_name(args: Arguments, default: str) -> str:
    """Give the name of the file that the weights of a run are from, without its folder."""
    pretrained = args.pretrained
    named = pretrained if isinstance(pretrained, str | Path) else args.model or default
    return Path(named).name


def check_buildable(cfg: Any, kind: type[nn.Module], task: str) -> None:
    """Refuse a description of which ``kind``, the model class of a task's trainer, would make nothing sensible.

    Raises:
        ModelError: It cannot be read, or its head is one of another task.
    """
    description = cfg if isinstance(cfg, Mapping) else find_model_yaml(cfg)
    found = model_class(description)
    if found.task == task and issubclass(kind, found):
        return
    name = Path(str(description.get("yaml_file") or cfg)).name
    if found.task != task:
        raise ModelError(
            f"{name} describes a model for {found.task}, expected one for {task}.",
            value=name,
            remedy=f"Train a model for {task}; with pretrained= it takes over the layers that both have.",
        )
    raise ModelError(
        f"{name} describes a {found.__name__}, expected a {kind.__name__}.",
        value=name,
        remedy="Open-vocabulary models are trained by YOLOE(...).train() or the trainers of "
        "engine.models.yolo.yoloe; a plain model takes over with pretrained= the layers that both have.",
    )


def check_probe(wanted: bool, kind: Any) -> None:
    """Refuse ``linear_probe`` where a trainer's class does nothing of that kind.

    Raises:
        ConfigError: It is wanted of such a trainer.
    """
    if wanted and not kind.is_probe:
        raise ConfigError(
            "linear_probe=True adapts trained weights of YOLOE, and this training is of another kind "
            f"({kind.__name__}).",
            value=True,
            remedy="Name such weights, as in model=yoloe-11s-seg.pt, or leave linear_probe out.",
        )


def check_trainable(weights: Any) -> None:
    """Refuse weights whose batch normalisations are folded into the convolutions.

    Args:
        weights: A checkpoint, a model or a state dict.

    Raises:
        ModelError: They are.
    """
    model = weights.model if isinstance(weights, Checkpoint) else weights
    if isinstance(model, BaseModel) and model.is_fused():
        path = weights.path if isinstance(weights, Checkpoint) else None
        raise ModelError(
            "the weights are fused: they can predict and be exported, but not be trained any further.",
            path=path,
            remedy="Start from the file that was saved before fuse().",
        )


def loaded_share(model: nn.Module, report: LoadReport) -> float:
    """Give the share of a model's values, 0..1, that a partial load has set."""
    sizes = {name: tensor.numel() for name, tensor in model.state_dict().items()}
    return sum(sizes[name] for name in report.loaded) / max(sum(sizes.values()), 1)


def class_counts(model: Any, weights: Any) -> tuple[int, int] | None:
    """Give the numbers of classes of the weights and of the model where they differ."""
    source = weights.model if isinstance(weights, Checkpoint) else weights
    before, now = getattr(source, "nc", None), getattr(model, "nc", None)
    return None if before is None or now is None or before == now else (before, now)


def sentence(name: str, report: LoadReport, counts: tuple[int, int] | None) -> str:
    """Say in one sentence what was kept of a file and which parts of the model start anew.

    Args:
        name: File of the weights.
        report: What was taken.
        counts: Numbers of classes in the file and in the data, where they differ.
    """
    if not report.loaded:
        return f"Nothing of {name} fits this model; it starts from random weights."
    total = len(report.loaded) + len(report.initial)
    if not report.initial:
        return f"Kept all {total} tensors of {name}."
    anew = ", ".join(report.parts) or f"{len(report.initial)} tensors"
    classes = (
        "" if counts is None else f" ({counts[0]} classes in the file, {counts[1]} in the data)"
    )
    return f"Kept {len(report.loaded)} of {total} tensors of {name}; what starts anew: {anew}{classes}."
