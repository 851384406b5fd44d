"""Checkpoints in the Ultralytics layout: a pickled module tree becomes one of our models.

The tree's classes are never loaded (see ``model_file.py``); our model is built from the description that
lies in the file and takes its tensors. A family is added in ``build.LAYERS`` and ``tasks.TASKS``, and with
its model class here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from engine.nn.model_file import Inert
from engine.nn.modules.conv import Conv
from engine.nn.tasks import TASKS, BaseModel
from engine.runtime.errors import CheckpointError, ModelError

# class name in the file -> task
MODEL_CLASSES = {"DetectionModel": "detect", "SegmentationModel": "segment"}

# class name in the file -> attributes that must be as in our module, because no tensor tells them
_TELLING = {
    "Conv2d": ("kernel_size", "stride", "padding", "dilation", "groups"),
    "ConvTranspose2d": ("kernel_size", "stride", "padding"),
    "BatchNorm2d": ("eps",),
    "MaxPool2d": ("kernel_size", "stride", "padding"),
    "Bottleneck": ("add",),
    "Attention": ("num_heads", "scale"),
}


def find_tree(values: Any) -> Inert | None:
    """Return the module tree to use of an Ultralytics-layout file: the average if there is one."""
    if not isinstance(values, Mapping):
        return None
    trees = (values.get("ema"), values.get("model"))
    return next((t for t in trees if isinstance(t, Inert)), None)


def build_from_tree(tree: Inert, path: Path) -> BaseModel:
    """Make our model of a pickled tree, with its weights as float32.

    Raises:
        CheckpointError: The model is of a kind that this version cannot build, or differs from ours.
    """
    if tree.kind not in MODEL_CLASSES:
        raise CheckpointError(
            f"holds a {tree.kind}, which this version cannot build.",
            path=path,
            value=tree.kind,
            remedy=f"It can build: {', '.join(MODEL_CLASSES)}.",
        )
    description = tree.state.get("yaml")
    if not isinstance(description, Mapping):
        raise CheckpointError(f"its {tree.kind} has no description.", path=path)
    channels = description.get("channels") or description.get("ch") or 3
    try:
        model = TASKS[MODEL_CLASSES[tree.kind]](description, channels, verbose=False)
    except ModelError as error:
        raise CheckpointError(f"its model cannot be built: {error.message}", path=path) from error
    tensors = dict(tensors_of(tree))
    if not any(".bn." in name for name in tensors):
        model.fuse()
    _check_same(model, tree, path)
    load_exactly(model, tensors, path)
    model.names = names_of(tree.state.get("names"), model.nc)
    return model


def tensors_of(tree: Inert, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the state dict of a pickled tree."""
    transient = tree.state.get("_non_persistent_buffers_set") or ()
    for name, value in (tree.state.get("_parameters") or {}).items():
        if isinstance(value, Tensor):
            yield prefix + name, value.data
    for name, value in (tree.state.get("_buffers") or {}).items():
        if isinstance(value, Tensor) and name not in transient:
            yield prefix + name, value
    for name, child in _children(tree):
        yield from tensors_of(child, f"{prefix}{name}.")


def load_exactly(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load a state dict that must fit completely.

    Raises:
        CheckpointError: Names or shapes differ.
    """
    own = model.state_dict()
    wrong = [k for k in own if k not in tensors or tensors[k].shape != own[k].shape]
    wrong += [k for k in tensors if k not in own]
    if wrong:
        raise CheckpointError(
            f"its tensors do not fit its description: {len(wrong)} differ, first {wrong[0]}.",
            path=path,
            value=wrong,
        )
    model.load_state_dict(dict(tensors))


def names_of(names: Any, nc: int) -> dict[int, str]:
    """Return class names as {id: name}, numbers where the file has none."""
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    given = {int(k): str(v) for k, v in names.items()} if isinstance(names, Mapping) else {}
    return {i: given.get(i, str(i)) for i in range(nc)}


def plain(value: Any) -> Any:
    """Return a foreign value with its inert objects as dictionaries."""
    if isinstance(value, Inert):
        return plain(value.state)
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    return value


def _children(tree: Inert) -> Iterator[tuple[str, Inert]]:
    for name, child in (tree.state.get("_modules") or {}).items():
        if isinstance(child, Inert):
            yield name, child


def _walk(tree: Inert, prefix: str = "") -> Iterator[tuple[str, Inert]]:
    yield prefix.removesuffix("."), tree
    for name, child in _children(tree):
        yield from _walk(child, f"{prefix}{name}.")


def _check_same(model: nn.Module, tree: Inert, path: Path) -> None:
    """Compare what tensors do not tell: strides, paddings, activations, shortcuts."""
    ours = dict(model.named_modules())
    for name, theirs in _walk(tree):
        mine = ours.get(name)
        if mine is None:
            continue
        for attribute in _TELLING.get(theirs.kind, ()):
            if theirs.state.get(attribute) != getattr(mine, attribute, None):
                raise _differs(path, f"{name}.{attribute}", theirs.state.get(attribute))
        if isinstance(mine, Conv):
            act = dict(_children(theirs)).get("act")
            if act is not None and act.kind != type(mine.act).__name__:
                raise _differs(path, f"{name}.act", act.kind)


def _differs(path: Path, place: str, value: Any) -> CheckpointError:
    return CheckpointError(
        f"its model differs from what this version builds: {place} is {value}.",
        path=path,
        value=value,
        remedy="Export it to ONNX where it was made, and use that.",
    )
