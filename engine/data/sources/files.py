"""Pictures and videos that a text names: files, folders, patterns, lists of paths, addresses on the web."""

from __future__ import annotations

import csv
import glob
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from engine.data.images import IMG_FORMATS, VID_FORMATS, list_images
from engine.data.sources.web import WebFile
from engine.runtime.downloads import is_url
from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER

Item = Path | WebFile
T = TypeVar("T")
R = TypeVar("R")


class MissingSourceError(DatasetError):
    """A path that names nothing."""


# Names of the column that holds paths, in the order in which they are looked for; without one it is the first.
PATH_COLUMNS = ("path", "source", "image", "image_path", "file", "file_name", "filename", "url")


def named_files(text: str, lists: bool = True) -> list[Item]:
    """Return the pictures and videos that a text names.

    Args:
        text: Path of a picture, video, folder, list (.txt: a path a line; .csv: a path a row), a pattern, or
            the address of a picture or video.
        lists: Whether lists are read; what a list names is no list again.

    Raises:
        DatasetError: There is no such thing.
    """
    if not text.strip():
        raise DatasetError(
            "The source is empty text.", value=text, remedy="Give a path; . is the working folder."
        )
    if is_url(text):
        return [WebFile(text)]
    path = Path(text).expanduser()
    if path.is_dir():
        return list(_of_folder(path))
    if path.is_file():
        read = _LISTS.get(_suffix(path)) if lists else None
        return [path] if read is None else _listed(path, read)
    if any(sign in text for sign in "*?["):
        # Path.glob takes no absolute pattern.
        found = map(Path, sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207
        return [f for f in found if f.is_file() and _suffix(f) in IMG_FORMATS | VID_FORMATS]
    if "://" in text:
        raise DatasetError(
            f"{text} is no address of a file.",
            value=text,
            remedy="Give a stream as the only source, several in a .streams file; files need http or https.",
        )
    raise MissingSourceError("The source does not exist.", path=path, remedy="Correct the path.")


def existing(entries: Iterable[T], items_of: Callable[[T], Iterable[R]]) -> list[R]:
    """Return the items of several entries, less those of paths that do not exist: these are logged.

    Raises:
        MissingSourceError: None of them exists.
    """
    found: list[R] = []
    missing: list[MissingSourceError] = []
    for entry in entries:
        try:
            found += items_of(entry)
        except MissingSourceError as error:
            missing.append(error)
    if missing and not found:
        raise missing[0]
    for left_out in missing:
        LOGGER.warning("Left out: %s", left_out)
    return found


def is_video(path: Path) -> bool:
    """Tell whether a file is a video by its suffix."""
    return _suffix(path) in VID_FORMATS


def _of_folder(folder: Path) -> list[Path]:
    videos = (f for f in folder.rglob("*") if _suffix(f) in VID_FORMATS and f.is_file())
    return sorted({*list_images(folder), *videos})


def _listed(file: Path, read: Callable[[Path], list[str]]) -> list[Item]:
    """Return what a list names; its paths are relative to the list.

    Raises:
        DatasetError: The list cannot be read, or none of its entries exists.
    """
    try:
        entries = read(file)
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise DatasetError(
            f"The list of sources cannot be read ({error}).",
            path=file,
            remedy="Write a path a line, as text in UTF-8.",
        ) from error
    named = (e if is_url(e) else str(file.parent / Path(e).expanduser()) for e in entries)
    return existing(named, lambda entry: named_files(entry, lists=False))


def _lines(file: Path) -> list[str]:
    """Read a text file with one path a line."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines())
    return [line for line in lines if line]


def _column(file: Path) -> list[str]:
    """Read the column of paths of a table; a first row without a known name is a path too."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = [[cell.strip() for cell in row] for row in csv.reader(lines)]
    rows = [row for row in rows if any(row)]
    header = [cell.lower() for cell in rows[0]] if rows else []
    name = next((name for name in PATH_COLUMNS if name in header), None)
    place, first = (0, 0) if name is None else (header.index(name), 1)
    return [row[place] for row in rows[first:] if len(row) > place and row[place]]


def _suffix(path: Path) -> str:
    return path.suffix[1:].lower()


_LISTS: dict[str, Callable[[Path], list[str]]] = {"txt": _lines, "csv": _column}
