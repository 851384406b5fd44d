"""Splits that a dataset version has used are locked, so that no image wanders from validation to training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio.model.project import Project
from studio.storage.image_index import store_of
from studio.storage.project_files import open_project
from studio.storage.versions import MANIFEST

_KEY = "splits.locked_through"


@dataclass(frozen=True)
class Locks:
    """What newer versions use.

    Attributes:
        images: The version of each image whose split is to be locked.
        through: The newest version that was looked at.
    """

    images: dict[int, int] = field(default_factory=dict)
    through: int = 0


def newest_version(versions: Path) -> int:
    """Return the number of the newest version in a folder, 0 without any; reads only names."""
    if not versions.is_dir():
        return 0
    starts = (path.name.partition("-")[0] for path in versions.iterdir())
    return max((int(start) for start in starts if start.isdigit()), default=0)


def has_newer_versions(project: Project) -> bool:
    """Tell whether versions were made since splits were locked last."""
    return newest_version(project.versions_dir) > int(project.store.get(_KEY, 0))


def find_locks(folder: Path) -> Locks:
    """Return the locks that newer versions ask for; for a thread of its own.

    Only a split that somebody chose or drew is locked: the others follow from the path alone and
    stay as they are by themselves.

    Args:
        folder: The project folder.
    """
    with open_project(folder, read_only=True) as project:
        store = store_of(project)
        after = int(store.get(_KEY, 0))
        chosen = [image_id for image_id, split in store.split_of().items() if split is not None]
        known = {str(path): image_id for image_id, path in store.files_of(chosen).items()}
        through = newest_version(project.versions_dir)
        found: dict[int, int] = {}
        for version in project.versions_dir.glob("*-*"):
            number = version.name.partition("-")[0]
            if number.isdigit() and after < int(number) <= through:
                for path in _used(version / MANIFEST):
                    if path in known:
                        image_id = known[path]
                        found[image_id] = min(int(number), found.get(image_id, int(number)))
        return Locks(found, through)


def keep_locks(project: Project, locks: Locks) -> int:
    """Write locks that were found; return how many images are newly locked."""
    store = store_of(project)
    held = store.locked_splits(list(locks.images))
    fresh: Mapping[int, int] = {i: v for i, v in locks.images.items() if i not in held}
    with store.transaction():
        store.lock_splits(fresh)
        store.put(_KEY, locks.through)
    return len(fresh)


def locked_images(project: Project) -> list[int]:
    """Return the images whose split is locked."""
    rows = store_of(project).db.rows("SELECT id FROM images WHERE locked_by > 0 AND removed = 0")
    return [row[0] for row in rows]


def _used(manifest: Path) -> list[str]:
    """Return the images of a version; one without a list uses none."""
    try:
        with manifest.open(encoding="utf-8") as lines:
            return [str(json.loads(line)["path"]) for line in lines]
    except (OSError, ValueError, KeyError, TypeError):
        return []
