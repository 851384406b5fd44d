"""Images whose files are not where they were: which they are, and where they may be now."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from studio.language import ntr, tr
from studio.model.edits import Edit, PlaceImages
from studio.model.errors import CancelledError
from studio.model.project import Project
from studio.storage.image_index import store_of
from studio.storage.project_files import absolute, open_project

Progress = Callable[[int, int], None]
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class MissingFile:
    """An image whose file is gone.

    Attributes:
        id: The image.
        path: Where the file was.
        size: Its bytes when it was seen last, 0 where nobody looked.
    """

    id: int
    path: Path
    size: int = 0


@dataclass(frozen=True)
class FoundAgain:
    """What a search for missing files found.

    Attributes:
        files: The file of each image that has exactly one that fits.
        other_size: The file of the same name, of images whose file had another size: it was changed, or is another
            picture.
        doubtful: Images with several files that fit equally well.
        left: How many images have none.
        seen: How many files were looked at.
    """

    files: dict[int, Path] = field(default_factory=dict)
    other_size: dict[int, Path] = field(default_factory=dict)
    doubtful: dict[int, tuple[Path, ...]] = field(default_factory=dict)
    left: int = 0
    seen: int = 0


def find_missing(
    folder: Path,
    progress: Progress = lambda _done, _total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> list[MissingFile]:
    """Return the images of a project whose files are gone; for a thread of its own.

    Folders are listed once instead of asking for each file, so 100,000 images take about a second.

    Args:
        folder: The project folder.
        progress: Called with (done, total) images.
        is_cancelled: Asked now and then.

    Raises:
        CancelledError: ``is_cancelled`` said so.
        StorageError: The project cannot be read.
    """
    with open_project(folder, read_only=True) as project:
        store = store_of(project)
        sizes = dict(store.db.rows("SELECT id, file_size FROM images WHERE removed = 0"))
        ids = list(sizes)
        listed: dict[Path, set[str]] = {}
        missing = []
        for start in range(0, len(ids), _CHUNK):
            if is_cancelled():
                raise CancelledError(tr("The search was given up."))
            for image_id, path in store.files_of(ids[start : start + _CHUNK]).items():
                if path.parent not in listed:
                    listed[path.parent] = _names_in(path.parent)
                # a name may be spelled otherwise on the disk (case, accents): only then the file is asked for
                if path.name not in listed[path.parent] and not path.is_file():
                    missing.append(MissingFile(image_id, path, int(sizes[image_id])))
            progress(min(start + _CHUNK, len(ids)), len(ids))
        return missing


def search_files(
    folder: str | Path,
    missing: Sequence[MissingFile],
    taken: Iterable[Path] = (),
    progress: Progress = lambda _done, _total: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> FoundAgain:
    """Look below a folder for the files of missing images, by name, size and the folders above them.

    Args:
        folder: Where to look, with all folders below.
        missing: The images.
        taken: Files that belong to other images of the project: those are not offered.
        progress: Called with (files seen, 0).
        is_cancelled: Asked between folders.

    Raises:
        CancelledError: ``is_cancelled`` said so.
    """
    names = {_key(file.path.name) for file in missing}
    candidates: dict[str, list[Path]] = defaultdict(list)
    known, seen = set(taken), 0
    for here, folders, files in os.walk(absolute(folder)):
        if is_cancelled():
            raise CancelledError(tr("The search was given up."))
        folders[:] = [name for name in folders if not name.startswith(".")]
        seen += len(files)
        for name in files:
            path = Path(here, name)
            if _key(name) in names and path not in known:
                candidates[_key(name)].append(path)
        progress(seen, 0)
    return _match(missing, candidates, seen)


def relink_edit(project: Project, files: Mapping[int, Path]) -> Edit:
    """Return the edit that lets the project look for images where they were found."""
    count = ntr("{count:,} image", "{count:,} images", len(files)).format(count=len(files))
    return PlaceImages(dict(files), None, tr("Find {count} again").format(count=count))


def taken_files(project: Project, missing: Iterable[MissingFile]) -> set[Path]:
    """Return the files of the images that are not missing."""
    gone = {file.id for file in missing}
    ids = [image_id for image_id in project.image_ids() if image_id not in gone]
    return set(store_of(project).files_of(ids).values())


def _match(
    missing: Sequence[MissingFile], candidates: Mapping[str, Sequence[Path]], seen: int
) -> FoundAgain:
    found = FoundAgain(seen=seen)
    left = 0
    for file in missing:
        named = candidates.get(_key(file.path.name), ())
        fitting = [path for path in named if not file.size or _size(path) == file.size]
        best = _nearest(file.path, fitting)
        if len(best) == 1:
            found.files[file.id] = best[0]
        elif best:
            found.doubtful[file.id] = tuple(best)
        elif len(other := _nearest(file.path, named)) == 1:
            found.other_size[file.id] = other[0]
        else:
            left += 1
    return _each_file_once(FoundAgain(found.files, found.other_size, found.doubtful, left, seen))


def _each_file_once(found: FoundAgain) -> FoundAgain:
    """Return the same without files that several images would share: which image they are nobody can tell."""
    owners: dict[Path, list[int]] = defaultdict(list)
    for image_id, path in (*found.files.items(), *found.other_size.items()):
        owners[path].append(image_id)
    shared = {i: (path,) for path, ids in owners.items() if len(ids) > 1 for i in ids}
    return FoundAgain(
        {i: path for i, path in found.files.items() if i not in shared},
        {i: path for i, path in found.other_size.items() if i not in shared},
        {**found.doubtful, **shared},
        found.left,
        found.seen,
    )


def _nearest(path: Path, candidates: Sequence[Path]) -> list[Path]:
    """Return the candidates that have most of the folders above ``path`` in common with it."""
    if len(candidates) < 2:
        return list(candidates)
    common = [_common_parts(path, candidate) for candidate in candidates]
    return [
        candidate
        for candidate, count in zip(candidates, common, strict=True)
        if count == max(common)
    ]


def _common_parts(one: Path, other: Path) -> int:
    count = 0
    for first, second in zip(reversed(one.parts), reversed(other.parts), strict=False):
        if _key(first) != _key(second):
            break
        count += 1
    return count


def _names_in(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.is_file()}
    except OSError:
        return set()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
