"""From the files of a dataset version back to the images of the project."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from studio.storage.version_content import Entry
from studio.storage.versions import MANIFEST

_DEPTH = 3  # versions/NAME/images/SPLIT/FILE, or versions/NAME/SPLIT/CLASS/FILE


def original_of(file: Path) -> Path:
    """Return the image that a version's image or label file stands for, the file itself where it is none."""
    parents = file.parents
    if len(parents) < _DEPTH:
        return file
    manifest = parents[_DEPTH - 1] / MANIFEST
    try:
        changed = manifest.stat().st_mtime_ns
    except OSError:
        return file
    place = file.relative_to(parents[_DEPTH - 1]).as_posix()
    return _read(manifest, changed).get(place, file)


@lru_cache(maxsize=4)
def _read(manifest: Path, _changed: int) -> dict[str, Path]:
    originals = {}
    try:
        with manifest.open(encoding="utf-8") as lines:
            for line in lines:
                entry = Entry.from_line(json.loads(line))
                originals[entry.image_place] = Path(entry.path)
                if entry.label_place is not None:
                    originals[entry.label_place] = Path(entry.path)
    except (OSError, ValueError, KeyError):
        return originals
    return originals
