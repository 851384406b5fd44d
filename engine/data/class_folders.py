"""Where the pictures of a classification data set are: one folder a class. Only paths, no content, no torch.

A data set is a folder with ``train`` and ``val`` (and perhaps ``test``), each of class folders; a folder of
class folders alone, which is divided here; or a ``data.yaml`` whose splits are such folders.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from engine.data.labels.paths import find_images
from engine.data.problems import Problem
from engine.data.yaml_file import SPLITS, read_data_yaml
from engine.runtime.errors import DatasetError
from engine.runtime.settings import settings

# What people call the folder of a split.
_FOLDERS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
VAL_SHARE = 0.2


@dataclass(frozen=True)
class ClassFolders:
    """The pictures of a split.

    Attributes:
        roots: Folders of class folders, or list files (.txt) of pictures in class folders.
        part: Which of the pictures: all, or those that :func:`drawn_for_validation` leaves or takes.
    """

    roots: tuple[Path, ...]
    part: Literal["all", "train", "val"] = "all"

    def __fspath__(self) -> str:
        return str(self.roots[0])

    def __str__(self) -> str:
        place = ", ".join(map(str, self.roots))
        return place if self.part == "all" else f"{place} ({self.part} part)"


def read_classify_data(source: str | Path, seed: int = 0) -> dict[str, Any]:
    """Read the description of a classification data set.

    Args:
        source: A folder, its name in the setting ``datasets_dir``, or a data.yaml.
        seed: Decides which pictures validate where the data set has no split for that.

    Returns:
        ``path`` (root), ``train``, ``val``, ``test`` (a :class:`ClassFolders`, or None), ``names``
        ({0: str, ...}), ``folders`` ({folder name: class id}), ``nc``, ``channels``, ``yaml_file`` (None
        for a folder), ``seed``.

    Raises:
        DatasetError: It does not exist or holds no class folders.
    """
    place = _locate(source)
    described = _described(place)
    if described is None:
        splits, names, root, file = _splits_of(place), None, place, None
    else:
        splits = {s: ClassFolders(tuple(described[s])) if described[s] else None for s in SPLITS}
        names, root, file = described["names"], described["path"], described["yaml_file"]
    learned = splits["train"] or splits["val"] or splits["test"]
    found = class_folders(learned.roots if learned else ())
    if not found:
        raise DatasetError(
            "There are no class folders to learn from.",
            path=place,
            remedy="Put the images of each class into a folder of its own: train/CLASS/IMAGE.jpg.",
        )
    if names is None:
        names = dict(enumerate(found))
    folders = _numbered(found, names, file)
    if splits["train"] and not splits["val"] and not splits["test"]:
        roots = splits["train"].roots
        splits["train"], splits["val"] = ClassFolders(roots, "train"), ClassFolders(roots, "val")
    return {
        "path": root,
        **splits,
        "names": names,
        "folders": folders,
        "nc": len(names),
        "channels": 3 if described is None else described["channels"],
        "yaml_file": file,
        "seed": seed,
    }


def class_folders(roots: Sequence[Path]) -> list[str]:
    """Return the names of the folders below the roots, or around the pictures of list files, sorted."""
    names: set[str] = set()
    for root in roots:
        if root.is_dir():
            names |= {p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")}
        else:
            names |= {image.parent.name for image in find_images([root])[0]}
    return sorted(names)


def find_class_images(
    split: ClassFolders, folders: Mapping[str, int], seed: int = 0
) -> tuple[list[Path], list[int], list[Problem]]:
    """Return the pictures of a split, the class id of each, and what could not be placed.

    Args:
        split: Where they are.
        folders: Class id by folder name.
        seed: Of the division, for a part of the pictures.
    """
    files: list[Path] = []
    classes: list[int] = []
    problems: list[Problem] = []
    lost: dict[Path, int] = {}
    for root in split.roots:
        images, found = find_images([root])
        problems += found
        for image in images:
            folder = _folder_of(image, root, folders)
            if folder is None:
                lost[image.parent] = lost.get(image.parent, 0) + 1
            else:
                files.append(image)
                classes.append(folders[folder])
    problems += [
        Problem(place, None, f"{count} images lie in no folder of a class and are left out.")
        for place, count in lost.items()
    ]
    if split.part != "all":
        drawn = drawn_for_validation(files, classes, seed)
        kept = [i for i in range(len(files)) if (i in drawn) == (split.part == "val")]
        files, classes = [files[i] for i in kept], [classes[i] for i in kept]
    return files, classes, problems


def drawn_for_validation(images: Sequence[Path], classes: Sequence[int], seed: int = 0) -> set[int]:
    """Draw which pictures of a data set without a split validate: of each class the same share.

    The draw orders pictures by a digest of folder, name and seed, so it is the same wherever the data set
    lies, and new pictures move few of the old ones. A class of one picture keeps it for training.

    Returns:
        Places in ``images``.
    """
    by_class: dict[int, list[int]] = {}
    for place, number in enumerate(classes):
        by_class.setdefault(number, []).append(place)
    drawn: set[int] = set()
    for places in by_class.values():
        places.sort(key=lambda i: _lot(images[i], seed))
        count = max(round(len(places) * VAL_SHARE), 1) if len(places) > 1 else 0
        drawn |= set(places[:count])
    return drawn


def _lot(image: Path, seed: int) -> bytes:
    text = f"{seed}/{image.parent.name}/{image.name}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _locate(source: str | Path) -> Path:
    """Return the absolute folder or file."""
    given = Path(source).expanduser()
    for place in (given, settings.folder("datasets_dir") / given):
        if place.exists():
            return Path(os.path.abspath(place))  # noqa: PTH100 (resolve() would follow links)
    raise DatasetError(
        "The data set does not exist.",
        path=given,
        remedy="Name a folder with one folder a class, or a data.yaml.",
    )


def _described(place: Path) -> dict[str, Any] | None:
    """Read the data.yaml at or in a place, if there is one."""
    if place.is_dir():
        place = place / "data.yaml"
        if not place.is_file():
            return None
    elif place.suffix not in (".yaml", ".yml"):
        raise DatasetError(
            f"Expected a folder or a data.yaml, received a file {place.suffix or 'without suffix'}.",
            path=place,
        )
    return read_data_yaml(place)


def _splits_of(root: Path) -> dict[str, ClassFolders | None]:
    """Return the splits of a folder; without any the folder itself is all there is to learn from."""
    splits: dict[str, ClassFolders | None] = dict.fromkeys(SPLITS)
    for split, names in _FOLDERS.items():
        folder = next((root / name for name in names if (root / name).is_dir()), None)
        splits[split] = ClassFolders((folder,)) if folder else None
    if not any(splits.values()):
        splits["train"] = ClassFolders((root,))
    return splits


def _numbered(found: Sequence[str], names: Mapping[int, str], file: Path | None) -> dict[str, int]:
    """Return the class id of each folder name: by the names, else one by one in their order."""
    by_name = {name: number for number, name in names.items()}
    if any(name in by_name for name in found):
        return by_name
    if len(found) == len(names):  # folders of codes (n01443537), names in words
        return dict(zip(found, sorted(names), strict=True))
    raise DatasetError(
        f"Its {len(names)} names fit none of the {len(found)} class folders ({found[0]}, ...).",
        path=file,
        remedy="Call the folders as 'names' calls the classes.",
    )


def _folder_of(image: Path, root: Path, folders: Mapping[str, int]) -> str | None:
    """Return the class folder of a picture: the first below the root, else the nearest of a known name."""
    if image.is_relative_to(root) and root.is_dir():
        parts = image.relative_to(root).parts[:-1]
        return parts[0] if parts and parts[0] in folders else None
    return next((p.name for p in image.parents if p.name in folders), None)
