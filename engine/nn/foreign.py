"""Checkpoints in the Ultralytics layout: a pickled module tree becomes one of our models.

The tree's classes are never loaded (see ``model_file.py``); our model is built from the description that
lies in the file and takes its tensors. A family is added in ``build.LAYERS`` and ``tasks.MODELS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from engine.cfg.model_check import check_plain
from engine.nn.inert import Inert, short
from engine.nn.modules.conv import Conv
from engine.nn.partial_load import load_exactly
from engine.nn.quick_build import Uninitialised
from engine.nn.tasks import MODELS, BaseModel, build_model, model_class
from engine.runtime.errors import CheckpointError, ModelError

# class name in the file -> our model; the names are the same
MODEL_CLASSES = {model.__name__: model for model in MODELS.values()}

# class name in the file -> attributes that must be as in our module, because no tensor tells them
_TELLING = {
    "Conv2d": ("kernel_size", "stride", "padding", "dilation", "groups"),
    "ConvTranspose2d": ("kernel_size", "stride", "padding"),
    "BatchNorm2d": ("eps",),
    "MaxPool2d": ("kernel_size", "stride", "padding"),
    "Upsample": ("scale_factor", "mode"),
    "Concat": ("d",),
    "Bottleneck": ("add",),
    "PSABlock": ("add",),
    "Attention": ("num_heads", "scale"),
    "AAttn": ("num_heads", "area"),
}
# Modules that hold the model as their child: for several devices, or compiled
_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "OptimizedModule": "_orig_mod",
}
# What a module keeps its parts in
_TABLES: dict[str, type | tuple[type, ...]] = {
    "_parameters": dict,
    "_buffers": dict,
    "_modules": dict,
    "_non_persistent_buffers_set": (set, list, tuple),
}
# The largest models have some 2000 modules, none deeper than 12
_MOST_MODULES = 50_000
_DEEPEST = 64


def find_tree(values: Any) -> Inert | None:
    """Return the module tree to use of an Ultralytics-layout file: the average if there is one.

    The file holds a dictionary with the tree, or the tree alone.
    """
    trees = (values.get("ema"), values.get("model")) if isinstance(values, Mapping) else (values,)
    tree = next((t for t in trees if isinstance(t, Inert)), None)
    while tree is not None and tree.kind in _WRAPPERS:
        tree = dict(_children(tree)).get(_WRAPPERS[tree.kind])
    return tree


def build_from_tree(tree: Inert, path: Path) -> BaseModel:
    """Make our model of a pickled tree, with its weights as float32.

    Raises:
        CheckpointError: The model is of a kind that this version cannot build, or differs from ours.
    """
    description = description_of(tree, path)
    try:
        with Uninitialised():  # the file replaces every number
            model = build_model(description, description["channels"], verbose=False)
    except ModelError as error:
        raise CheckpointError(f"its model cannot be built: {error.message}", path=path) from error
    tree = _checked(tree, path)
    tensors = dict(tensors_of(tree))
    given = ((name, tree.state.get(name)) for name in model.attributes)
    tensors |= {name: value for name, value in given if isinstance(value, Tensor)}
    take_form(model, tensors, path, is_fused=not any(".bn." in name for name in tensors))
    _check_same(model, tree, path)
    load_exactly(model, tensors, path)
    model.names = names_of(tree.state.get("names"), model.nc)
    return model


def take_form(model: BaseModel, tensors: Mapping[str, Tensor], path: Path, is_fused: bool) -> None:
    """Bring a new model into the form that its weights were stored from.

    Raises:
        CheckpointError: The weights are of no form that it has.
    """
    try:
        model.take_form(tensors)
        if is_fused:
            model.fuse_like(tensors)
    except (ModelError, LookupError, TypeError, ValueError, RuntimeError) as error:
        told = error.message if isinstance(error, ModelError) else short(str(error))
        raise CheckpointError(
            f"its tensors do not fit its description: {told}", path=path
        ) from error


def description_of(tree: Inert, path: Path) -> dict[str, Any]:
    """Return the description that a pickled tree was built from, as plain values.

    Raises:
        CheckpointError: It is of a kind that this version cannot build, or has none.
    """
    if tree.kind not in MODEL_CLASSES:
        raise CheckpointError(
            f"holds a {tree.kind}, which this version cannot build.",
            path=path,
            value=tree.kind,
            remedy=f"It can build: {', '.join(MODEL_CLASSES)}.",
        )
    description = plain(tree.state.get("yaml"))
    if not isinstance(description, dict):
        raise CheckpointError(f"its {tree.kind} has no description.", path=path)
    try:
        check_plain(description, path)
        described = model_class(description)
    except ModelError as error:
        raise CheckpointError(f"its model cannot be built: {error.message}", path=path) from error
    if described is not MODEL_CLASSES[tree.kind]:
        raise CheckpointError(
            f"holds a {tree.kind}, but describes a {described.__name__}.", path=path
        )
    channels = description.get("channels") or description.get("ch") or 3
    return {**description, "channels": channels}


def tensors_of(tree: Inert, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the state dict of a pickled tree."""
    transient = tree.state.get("_non_persistent_buffers_set") or ()
    for name, value in (tree.state.get("_parameters") or {}).items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value
    for name, value in (tree.state.get("_buffers") or {}).items():
        if isinstance(value, Tensor) and name not in transient:
            yield f"{prefix}{name}", value
    for name, child in _children(tree):
        yield from tensors_of(child, f"{prefix}{name}.")


def names_of(names: Any, nc: int) -> dict[int, str]:
    """Return class names as {id: name}, numbers where the file has none."""
    pairs = enumerate(names) if isinstance(names, list | tuple) else ()
    given = dict(names if isinstance(names, Mapping) else pairs)
    said = {str(k): str(v) for k, v in given.items() if isinstance(v, str | int | float)}
    return {i: said.get(str(i), str(i)) for i in range(nc)}


def plain(value: Any) -> Any:
    """Return a foreign value with its inert objects as dictionaries, keys of dictionaries as they are.

    What contains itself, or is nested too deep for a model, becomes None at that place.
    """
    return _plain(value, {}, 0)


def _plain(value: Any, made: dict[int, Any], depth: int) -> Any:
    if isinstance(value, Inert):
        value = value.state
    if not isinstance(value, Mapping | list | tuple | set):
        return value
    if depth > _DEEPEST:
        return None
    if id(value) not in made:  # lists may be shared many times: each is converted once
        made[id(value)] = None
        if isinstance(value, Mapping):
            made[id(value)] = {k: _plain(v, made, depth + 1) for k, v in value.items()}
        else:
            made[id(value)] = [_plain(v, made, depth + 1) for v in value]
    return made[id(value)]


def _children(tree: Inert) -> Iterator[tuple[str, Inert]]:
    for name, child in (tree.state.get("_modules") or {}).items():
        if isinstance(child, Inert):
            yield name, child


def _walk(tree: Inert, prefix: str = "") -> Iterator[tuple[str, Inert]]:
    yield prefix.removesuffix("."), tree
    for name, child in _children(tree):
        yield from _walk(child, f"{prefix}{name}.")


def _checked(tree: Inert, path: Path) -> Inert:
    """Refuse a tree that is none: with parts of other kinds, without an end, or too large to walk."""
    left, level = _MOST_MODULES, [tree]
    for _ in range(_DEEPEST):
        for part in level:
            for key, kind in _TABLES.items():
                value = part.state.get(key)
                if value is not None and not isinstance(value, kind):
                    raise CheckpointError(f"its {part.kind} is damaged: {key} is none.", path=path)
        left -= len(level)
        below = (child for part in level for _, child in _children(part))
        level = list(islice(below, max(left, 0) + 1))
        if not level:
            return tree
        if len(level) > left:
            break
    raise CheckpointError("its modules are nested too deep or too many for a model.", path=path)


def _check_same(model: nn.Module, tree: Inert, path: Path) -> None:
    """Compare what tensors do not tell: strides, paddings, activations, shortcuts."""
    ours = dict(model.named_modules())
    for name, theirs in _walk(tree):
        mine = ours.get(name)
        if mine is None:
            continue
        for attribute in _TELLING.get(theirs.kind, ()):
            given, own = theirs.state.get(attribute), getattr(mine, attribute, None)
            if attribute in theirs.state and own is not None and not _same(given, own):
                raise _differs(path, f"{name}.{attribute}", given)
        if isinstance(mine, Conv):
            act = dict(_children(theirs)).get("act")
            if act is not None and act.kind != type(mine.act).__name__:
                raise _differs(path, f"{name}.act", act.kind)


def _same(given: Any, own: Any) -> bool:
    """Compare numbers, words and flat tuples of them; anything else differs."""
    if isinstance(given, tuple) and isinstance(own, tuple):
        return len(given) == len(own) and all(map(_same, given, own))
    plain_types = (bool, int, float, str)
    return isinstance(given, plain_types) and isinstance(own, plain_types) and given == own


def _differs(path: Path, place: str, value: Any) -> CheckpointError:
    told = ", ".join(map(short, value[:4])) if isinstance(value, tuple) else short(value)
    return CheckpointError(
        f"its model differs from what this version builds: {place} is {told}.",
        path=path,
        value=value,
        remedy="Export it to ONNX where it was made, and use that.",
    )
