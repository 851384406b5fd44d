"""What data sets a path holds: one, several of different formats side by side, pictures alone, or things that are none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.formats.collecting import framed, split_of
from engine.data.formats.findings import Findings
from engine.data.formats.json_file import read_json
from engine.data.formats.pictures import is_picture_name
from engine.data.formats.records import LabelledDataset, LabelledImage
from engine.data.formats.registry import formats_of, read
from engine.data.formats.strangers import about_stranger
from engine.data.images import scan_images
from engine.data.problems import Problem
from engine.runtime.errors import DatasetError

Progress = Callable[[int, int], None]
PICTURES = "images"
_DESCRIPTIONS = (".json", ".xml", ".yaml", ".yml", ".csv", ".tsv")
# Formats that know a folder by what lies deeper in it, and those that know any folder of pictures beside masks.
_DEEP = ("labelme", "xanylabeling", "mask_index", "mask_color")
_OF_FOLDERS = ("mask_index", "mask_color")
_PARTS = ("annotations", "labels", "labeltxt", "gt", "det", "train", "val", "valid", "test")
_LOOKED_AT = 20
_DEEPEST = 6
_MOST_FOLDERS = 5000
_MOST_FILES = 200  # of a folder that are looked into one by one
_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A data set that was recognised.

    Attributes:
        path: The file or folder to read it from.
        format: Its format's name, or :data:`PICTURES` for pictures without labels.
    """

    path: Path
    format: str


@dataclass
class Discovery:
    """What a path holds.

    Attributes:
        found: Data sets, in the order of their paths.
        others: Files that are no data set, with what to do about them.
    """

    found: list[Found] = field(default_factory=list)
    others: list[Problem] = field(default_factory=list)


def discover(path: Path, skip: Callable[[Path], bool] = lambda _: False) -> Discovery:
    """Find the data sets of a file, or of a folder and the folders below it.

    Where a folder is a data set as a whole, the folders below it are its own, unless they are data sets of
    other formats. Linked folders are not followed.

    Args:
        path: File or folder.
        skip: Tells folders that are passed over.

    Raises:
        DatasetError: The path is missing.
    """
    if not path.exists():
        raise DatasetError("It does not exist.", path=path, remedy="Correct the path.")
    result = Discovery()
    if path.is_file():
        _look_at_files([path], [], path.parent, result)
        return result
    pictured: list[Path] = []
    whole: set[Path] = set()
    claimed: dict[Path, str] = {}
    for folder, files in _walk(path, skip, whole):
        if any(is_picture_name(file.name) for file in files):
            pictured.append(folder)
        names = [entry.name for entry in formats_of(folder)]
        described = [file for file in files if file.suffix.lower() in _DESCRIPTIONS]
        if names and not _is_part(folder, names[0], claimed):
            foreign = _foreign_folders(folder, names[0], skip)
            if foreign and names[0] in _DEEP and not _describes(described, names[0]):
                names = []  # what was seen lies in one of the folders, among others
            else:
                claimed[folder] = names[0]
                result.found.append(Found(folder, names[0]))
                if not foreign:
                    whole.add(folder)
        others = [
            file for file in files if file not in described and not is_picture_name(file.name)
        ]
        _look_at_files(described[:_MOST_FILES], names, folder, result)
        result.others += filter(None, map(about_stranger, others[:_MOST_FILES]))
    if not result.found and pictured:
        result.found.append(Found(path, PICTURES))
    elif result.found:
        result.found += _loose_pictures(pictured, [found.path for found in result.found])
    return result


def read_found(found: Found, progress: Progress | None = None) -> LabelledDataset:
    """Read a data set that was found.

    Raises:
        DatasetError: It cannot be used.
    """
    if found.format != PICTURES:
        return read(found.path, found.format, progress)
    dataset = LabelledDataset({}, format=PICTURES)
    findings = Findings(dataset.skipped)
    folder = scan_images(found.path)
    dataset.skipped += folder.problems
    for done, picture in enumerate(folder.images, start=1):
        frame = framed(picture, (0, 0), findings, picture, whole=True)
        if frame is not None:
            split = split_of(picture, found.path)
            dataset.images.append(LabelledImage(picture, *frame.real_wh, split))
        if progress:
            progress(done, len(folder.images))
    findings.close()
    return dataset


def _walk(
    path: Path, skip: Callable[[Path], bool], whole: set[Path]
) -> Iterator[tuple[Path, list[Path]]]:
    """Yield folders with their files; not below those that the caller puts into ``whole``."""
    waiting, seen = [(path, 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.pop(0)
        seen += 1
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            continue
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        yield folder, [Path(e.path) for e in shown if not e.is_dir(follow_symlinks=True)]
        if folder in whole or depth >= _DEEPEST:
            continue
        folders = (Path(e.path) for e in shown if e.is_dir(follow_symlinks=False))
        waiting += [(inner, depth + 1) for inner in folders if not skip(inner)]


def _loose_pictures(folders: list[Path], found: list[Path]) -> list[Found]:
    """Return folders of pictures that have nothing to do with any data set: none is above, beside or below them."""
    bases = [path if path.is_dir() else path.parent for path in found]
    loose: list[Path] = []
    for folder in folders:
        related = (folder.is_relative_to(b) or b.is_relative_to(folder) for b in bases)
        if not any(related) and not any(folder.is_relative_to(other) for other in loose):
            loose.append(folder)
    return [Found(folder, PICTURES) for folder in loose]


def _is_part(folder: Path, name: str, claimed: dict[Path, str]) -> bool:
    """Tell whether a folder belongs to a data set of the same format above it."""
    if name not in _DEEP and folder.name.lower() not in _PARTS:
        return False
    return any(claimed.get(parent) == name for parent in folder.parents)


def _foreign_folders(folder: Path, name: str, skip: Callable[[Path], bool]) -> set[str]:
    """Return the formats of the folders in a folder that are data sets of other formats."""
    inside = (
        p for p in sorted(folder.iterdir())[:_MOST_FILES] if p.is_dir() and not p.is_symlink()
    )
    found = [formats_of(p)[:1] for p in inside if not p.name.startswith(".") and not skip(p)]
    return {entry.name for known in found for entry in known} - {name, *_OF_FOLDERS}


def _describes(files: list[Path], name: str) -> bool:
    """Tell whether one of a folder's own files is of a format."""
    return any(entry.name == name for file in files[:_LOOKED_AT] for entry in formats_of(file)[:1])


def _look_at_files(files: list[Path], names: list[str], folder: Path, result: Discovery) -> None:
    """Add data sets that are described by single files of a folder.

    Args:
        files: Files of the folder.
        names: Formats that know the folder as a whole, of which the first was taken.
        folder: The folder.
        result: Where to add.
    """
    taken = set(names[:1])
    for file in files:
        known = [entry.name for entry in formats_of(file)]
        if not known:
            result.others += filter(None, [_about_description(file, bool(names))])
        elif known[0] in names and known[0] not in taken:  # a set of many such files
            taken.add(known[0])
            result.found.append(Found(folder, known[0]))
        elif known[0] not in taken:
            result.found.append(Found(file, known[0]))


def _about_description(file: Path, beside_a_set: bool) -> Problem | None:
    """Say why a file that is named like a description is none; settings beside a data set are nothing to tell."""
    suffix = file.suffix.lower()
    if suffix == ".json":
        try:
            if file.stat().st_size <= _MOST_BYTES:
                read_json(file)
        except DatasetError as error:
            reason = " ".join(filter(None, (error.message, error.remedy)))
            return Problem(file, error.line, reason)
        except OSError as error:
            return Problem(file, None, f"Cannot be read: {error.strerror}.")
        reason = "It is valid JSON, but no data set of a known format."
        return Problem(file, None, reason, "note" if beside_a_set else "skipped")
    if suffix not in _DESCRIPTIONS:
        return about_stranger(file)
    if suffix in (".yaml", ".yml") or beside_a_set:
        return None
    return Problem(file, None, "It is no data set of a known format.")
