"""Adding folders of images to a project: found in chunks, so that a window can show them as they come.

Only names are read here; a size is read from the header when an image is first shown, or by
:func:`read_sizes`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.images import IMG_FORMATS, read_size
from engine.data.problems import Problem
from engine.runtime.errors import ImageError
from studio.language import tr
from studio.model.errors import ReadOnlyError, StorageError
from studio.model.project import Project, missing_file_note
from studio.storage.project_files import absolute, is_project
from studio.storage.sqlite_store import SqliteStore

SUFFIXES = IMG_FORMATS | {"gif"}  # a GIF counts with its first frame, as in the engine's data sets
_CHUNK = 500  # paths in one transaction: about 10 ms
_TELL_SECONDS = 1.0  # between two images_changed: listing 100,000 ids takes 40 ms


@dataclass(slots=True)
class IndexProgress:
    """How far adding a folder has come.

    Attributes:
        found: Image files met so far.
        added: Those that the project did not know before.
        done: The whole folder was read.
        problems: What was left out, with the reason.
    """

    found: int = 0
    added: int = 0
    done: bool = False
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the header of an image says: a size in upright pixels, or why it cannot be read; and the bytes of the file."""

    image_id: int
    width: int = 0
    height: int = 0
    problem: str = ""
    file_size: int = 0


def add_folder(
    project: Project, folder: str | Path, chunk: int = _CHUNK
) -> Iterator[IndexProgress]:
    """Add the images of a folder and of the folders below it; files on disk are only listed.

    Each step of the iterator adds up to ``chunk`` images in one transaction. Whoever stops
    iterating cancels: what was added stays. Images that the project knows already keep their
    shapes.

    Yields:
        The same progress object, updated.

    Raises:
        StorageError: The folder does not exist or cannot be read, or the project cannot be written.
    """
    folder = absolute(folder)
    if project.read_only:
        raise ReadOnlyError(
            project.notice or tr("the project can only be read."), path=project.folder
        )
    if not folder.is_dir():
        raise StorageError(
            tr("the folder does not exist."), path=folder, remedy=tr("Choose another one.")
        )
    progress, waiting, told = IndexProgress(), list[str](), 0.0
    for found in scan_images(folder):
        if isinstance(found, Problem):
            progress.problems.append(found)
            continue
        waiting.append(found)
        if len(waiting) >= chunk:
            _add(project, folder, waiting, progress)
            waiting = []
            if time.monotonic() - told > _TELL_SECONDS:
                project.images_changed.emit()
                told = time.monotonic()
            yield progress
    _add(project, folder, waiting, progress)
    progress.done = True
    project.images_changed.emit()
    yield progress


def add_files(project: Project, paths: Iterable[str | Path]) -> IndexProgress:
    """Add single image files, those that were dropped on the window for example."""
    by_folder: dict[Path, list[str]] = {}
    progress = IndexProgress()
    for path in map(absolute, paths):
        if path.suffix.lower().lstrip(".") not in SUFFIXES:
            progress.problems.append(Problem(path, None, tr("not an image file that can be read")))
        elif not path.is_file():
            progress.problems.append(Problem(path, None, tr("the file does not exist")))
        else:
            by_folder.setdefault(path.parent, []).append(path.name)
    for folder, names in by_folder.items():
        _add(project, folder, names, progress)
    progress.done = True
    project.images_changed.emit()
    return progress


def scan_images(folder: Path) -> Iterator[str | Problem]:
    """Yield the image files below ``folder`` as paths relative to it with forward slashes, and what is left out.

    Hidden folders and project folders are passed over. Links to folders are not followed: they lead
    in circles, to what is found anyway, or out of the tree, which is reported.
    """
    root = folder.resolve()
    waiting = [(folder, "")]
    while waiting:
        here, prefix = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            yield Problem(
                here,
                None,
                tr("the folder cannot be read ({strerror})").format(
                    strerror=error.strerror or error
                ),
            )
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not is_project(Path(entry.path)):
                    waiting.append((Path(entry.path), f"{prefix}{entry.name}/"))
            elif entry.name.rpartition(".")[2].lower() in SUFFIXES:
                yield _check_file(entry, prefix)
            elif entry.is_symlink() and (problem := _check_link(Path(entry.path), root)):
                yield problem


def unmeasured(project: Project, limit: int = 200, after: int = 0) -> list[tuple[int, Path]]:
    """Return up to ``limit`` images above the id ``after`` whose header was not read yet."""
    records = project.images(store_of(project).unmeasured(limit, after))
    return [(record.id, record.path) for record in records]


def measure(images: Iterable[tuple[int, Path]]) -> list[Measured]:
    """Read headers; touches no project, so that a thread may do it. Files that are missing today are left out."""
    found = []
    for image_id, path in images:
        try:
            width, height = read_size(path)
            found.append(Measured(image_id, width, height, file_size=path.stat().st_size))
        except (ImageError, FileNotFoundError) as error:
            if path.is_file():
                found.append(Measured(image_id, problem=str(error)))
    return found


def keep_sizes(project: Project, measured: Iterable[Measured], quietly: bool = False) -> None:
    """Write what :func:`measure` found in one transaction.

    Args:
        project: The project.
        measured: What was found.
        quietly: Tell nobody: whoever measures very many says ``images_changed`` at the end.
    """
    results = list(measured)
    store = store_of(project)
    with store.transaction():
        store.set_sizes([(m.image_id, m.width, m.height) for m in results if not m.problem])
        store.set_file_sizes([(m.image_id, m.file_size) for m in results if not m.problem])
        for result in results:
            if result.problem:
                store.set_damage(result.image_id, result.problem)
    for result in () if quietly else results:
        project.image_changed.emit(result.image_id)


def read_sizes(project: Project, limit: int = 200, after: int = 0) -> int:
    """Read and keep the sizes of up to ``limit`` images; return the last id looked at, 0 when none was left."""
    images = unmeasured(project, limit, after)
    keep_sizes(project, measure(images))
    return images[-1][0] if images else 0


def missing_folders(project: Project) -> dict[int, Path]:
    """Return the source folders that are not there today, by their number."""
    known = store_of(project).sources()
    return {source_id: path for source_id, path in known.items() if not path.is_dir()}


def relocate_folder(project: Project, source_id: int, folder: str | Path) -> None:
    """Tell the project that the images of a source folder now lie in ``folder``; labels and history stay.

    Raises:
        StorageError: The folder does not exist.
    """
    folder = absolute(folder)
    if not folder.is_dir():
        raise StorageError(
            tr("the folder does not exist."), path=folder, remedy=tr("Choose another one.")
        )
    store = store_of(project)
    with store.transaction():
        store.move_source(source_id, folder)
    project.images_changed.emit()


def missing_images(project: Project, image_ids: Iterable[int]) -> dict[int, str]:
    """Return a sentence for each of these images whose file is not there."""
    records = project.images(list(image_ids))
    return {r.id: missing_file_note(r.path) for r in records if not r.path.is_file()}


def store_of(project: Project) -> SqliteStore:
    """Return the project's store as the class that it is outside of ``studio.model``."""
    store = project.store
    if not isinstance(store, SqliteStore):
        raise TypeError(f"Expected a project kept in SQLite, received {type(store).__name__}.")
    return store


def _add(project: Project, folder: Path, rels: list[str], progress: IndexProgress) -> None:
    progress.found += len(rels)
    if not rels:
        return
    store = store_of(project)
    with store.transaction():
        for source_id, names in place_files(store, folder, rels).items():
            progress.added += store.add_images(source_id, names)


def place_files(store: SqliteStore, folder: Path, rels: Iterable[str]) -> dict[int, list[str]]:
    """Return for each source the paths below it, so that one file never comes into a project twice.

    A folder inside a known source belongs to it; files of a known source inside ``folder`` stay
    there.
    """
    enclosing = store.enclosing_source(folder)
    home = store.take_source(folder) if enclosing is None else enclosing
    prefix = _prefix(folder, store.sources()[home])
    nested = {
        _prefix(path, folder): source_id
        for source_id, path in store.sources().items()
        if path in store.nested_sources(folder)
    }
    placed: dict[int, list[str]] = {}
    for rel in rels:
        inner = max((p for p in nested if rel.startswith(p)), key=len, default="")
        source_id, name = (nested[inner], rel[len(inner) :]) if inner else (home, prefix + rel)
        placed.setdefault(source_id, []).append(name)
    return placed


def _prefix(inner: Path, outer: Path) -> str:
    rel = inner.relative_to(outer).as_posix()
    return "" if rel == "." else f"{rel}/"


def _check_file(entry: os.DirEntry[str], prefix: str) -> str | Problem:
    try:
        entry.name.encode("utf-8")
    except UnicodeEncodeError:
        name = os.fsencode(entry.path).decode("utf-8", "backslashreplace")
        return Problem(Path(name), None, tr("the file name is not valid text; rename the file"))
    try:
        if entry.is_file():
            return prefix + entry.name
    except OSError:
        pass
    return Problem(Path(entry.path), None, tr("the link leads nowhere"))


def _check_link(path: Path, root: Path) -> Problem | None:
    """Report a link to a folder outside of the tree; one inside it is found in its own place."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a circle, before Python 3.13
        return Problem(path, None, tr("the link leads nowhere or in a circle"))
    if not target.is_dir() or target.is_relative_to(root) or root.is_relative_to(target):
        return None
    reason = tr("the linked folder lies outside; add that folder itself if its images are wanted")
    return Problem(path, None, reason)
