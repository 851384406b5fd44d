"""A project on disk: create a folder, open one, find the one that belongs to something a person opened."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path

from engine._version import __version__
from engine.data.images import read_size
from engine.runtime.paths import cache_dir
from studio.language import tr
from studio.model.errors import StorageError
from studio.model.project import Project
from studio.storage.lock import HeldElsewhereError, ProjectLock
from studio.storage.sqlite_store import SqliteStore

DATABASE = "project.db"
DEFAULT_NAME = "maskwright"  # of a project folder that is made inside a folder of images


def is_project(folder: Path) -> bool:
    """Tell whether ``folder`` holds a project."""
    return (folder / DATABASE).is_file()


def create_project(folder: str | Path, name: str | None = None) -> Project:
    """Make an empty project in ``folder``, which may exist and hold other files, and open it.

    Raises:
        StorageError: There is a project already, or the folder cannot be made or written.
    """
    folder = absolute(folder)
    if is_project(folder):
        raise StorageError(
            tr("there is already a project."),
            path=folder,
            remedy=tr("Open it, or choose another folder."),
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    lock = ProjectLock(folder)
    try:
        lock.acquire()
    except HeldElsewhereError as error:
        raise StorageError(
            tr("{error} is just making a project here.").format(error=error),
            path=folder,
            remedy=tr("Open it instead."),
        ) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    facts = {"name": name or _name_for(folder), "created": time.time(), "made_by": __version__}
    try:
        store = SqliteStore(folder / DATABASE)
        try:
            with store.transaction():
                for key, value in facts.items():
                    store.put(key, value)
        except BaseException:
            store.close()
            raise
    except BaseException:
        for file in folder.glob(f"{DATABASE}*"):  # half a project would be taken for one
            file.unlink()
        lock.release()
        raise
    store.on_close = lock.release
    return Project(store, folder, read_size)


def open_project(folder: str | Path, read_only: bool = False) -> Project:
    """Open the project in ``folder``.

    Where it cannot be written, or is open for writing elsewhere, it is opened for reading only, and
    the project's ``notice`` says so. Opening reads no image and no folder, however many there are.

    Args:
        folder: The project folder (or its ``project.db``).
        read_only: Ask for reading only: any number of processes and threads may do so at once.

    Raises:
        StorageError: There is no project, or it cannot be read.
    """
    folder = absolute(folder)
    if folder.name == DATABASE and folder.is_file():
        folder = folder.parent
    if not is_project(folder):
        raise StorageError(
            tr("there is no project here ({database} is missing).").format(database=DATABASE),
            path=folder,
            remedy=tr("Choose the folder of a project, or create one."),
        )
    if read_only:
        return _open_to_read(folder, tr("The project was opened for reading only."))
    lock = ProjectLock(folder)
    try:
        lock.acquire()
    except HeldElsewhereError as error:
        return _open_to_read(
            folder,
            tr(
                "The project is already open in another window ({error}), so it is shown here for "
                "reading only. Close the other window and reopen it to edit."
            ).format(error=error),
        )
    except OSError as error:
        return _open_to_read(folder, _read_only_notice(error))
    try:
        if not os.access(folder / DATABASE, os.W_OK):
            raise PermissionError(13, "Permission denied")
        store = SqliteStore(folder / DATABASE, on_close=lock.release)
    except PermissionError as error:
        lock.release()
        return _open_to_read(folder, _read_only_notice(error))
    except StorageError as error:
        # a full disk has no room for the log either; what cannot be read at all raises again here
        lock.release()
        return _open_to_read(folder, _refused_notice(error))
    except BaseException:
        lock.release()
        raise
    return Project(store, folder, read_size)


def open_or_create(folder: str | Path, name: str | None = None) -> Project:
    """Open the project in ``folder``, making it first where there is none."""
    folder = absolute(folder)
    if is_project(folder):
        return open_project(folder)
    return create_project(folder, name)


def writable_project(folder: str | Path) -> Project:
    """Open (or make) the project for a command that must write.

    Raises:
        StorageError: It can only be read; the notice says why.
    """
    project = open_or_create(folder)
    if project.read_only:
        notice = project.notice or tr("The project can only be read.")
        project.close()
        raise StorageError(notice, path=project.folder)
    return project


def cache_folder(project: Project) -> Path:
    """Return where what can be made again is kept: inside the project, or in the person's cache where that cannot be written."""
    if project.read_only:
        name = hashlib.sha256(str(project.folder).encode()).hexdigest()[:16]
        return cache_dir() / "projects" / name
    return project.folder / "cache"


def project_folder_for(images: str | Path) -> Path:
    """Return the project folder that belongs to a folder of images or a dataset: no dialog has to ask.

    It is the folder itself where it is a project, else ``maskwright`` inside it, else, where
    nothing can be written there, a folder of that name in the person's home.
    """
    folder = absolute(images)
    if not folder.is_dir():
        folder = folder.parent
    inside = folder / DEFAULT_NAME
    for candidate in (folder, inside):
        if is_project(candidate):
            return candidate
    if _can_write(folder):
        return inside
    # the whole path, so that two folders called "images" get two projects
    name = "-".join(part for part in folder.parts if part != folder.anchor)
    return Path.home() / "Maskwright" / (name or "images")


def absolute(path: str | Path) -> Path:
    """Return the absolute path with ``~`` and ``..`` resolved but links kept as they are."""
    told = os.fspath(path)
    found = os.path.abspath(told)  # noqa: PTH100 - Path.resolve follows links
    if isinstance(path, Path) and found == told:
        return path  # most are: an import asks for each of 100,000 images
    return Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100


def _open_to_read(folder: Path, notice: str) -> Project:
    store = SqliteStore(folder / DATABASE, read_only=True)
    return Project(store, folder, read_size, notice)


def _read_only_notice(error: OSError) -> str:
    return tr(
        "The project folder cannot be written ({strerror}), so it is open for reading "
        "only. To edit, allow writing to the folder or copy it to a place where you may "
        "write."
    ).format(strerror=error.strerror or error)


def _refused_notice(error: StorageError) -> str:
    """Say why SQLite did not open for writing: full, or in the hands of another program."""
    is_busy = "locked" in str(error.value)
    reason = tr("another program is writing to it") if is_busy else error.value or error.message
    todo = tr("Wait until it is done, or close it,") if is_busy else tr("Free space on its disk")
    return tr(
        "The project cannot be written now ({reason}), so it is open for reading only. "
        "{todo} and reopen it to edit."
    ).format(reason=reason, todo=todo)


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        tr("the project folder cannot be made ({strerror}).").format(
            strerror=error.strerror or error
        ),
        path=folder,
        remedy=tr("Choose a folder where you may write."),
    )


def _name_for(folder: Path) -> str:
    return folder.parent.name or folder.name if folder.name == DEFAULT_NAME else folder.name


def _can_write(folder: Path) -> bool:
    """Try it: permission bits do not tell about read-only file systems, or anything on Windows."""
    probe = folder / f".maskwright-{os.getpid()}"
    try:
        probe.touch()
    except OSError:
        return False
    with contextlib.suppress(OSError):
        probe.unlink()
    return True
