"""What a path that somebody opened is, and the project that belongs to it. No Qt, no dialogs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.data.images import IMG_FORMATS
from studio.model.errors import StorageError
from studio.storage.dataset_import import ImportReport, import_dataset
from studio.storage.project_files import is_project, open_or_create, project_folder_for

Kind = Literal["project", "dataset", "images", "files"]
Progress = Callable[[int, int, str], None]
YAML_NAMES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Opening:
    """What is to be opened.

    Attributes:
        kind: ``project``; ``dataset``: a data.yaml to import; ``images``: a folder; ``files``: single images.
        project: The project folder; it may not exist yet.
        paths: The data.yaml, the folder, or the files.
    """

    kind: Kind
    project: Path
    paths: tuple[Path, ...]


def classify(paths: Sequence[Path]) -> Opening:
    """Find out what was opened or dropped.

    A folder with a data.yaml counts as a data set, any other folder as images. Of several paths the first decides.

    Raises:
        StorageError: It does not exist, or is nothing that can be opened.
    """
    first = paths[0].expanduser().absolute()
    if not first.exists():
        raise StorageError(
            "there is nothing here.", path=first, remedy="Choose a folder that exists."
        )
    if first.is_dir():
        return _classify_folder(first)
    suffix = first.suffix.lower()
    if first.name == "project.db":
        return Opening("project", first.parent, ())
    if suffix in YAML_NAMES:
        return Opening("dataset", project_folder_for(first), (first,))
    if suffix.lstrip(".") in IMG_FORMATS:
        files = tuple(path.expanduser().absolute() for path in paths if path.is_file())
        return Opening("files", project_folder_for(first.parent), files)
    raise StorageError(
        f"a file of the kind {suffix or first.name!r} cannot be opened.",
        path=first,
        remedy="Open a folder of images, a data.yaml or a project.",
    )


def import_into(folder: Path, source: Path, progress: Progress) -> ImportReport:
    """Import a data set into the project in ``folder``, made if needed; for a thread of its own.

    Raises:
        EngineError: The data set cannot be read, or the project cannot be written.
    """
    with open_or_create(folder) as project:
        return import_dataset(
            project, source, progress=lambda done, total: progress(done, total, "")
        )


def _classify_folder(folder: Path) -> Opening:
    project = project_folder_for(folder)
    if is_project(project):
        return Opening("project", project, ())
    yamls = sorted(path for path in folder.glob("data.y*ml") if path.suffix in YAML_NAMES)
    if yamls:
        return Opening("dataset", project, (yamls[0],))
    return Opening("images", project, (folder,))
