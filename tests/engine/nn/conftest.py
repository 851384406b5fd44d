"""Fixtures of the network's tests: files in the Ultralytics layout, of classes that exist nowhere else."""

from __future__ import annotations

import sys
import types
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn


def _write_foreign(model: Any, path: Any, legacy: bool = False, **more: Any) -> Any:
    """Save a model of ours as the other library would, with ``more`` beside it."""
    made: dict[str, types.ModuleType] = {}
    tree = _copied(model, made)
    with _importable(made):
        values = {"model": tree, "epoch": -1, "train_args": {"imgsz": 64}, "version": "8.4.0"}
        torch.save(values | more, path, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.fixture(scope="session")
def write_foreign() -> Any:
    """The function that writes such a file: ``write_foreign(model, path, legacy=False, **more)``."""
    return _write_foreign


@contextmanager
def _importable(modules: dict[str, types.ModuleType]) -> Any:
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


def _copied(module: nn.Module, made: dict[str, types.ModuleType]) -> Any:
    """Copy a module into an object of a class that has the name the other library gives it."""
    kind = type(module).__name__
    if type(module).__module__.startswith("torch."):
        copied = object.__new__(type(module))
    else:
        place = "ultralytics.nn.tasks" if kind.endswith("Model") else "ultralytics.nn.modules.block"
        holder = made.setdefault(place, types.ModuleType(place))
        for part in ("ultralytics", "ultralytics.nn", "ultralytics.nn.modules"):
            made.setdefault(part, types.ModuleType(part))
        if not hasattr(holder, kind):
            setattr(holder, kind, type(kind, (), {"__module__": place}))
        copied = object.__new__(getattr(holder, kind))
    state = {k: v for k, v in vars(module).items() if not k.startswith("_") and k != "type"}
    state["_parameters"] = dict(module._parameters)
    state["_buffers"] = dict(module._buffers)
    state["_modules"] = {
        k: v if v is None else _copied(v, made) for k, v in module._modules.items()
    }
    copied.__dict__.update(state)
    return copied
