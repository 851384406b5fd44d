"""Data sets that are not here yet: the archive that a data.yaml names is fetched, once.

Only an address (http or https) of a zip or tar file is followed. A ``download`` entry that is a script is never run.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from engine.data.yaml_file import (
    locate_data_yaml,
    read_data_yaml,
    split_places,
    without_climb,
)
from engine.runtime.downloads import is_url, safe_download, url2file
from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER
from engine.runtime.settings import settings

_SPLITS = ("train", "val")  # what a training needs: without both there is nothing to fetch for


def open_data_yaml(path: str | Path) -> dict[str, Any]:
    """Return what `read_data_yaml` returns, after fetching images that are missing where ``download`` says from where.

    Raises:
        DatasetError: The description cannot be used, or the archive does not hold what it names.
        DownloadError: The archive cannot be had or unpacked.
    """
    file, values = locate_data_yaml(path)
    address = values.get("download")
    if isinstance(address, str) and is_url(address.strip()) and _is_missing(file, values):
        _fetch(file, values, address.strip())
    return read_data_yaml(file)


def _is_missing(file: Path, values: dict[str, Any]) -> bool:
    """Say whether nothing of what the description names is where it is read from or where it was fetched to."""
    target = _target(file, values)
    read = [path for split in _SPLITS for path in split_places(file, values, split)]
    fetched = [target / name for name in _entries(values)]
    return not any(path.exists() for path in (*read, *fetched))


def _fetch(file: Path, values: dict[str, Any], address: str) -> None:
    """Fetch and unpack an archive, and put what it holds where the description expects it."""
    from engine.runtime.archives import is_archive, unpack

    root = _target(file, values)
    if not is_archive(url2file(address)):
        raise DatasetError(
            "'download' must be the address of a zip or tar file.",
            path=file,
            value=address,
            remedy="Fetch the data yourself and leave 'download' out.",
        )
    LOGGER.info("%s: the images are not here; fetching %s to %s.", file, address, root)
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}.") as made:
        folder = unpack(safe_download(address, dir=made, unzip=False), made)
        inner = _holder(folder, _entries(values))
        if inner is None:
            raise DatasetError(
                f"The archive {address} does not hold {', '.join(_entries(values))}.",
                path=file,
                remedy="Correct 'download' or the names of the splits.",
            )
        root.mkdir(exist_ok=True)
        for entry in inner.iterdir():
            if not (root / entry.name).exists():  # what is there already is the owner's
                shutil.move(entry, root / entry.name)


def _holder(folder: Path, entries: list[str]) -> Path | None:
    """Return the folder, or the one in it, that has the first of the entries."""
    below = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    names = [without_climb(entry) or entry for entry in entries]
    return next((f for f in (folder, *below) if any((f / n).exists() for n in names)), None)


def _target(file: Path, values: dict[str, Any]) -> Path:
    """Return the root where a fetched data set goes.

    Beside the file where ``path`` is not given or is a dot; else as ``path`` says, in the setting
    ``datasets_dir`` where it is relative.
    """
    text = Path(_root_text(values)).expanduser()
    if text == Path():
        return file.parent
    root = text if text.is_absolute() else settings.folder("datasets_dir") / text
    if ".." in root.parts:
        raise DatasetError(
            f"'path: {text}' leads out of the folder for data sets; nothing is fetched.",
            path=file,
            value=str(text),
            remedy="Name a folder without '..', or fetch the data yourself.",
        )
    return root


def _root_text(values: dict[str, Any]) -> str:
    root = values.get("path")
    return root if isinstance(root, str) else "."


def _entries(values: dict[str, Any]) -> list[str]:
    """Return the folders and list files that train and val name."""
    given = [values.get(split) for split in _SPLITS]
    flat = [entry for value in given for entry in (value if isinstance(value, list) else [value])]
    return [entry for entry in flat if isinstance(entry, str) and entry]
