"""From the copy or link of an image inside a dataset version back to the image of the project."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from studio.storage.versions import MANIFEST

_DEPTH = 3  # versions/NAME/images/SPLIT/FILE


def original_of(file: Path) -> Path:
    """Return the image that a dataset version's file stands for, the file itself where it is none."""
    parents = file.parents
    if len(parents) < _DEPTH:
        return file
    manifest = parents[_DEPTH - 1] / MANIFEST
    try:
        changed = manifest.stat().st_mtime_ns
    except OSError:
        return file
    return _read(manifest, changed).get((parents[0].name, file.name), file)


@lru_cache(maxsize=4)
def _read(manifest: Path, _changed: int) -> dict[tuple[str, str], Path]:
    originals = {}
    try:
        with manifest.open(encoding="utf-8") as lines:
            for line in lines:
                entry = json.loads(line)
                originals[entry["split"], entry["name"]] = Path(entry["path"])
    except (OSError, ValueError, KeyError):
        return originals
    return originals
