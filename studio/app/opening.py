"""What a path that somebody opened is, and the project that belongs to it. No Qt, no dialogs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.data.formats import read
from studio.language import tr
from studio.model.errors import CancelledError, StorageError
from studio.storage.dataset_import import ImportReport, import_dataset
from studio.storage.folder_mirror import open_in_place
from studio.storage.image_index import SUFFIXES
from studio.storage.project_files import DATABASE, is_project, project_folder_for, writable_project

Kind = Literal["project", "dataset", "images"]
Progress = Callable[[int, int, str], None]
YAML_NAMES = (".yaml", ".yml")
LABEL_SUFFIXES = (".json", ".xml", ".csv", ".tsv")
_INNER = ("annotations", "labels", "gt", "labelTxt")  # folders beside the one with the images


@dataclass(frozen=True, slots=True)
class Opening:
    """What is to be opened.

    Attributes:
        kind: ``project``; ``dataset``: to import; ``images``: folders and files to add.
        project: The project folder; it may not exist yet.
        paths: The data set's description, or what holds the images; then whatever else was given.
    """

    kind: Kind
    project: Path
    paths: tuple[Path, ...]


def classify(paths: Sequence[Path]) -> Opening:
    """Find out what was opened or dropped.

    A folder with a data set's description counts as a data set, any other folder as images. Of several paths the
    first that can be opened decides which project it is.

    Raises:
        StorageError: None exists, or they are nothing that can be opened; the error is that of the first.
    """
    given = tuple(path.expanduser().absolute() for path in paths)
    errors: list[StorageError] = []
    for place, path in enumerate(given):
        try:
            return _classify(path, (*given[:place], *given[place + 1 :]))
        except StorageError as error:
            errors.append(error)
    raise errors[0]


def _classify(first: Path, more: tuple[Path, ...]) -> Opening:
    if not first.exists():
        raise StorageError(
            tr("there is nothing here."), path=first, remedy=tr("Choose a folder that exists.")
        )
    if first.is_dir():
        return _classify_folder(first, more)
    if first.name == DATABASE:
        return Opening("project", first.parent, more)
    if is_description(first):
        return Opening("dataset", project_folder_for(first), (first, *more))
    if first.suffix.lower() in LABEL_SUFFIXES:
        return Opening("dataset", project_folder_for(_set_folder(first)), (first, *more))
    if first.suffix.lower().lstrip(".") in SUFFIXES:
        return Opening("images", project_folder_for(first.parent), (first, *more))
    raise StorageError(
        tr("a file of the kind {suffix!r} cannot be opened.").format(
            suffix=first.suffix or first.name
        ),
        path=first,
        remedy=tr("Open a folder of images, a file of labels or a project."),
    )


def is_description(path: Path) -> bool:
    """Tell whether a file is named like the description of a data set."""
    return path.suffix.lower() in YAML_NAMES


def find_description(folder: Path) -> Path | None:
    """Return what describes the data set in a folder: a YAML file with names, or the folder with a classes.txt."""
    if not folder.is_dir():
        return None
    named = [folder / f"data{suffix}" for suffix in YAML_NAMES]
    others = sorted(path for path in folder.glob("*.y*ml") if is_description(path))
    for path in (*named, *others):
        if path.is_file() and (path in named or _has_names(path)):
            return path
    has_labels = (folder / "classes.txt").is_file() and (folder / "labels").is_dir()
    return folder if has_labels else None


def import_into(
    folder: Path,
    source: Path,
    progress: Progress,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Import a data set into the project in ``folder``, made if needed; for a thread of its own.

    A data set that cannot be read leaves no project behind.

    Raises:
        EngineError: The data set cannot be read, or the project cannot be written.
        CancelledError: ``is_cancelled`` said so; nothing was imported.
    """
    told = stoppable(progress, is_cancelled)
    dataset = read(source, None, lambda done, total: told(done, total, "reading"))
    with writable_project(folder) as project:
        return import_dataset(
            project,
            source,
            progress=lambda done, total: told(done, total, "writing"),
            dataset=dataset,
        )


def mirror_into(
    folder: Path,
    source: Path,
    progress: Progress,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ImportReport:
    """Keep the label files of the data set ``source`` in step with the project from now on.

    Raises:
        EngineError: The data set does not fit the project, or one of them cannot be read or written.
        CancelledError: ``is_cancelled`` said so; nothing was changed.
    """
    told = stoppable(progress, is_cancelled)
    with writable_project(folder) as project:
        mirror, report = open_in_place(
            project, source, lambda done, total: told(done, total, "reading")
        )
        mirror.stop()
    return report


def stoppable(progress: Progress, is_cancelled: Callable[[], bool]) -> Progress:
    """Return a progress that ends the work it is told about when it was given up."""

    def tell(done: int, total: int, text: str) -> None:
        if is_cancelled():
            raise CancelledError(tr("The work was given up."))
        progress(done, total, text)

    return tell


def _classify_folder(folder: Path, more: tuple[Path, ...]) -> Opening:
    project = project_folder_for(folder)
    if is_project(project):
        return Opening("project", project, more)
    description = find_description(folder)
    if description is not None:
        return Opening("dataset", project, (description, *more))
    return Opening("images", project, (folder, *more))


def _set_folder(file: Path) -> Path:
    """Return a path in the folder that holds images and labels, whose project is meant."""
    return file.parent.parent / file.name if file.parent.name in _INNER else file


def _has_names(path: Path) -> bool:
    """Tell whether a YAML file has a top-level entry ``names``, as a data set's has."""
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return any(line.startswith("names:") for line in lines)
    except OSError:
        return False
