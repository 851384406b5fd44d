"""Pictures on both sides of a format: found by the name that a description gives, placed beside what is written.

Descriptions come from anywhere. A name that is absolute or climbs out of the data set's folder is not
followed: only its last part is looked for, inside.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from engine.data.images import IMG_FORMATS, check_image, list_images, read_size
from engine.data.problems import Problem
from engine.runtime.errors import ImageError

How: TypeAlias = Literal["copy", "link", "none"]
# Where the field keeps pictures beside a description.
_USUAL = ("", "images", "JPEGImages", "img1", "data", "train", "val", "test")


class PictureFinder:
    """Finds pictures below folders; a folder is listed once, and only when a name is not where it says.

    Args:
        roots: Folders to look in, the most likely first.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self._roots = list(dict.fromkeys(Path(os.path.abspath(root)) for root in roots))  # noqa: PTH100
        self._is_listed = False
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}

    def find(self, name: str) -> Path | None:
        """Return the picture of a name such as ``train/0001.jpg``; None where none or several could be meant.

        Also names with backslashes, a drive, or folders of the computer that wrote them are found, by as
        many of their last parts as agree.
        """
        parts = _parts(name)
        if not parts:
            return None
        for root in self._roots:
            for folder in _USUAL:
                path = os.path.join(root, folder, *parts)  # noqa: PTH118 - ten times as fast
                if is_picture_name(parts[-1]) and _is_file(path):
                    return Path(path)
        self._list()
        return _closest(self._by_name.get(parts[-1].casefold(), []), parts)

    def find_exactly(self, name: str) -> Path | None:
        """Return the picture that lies at a name directly below one of the folders, or None."""
        parts = _parts(name)
        paths = (root.joinpath(*parts) for root in self._roots if parts)
        return next((p for p in paths if is_picture_name(p.name) and _is_file(p)), None)

    def find_stem(self, stem: str) -> Path | None:
        """Return the picture whose name without suffix is ``stem``; None where none or several are."""
        parts = _parts(stem)
        if not parts:
            return None
        self._list()
        return _closest(self._by_stem.get(parts[-1].casefold(), []), parts, by_stem=True)

    def all(self) -> list[Path]:
        """Return every picture below the folders, sorted, each once."""
        self._list()
        found = {path for paths in self._by_name.values() for path in paths}
        return sorted(found)

    def _list(self) -> None:
        if self._is_listed:
            return
        self._is_listed = True
        seen: set[Path] = set()
        for root in self._roots:
            if not root.is_dir():
                continue
            for path in list_images(root):
                if path not in seen:
                    seen.add(path)
                    self._by_name.setdefault(path.name.casefold(), []).append(path)
                    self._by_stem.setdefault(path.stem.casefold(), []).append(path)


def measured(path: Path, whole: bool = False) -> tuple[int, int] | Problem:
    """Return the upright (width, height) of a picture, or what is wrong with it.

    Args:
        path: The picture.
        whole: Also check that the file is complete, which reads all of it.
    """
    try:
        return check_image(path) if whole else read_size(path)
    except ImageError as error:
        return Problem(path, None, " ".join(filter(None, (error.message, error.remedy))))


def is_picture_name(name: str) -> bool:
    """Tell whether a file is named like a picture."""
    return name.rpartition(".")[2].lower() in IMG_FORMATS


class PicturePlacer:
    """Puts pictures below a folder under names of their own.

    Args:
        folder: Where to.
        how: Copy them, link to them (where links cannot be made they are copied), or leave them: then only
            names are given.
        by_stem: No two pictures share a name without suffix, because label files are named by it.
    """

    def __init__(self, folder: Path, how: How = "copy", by_stem: bool = True) -> None:
        self._folder, self._how, self._by_stem = folder, how, by_stem
        self._taken: set[str] = set()

    def place(self, source: Path, below: str = "") -> str:
        """Place a picture and return its path below the folder, with forward slashes.

        Raises:
            OSError: It cannot be written.
        """
        name = self.name(source, below)
        place_picture(source, self._folder / name, self._how)
        return name

    def name(self, source: Path, below: str = "") -> str:
        """Return the name that a picture gets, and keep it from others."""
        prefix = f"{below}/" if below else ""
        stem, number = source.stem, 1
        while self._key(prefix, stem, source.suffix) in self._taken:
            number += 1
            stem = f"{source.stem}_{number}"
        self._taken.add(self._key(prefix, stem, source.suffix))
        return f"{prefix}{stem}{source.suffix}"

    def _key(self, prefix: str, stem: str, suffix: str) -> str:
        return f"{prefix}{stem}{'' if self._by_stem else suffix}".casefold()


def place_picture(source: Path, target: Path, how: How) -> None:
    """Copy a picture or link to it; ``none`` does nothing.

    Raises:
        OSError: It cannot be written.
    """
    if how == "none":
        return
    same = target.exists() and target.samefile(source)
    if same and (
        how == "link" or not target.is_symlink()
    ):  # the link is there, or it is the source
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if how == "link":
        target.unlink(missing_ok=True)
        try:
            target.symlink_to(source.resolve())
        except OSError:  # file systems and Windows accounts without links
            how = "copy"
    if how == "copy":
        target.unlink(missing_ok=True)  # never write through an old link
        shutil.copyfile(source, target)


def _is_file(path: str | Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - it answers for names that no file can have


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name that may be followed: all where it stays below, else the last alone."""
    text = name.replace("\\", "/").replace("\0", "")
    parts = tuple(part for part in text.split("/") if part not in (".", ""))
    is_outside = text.startswith("/") or ".." in parts or (parts and parts[0].endswith(":"))
    return tuple(part for part in parts[-1:] if part != "..") if is_outside else parts


def _closest(paths: list[Path], parts: tuple[str, ...], by_stem: bool = False) -> Path | None:
    """Return the one path that agrees with most of the last parts, or None."""

    def agreeing(path: Path) -> int:
        mine = [*path.parts[:-1], path.stem if by_stem else path.name]
        count = 0
        for ours, theirs in zip(reversed(mine), reversed(parts), strict=False):
            if ours.casefold() != theirs.casefold():
                break
            count += 1
        return count

    ranked = sorted(paths, key=agreeing, reverse=True)
    if len(ranked) > 1 and agreeing(ranked[0]) == agreeing(ranked[1]):
        return None
    return ranked[0] if ranked else None
