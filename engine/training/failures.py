"""What goes wrong during a training, sorted into kinds, each with a sentence on what to do."""

from __future__ import annotations

import errno
import os
import traceback
from dataclasses import dataclass
from typing import Literal, cast

import torch

from engine.runtime.errors import (
    CheckpointError,
    ConfigError,
    DatasetError,
    DeviceError,
    EngineError,
    ImageError,
    ModelError,
)

Kind = Literal["out_of_memory", "data", "checkpoint", "config", "disk", "diverged", "crash"]


class DivergedError(EngineError, ArithmeticError):
    """The loss became infinite or not a number and could not be recovered."""


@dataclass(frozen=True)
class Failure:
    """One failure as the run directory records it."""

    kind: Kind
    message: str
    remedy: str
    details: str


_REMEDIES: dict[Kind, str] = {
    "out_of_memory": "Take a smaller batch or image size, a smaller model, or another device; "
    "then resume from last.pt.",
    "data": "Repair or remove the named file, then start again or resume.",
    "checkpoint": "Choose another model file; last.pt and best.pt of the run are the candidates.",
    "config": "Correct the argument and start again.",
    "disk": "Free some space or make the run's folder writable, then resume from last.pt.",
    "diverged": "Lower lr0, look for labels outside their images, or train with amp=False.",
    "crash": "The details name the line; resume from last.pt when the cause is gone.",
}

_BY_TYPE: tuple[tuple[type[BaseException], Kind], ...] = (
    (DivergedError, "diverged"),
    (DatasetError, "data"),
    (ImageError, "data"),
    (CheckpointError, "checkpoint"),
    (ConfigError, "config"),
    (ModelError, "config"),
    (DeviceError, "config"),
    (torch.cuda.OutOfMemoryError, "out_of_memory"),
    (MemoryError, "out_of_memory"),
)

# torch raises plain RuntimeError where the CPU's allocator or a loader's process fails.
_BY_TEXT: tuple[tuple[str, Kind], ...] = (
    ("out of memory", "out_of_memory"),
    ("can't allocate memory", "out_of_memory"),
    ("not enough memory", "out_of_memory"),
    ("unable to allocate", "out_of_memory"),
    # What CUDA's libraries say where torch could not give them the memory they work in.
    ("alloc_failed", "out_of_memory"),
    ("allocation_failed", "out_of_memory"),
    ("unable to find a valid cudnn algorithm", "out_of_memory"),
    ("unable to find an engine to execute", "out_of_memory"),
    ("killed by signal: killed", "out_of_memory"),
    ("bus error", "out_of_memory"),
    ("no space left", "disk"),
)
_DISK = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


def names_nothing(error: BaseException) -> bool:
    """Tell whether an error is about a file that is not there: most often a path that was mistyped."""
    # os.path says no of a name that is too long for a file, pathlib refuses it.
    return (
        isinstance(error, EngineError) and error.path is not None and not os.path.exists(error.path)  # noqa: PTH110
    )


def describe(error: BaseException) -> Failure:
    """Sort an exception into a kind and say what to do about it."""
    kind = kind_of(error)
    own = getattr(error, "remedy", None)
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    place = getattr(error, "path", None)
    line = getattr(error, "line", None)
    if place is not None:
        text = f"{place}{f', line {line}' if line is not None else ''}: {text}"
    if kind == "crash" and not isinstance(error, EngineError):
        text = f"{type(error).__name__}: {text}"
    details = "".join(traceback.format_exception(error))
    return Failure(kind, text.strip(), own or _REMEDIES[kind], details)


def kind_of(error: BaseException) -> Kind:
    """Give the kind of an exception; where a full disk is behind it, that is the kind."""
    if _is_disk(error) or _is_disk(error.__cause__):
        return "disk"
    for cls, kind in _BY_TYPE:
        if isinstance(error, cls):
            return kind
    if isinstance(told := getattr(error, "kind", None), str) and told in _REMEDIES:
        return cast("Kind", told)  # another process has sorted it
    text = str(error).lower()
    for phrase, kind in _BY_TEXT:
        if phrase in text:
            return kind
    return "crash"


def _is_disk(error: BaseException | None) -> bool:
    """Say whether it is the file system that refused to write."""
    if isinstance(error, CheckpointError):
        return error.message.startswith("cannot be written")  # torch gives no better sign
    return (
        isinstance(error, OSError) and not isinstance(error, EngineError) and error.errno in _DISK
    )
