"""Writes a project as one file."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine._version import __version__
from studio.language import tr
from studio.model.errors import CancelledError, StorageError
from studio.model.project import Project
from studio.model.records import ImageRecord
from studio.model.runs import CONTROL_FILE, PROCESS_FILE
from studio.storage.database_copy import CopyCancelledError, copy_database
from studio.storage.image_index import store_of
from studio.storage.project_archive import (
    CHUNK,
    DATABASE,
    IMAGES,
    MANIFEST,
    RUNS,
    ArchiveReport,
    IsCancelled,
    Manifest,
    Progress,
)
from studio.storage.project_files import absolute, open_project

# Compressed already, so that doing it again costs time and gains nothing.
_STORED = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".jp2", ".heic", ".avif", ".pt"})
_NOT_COPIED = frozenset(
    {PROCESS_FILE, CONTROL_FILE}
)  # who works on a run is a fact of one computer
_UNFIT = re.compile(r"[^\w.-]+")  # in the name of a folder that any system must be able to make
_NAME_LENGTH = 40


@dataclass(frozen=True, slots=True)
class _Entry:
    """A file on disk and its name in the archive."""

    file: Path
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ArchiveParts:
    """What a project as one file would hold, beside its database.

    Attributes:
        images: Image files that are there.
        image_bytes: Their size.
        missing: Images whose file is not there.
        runs: Trainings.
        run_bytes: Their size.
    """

    images: int
    image_bytes: int
    missing: int
    runs: int
    run_bytes: int


def archive_parts(folder: str | Path) -> ArchiveParts:
    """Count what a project as one file would hold; asks for each file.

    Raises:
        StorageError: The project cannot be read.
    """
    missing: list[str] = []
    with open_project(folder, read_only=True) as project:
        pictures = list(_picture_entries(project, _homes(project), missing))
        trainings = list(_run_entries(project.runs_dir))
    return ArchiveParts(
        len(pictures),
        sum(entry.size for entry in pictures),
        len(missing),
        len(_run_names(trainings)),
        sum(entry.size for entry in trainings),
    )


def export_project(
    folder: str | Path,
    target: str | Path,
    images: bool = True,
    runs: bool = True,
    progress: Progress | None = None,
    is_cancelled: IsCancelled = lambda: False,
) -> ArchiveReport:
    """Write the project in ``folder`` as the one file ``target``; it may be open, also for writing.

    The file gets its name when all of it is on disk: a crash or Cancel leaves an older one as it
    was. A copy does not follow the label files of the data set that the project came from.

    Args:
        folder: The project folder.
        target: The file; one of that name is replaced.
        images: Take the image files along; else the copy finds them only where they lie now.
        runs: Take trained models along.
        progress: Called with (bytes done, bytes in all, what).
        is_cancelled: Asked for each megabyte.

    Raises:
        StorageError: The project cannot be read, or the file cannot be written.
        CancelledError: ``is_cancelled`` said so.
    """
    target = absolute(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with open_project(folder, read_only=True) as project:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                report = _write(project, temporary, target, images, runs, progress, is_cancelled)
                temporary.replace(target)
            finally:
                temporary.unlink(missing_ok=True)
    except CopyCancelledError as error:
        raise CancelledError(tr("The export was cancelled.")) from error
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(
            tr("the project file cannot be written ({strerror}).").format(
                strerror=error.strerror or error
            ),
            path=target,
            remedy=tr("Free space on the disk, or choose another place. The project is as it was."),
        ) from error
    return report


def _write(
    project: Project,
    temporary: Path,
    target: Path,
    images: bool,
    runs: bool,
    progress: Progress | None,
    is_cancelled: IsCancelled,
) -> ArchiveReport:
    store, homes = store_of(project), _homes(project)
    left_out: list[str] = []
    pictures = list(_picture_entries(project, homes, left_out)) if images else []
    trainings = list(_run_entries(project.runs_dir)) if runs else []
    names = _run_names(trainings)
    manifest = Manifest(project.name, __version__, len(pictures), names)
    with (
        tempfile.TemporaryDirectory(prefix="maskwright-") as scratch,
        zipfile.ZipFile(temporary, "w", strict_timestamps=False) as archive,
    ):
        database = copy_database(store.db.connection, Path(scratch) / DATABASE, is_cancelled)
        detach(database, homes if images else {})
        first = _Entry(database, DATABASE, database.stat().st_size)
        archive.writestr(MANIFEST, manifest.to_text())
        left_out += _pack(archive, [first, *trainings, *pictures], progress, is_cancelled)
    _sync(temporary)
    return ArchiveReport(target, len(pictures), names, left_out)


def detach(database: Path, homes: dict[int, str]) -> None:
    """Cut a copied database loose from this computer.

    Images are looked for in ``homes`` (by the number of their folder), no label files follow the
    copy, and no versions lock its splits: they stay behind.
    """
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as copy:
        copy.execute("BEGIN")
        copy.execute("DELETE FROM mirror")
        copy.execute("DELETE FROM meta WHERE key = 'mirror'")
        columns = {row[1] for row in copy.execute("PRAGMA table_info(images)")}
        if "locked_by" in columns:  # the versions that lock splits stay behind
            copy.execute("UPDATE images SET locked_by = 0")
        values = [(path, number) for number, path in homes.items()]
        copy.executemany("UPDATE sources SET path = ? WHERE id = ?", values)
        copy.execute("COMMIT")


def _homes(project: Project) -> dict[int, str]:
    """Return for each folder that images were added from its name in the archive."""
    sources = store_of(project).sources()
    return {number: f"{IMAGES}/{number}-{_slug(path)}" for number, path in sources.items()}


def _run_names(trainings: Sequence[_Entry]) -> list[str]:
    return sorted({entry.name.split("/")[1] for entry in trainings})


def _picture_entries(
    project: Project, homes: dict[int, str], left_out: list[str]
) -> Iterator[_Entry]:
    for record, source, rel in _places(project):
        try:
            size = record.path.stat().st_size
        except OSError:
            left_out.append(
                tr("{path}: the image is missing; its shapes are in the file.").format(
                    path=record.path
                )
            )
            continue
        yield _Entry(record.path, f"{homes[source]}/{rel}", size)


def _places(project: Project) -> Iterator[tuple[ImageRecord, int, str]]:
    """Yield each image with the number of its source folder and its path below it."""
    rows = store_of(project).db.rows("SELECT id, source_id, rel FROM images WHERE removed = 0")
    places = {row[0]: (row[1], row[2]) for row in rows}
    for record in project.images(project.image_ids()):
        if record.id in places:
            yield (record, *places[record.id])


def _run_entries(runs: Path) -> Iterator[_Entry]:
    for file in sorted(runs.rglob("*")) if runs.is_dir() else ():
        if file.is_file() and not file.is_symlink() and file.name not in _NOT_COPIED:
            name = file.relative_to(runs).as_posix()
            if "/" in name:
                yield _Entry(file, f"{RUNS}/{name}", file.stat().st_size)


def _pack(
    archive: zipfile.ZipFile,
    entries: Sequence[_Entry],
    progress: Progress | None,
    is_cancelled: IsCancelled,
) -> list[str]:
    """Copy files into the archive and return what could not be read, one sentence each."""
    total, done, left_out = sum(entry.size for entry in entries), 0, []
    for entry in entries:
        try:
            source = entry.file.open("rb")
        except OSError as error:
            left_out.append(
                tr("{file}: it cannot be read ({strerror}).").format(
                    file=entry.file, strerror=error.strerror or error
                )
            )
            continue
        info = zipfile.ZipInfo.from_file(entry.file, entry.name, strict_timestamps=False)
        stored = entry.file.suffix.lower() in _STORED
        info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        with source, archive.open(info, "w", force_zip64=entry.size > CHUNK) as packed:
            while block := source.read(CHUNK):
                if is_cancelled():
                    raise CancelledError(tr("The export was cancelled."))
                packed.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total, entry.file.name)
    return left_out


def _slug(folder: Path) -> str:
    return _UNFIT.sub("-", folder.name).strip("-.")[:_NAME_LENGTH] or "images"


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
