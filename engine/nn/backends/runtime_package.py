"""Importing the package that runs a kind of file, said in words where it is not installed."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from engine.runtime.errors import ModelError


def runtime_package(name: str, install: str, path: Path) -> ModuleType:
    """Import a package.

    Args:
        name: The module.
        install: What gets it.
        path: The file that needs it.

    Raises:
        ModelError: It is not installed, or cannot be loaded.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        raise ModelError(
            f"running this file needs the package {name.partition('.')[0]}, which "
            f"{'is not installed' if missing else f'cannot be loaded ({error})'}.",
            path=path,
            value=name,
            remedy=f"Install it: {install}.",
        ) from error


def unreadable(path: Path, kind: str, reason: object) -> ModelError:
    """Return the error for a file that its runtime refuses."""
    first = str(reason).strip().partition("\n")[0] or "no reason given"
    return ModelError(
        f"cannot be opened as {kind} ({first}).",
        path=path,
        remedy="Export it again from its .pt file.",
    )
