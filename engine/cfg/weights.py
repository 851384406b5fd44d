"""Model files by name: where they are looked for, which ones are public, fetching those. Loads no torch."""

from __future__ import annotations

from pathlib import Path

from engine.cfg.model_yaml import model_names
from engine.runtime.errors import CheckpointError, MissingCheckpointError
from engine.runtime.settings import settings


def find_weights(name: str | Path) -> Path:
    """Return the path of a model file: as given, or in the weights folder of the settings.

    Raises:
        MissingCheckpointError: It is in neither place.
    """
    path = Path(name).expanduser()
    found = local_weights(path)
    if found is not None:
        return found
    folder = settings.folder("weights_dir")
    description = path.with_suffix(".yaml").name
    start = f", or start untrained from {description}" if description in model_names() else ""
    raise MissingCheckpointError(
        "there is no such model file.",
        path=path,
        remedy=f"Put it at {path.absolute()} or into {folder}{start}.",
    )


def local_weights(name: str | Path) -> Path | None:
    """Return the path of a model file on this computer: as given, or in the weights folder.

    Raises:
        CheckpointError: It is a folder.
    """
    path = Path(name).expanduser()
    for candidate in (path, settings.folder("weights_dir") / path.name):
        if candidate.is_file():
            return candidate
    if path.is_dir():
        raise CheckpointError("expected a model file, received a folder.", path=path)
    return None
