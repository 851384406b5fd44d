"""Makes a project of a file that was written by :mod:`studio.storage.archive_write`, or by someone who means harm.

Nothing is written outside the new folder, nothing in the file is executed, and the folder gets its
name when everything in it has been checked.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import stat
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from studio.language import ntr, tr
from studio.model.errors import CancelledError, StorageError
from studio.model.runs import CONTROL_FILE, PROCESS_FILE
from studio.storage.archive_write import detach
from studio.storage.database_copy import open_copy
from studio.storage.project_archive import (
    CHUNK,
    DATABASE,
    IMAGES,
    MANIFEST,
    RUNS,
    ArchiveError,
    ArchiveReport,
    IsCancelled,
    Manifest,
    Progress,
    read_manifest,
)
from studio.storage.project_files import absolute
from studio.storage.schema import APPLICATION_ID, MIGRATIONS, migrate, version_of

_ENTRIES = 3_000_000  # files
_PLAIN_BYTES = 2**30  # up to here nobody asks how well a file is compressed
_RATIO = 200  # a database shrinks to a tenth, images not at all
_ALLOWED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_NOT_TAKEN = frozenset({PROCESS_FILE, CONTROL_FILE})
_ENCRYPTED = 1  # bit of a zip entry's flags


def import_project(
    file: str | Path,
    folder: str | Path,
    progress: Progress | None = None,
    is_cancelled: IsCancelled = lambda: False,
) -> ArchiveReport:
    """Make the project that is in ``file`` in the new or empty ``folder``.

    Args:
        file: The project file.
        folder: The project folder to make.
        progress: Called with (bytes done, bytes in all, what).
        is_cancelled: Asked for each megabyte; True leaves nothing behind.

    Raises:
        ArchiveError: It is no project file, is damaged, or holds what no project file holds: names
            that lead out of the folder, links, a database of something else.
        StorageError: The folder is in use or cannot be written.
        CancelledError: ``is_cancelled`` said so.
    """
    file, folder = absolute(file), absolute(folder)
    _check_free(folder)
    making = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.unpacking")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(file) as archive:
            manifest = read_manifest(archive, file)
            entries, left_out = _plan(archive, file)
            _check_size(file, folder.parent, [entry for entry, _ in entries])
            making.mkdir()
            _unpack(archive, entries, making, progress, is_cancelled)
        _check_database(making / DATABASE, file)
        detach(making / DATABASE, {})
        if folder.is_dir():
            folder.rmdir()  # empty: asked above
        making.rename(folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise _broken(file, str(error)) from error
    except OSError as error:
        raise _explained(error, file, folder) from error
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return _report(folder, manifest, [name for _, name in entries], left_out)


def _check_free(folder: Path) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise StorageError(
            tr("the folder is not empty."),
            path=folder,
            remedy=tr("Choose a new folder for the project."),
        )


def _plan(
    archive: zipfile.ZipFile, file: Path
) -> tuple[list[tuple[zipfile.ZipInfo, PurePosixPath]], list[str]]:
    """Return what is unpacked and where to below the project folder, and what is not, one sentence each.

    Raises:
        ArchiveError: A name, a link or a way of packing that a project file never has.
    """
    infos = archive.infolist()
    if len(infos) > _ENTRIES:
        raise _refused(file, tr("{count:,} files are too many").format(count=len(infos)))
    planned: dict[str, tuple[zipfile.ZipInfo, PurePosixPath]] = {}
    left_out = []
    for info in infos:
        name = _safe_name(info, file)
        if info.is_dir() or str(name) == MANIFEST:
            continue
        if not _belongs(name):
            left_out.append(
                tr("{name}: it is no part of a project and was not unpacked.").format(name=name)
            )
            continue
        if str(name) in planned:
            raise _refused(file, tr("{name} is in it twice").format(name=name))
        planned[str(name)] = (info, name)
    if DATABASE not in planned:
        raise _refused(file, tr("{database} is missing").format(database=DATABASE))
    return list(planned.values()), left_out


def _safe_name(info: zipfile.ZipInfo, file: Path) -> PurePosixPath:
    """Return an entry's path.

    Raises:
        ArchiveError: It would lead out of the folder, or is no plain file or folder.
    """
    name = PurePosixPath(info.filename)
    windows = PureWindowsPath(info.filename)
    is_leading_out = (
        name.is_absolute()
        or bool(windows.drive or windows.root)
        or ".." in name.parts
        or "\\" in info.filename
        or info.orig_filename.split("\0")[0] != info.orig_filename
    )
    if is_leading_out:
        raise _refused(
            file,
            tr("the name {orig_filename!r} leads out of the project's folder").format(
                orig_filename=info.orig_filename
            ),
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(file, tr("{name} is a link or a device").format(name=name))
    if info.flag_bits & _ENCRYPTED:
        raise _refused(file, tr("{name} is locked with a password").format(name=name))
    if info.compress_type not in _ALLOWED:
        raise _refused(
            file, tr("{name} is packed in a way that project files are not").format(name=name)
        )
    return name


def _belongs(name: PurePosixPath) -> bool:
    if str(name) == DATABASE:
        return True
    inside = len(name.parts) > 2 and name.parts[0] in (IMAGES, RUNS)
    return inside and name.name not in _NOT_TAKEN


def _check_size(file: Path, place: Path, infos: Sequence[zipfile.ZipInfo]) -> None:
    total, packed = sum(info.file_size for info in infos), file.stat().st_size
    if total > max(_PLAIN_BYTES, packed * _RATIO):
        raise _refused(
            file, tr("{packed:,} bytes claim to hold {total:,}").format(packed=packed, total=total)
        )
    free = shutil.disk_usage(place).free
    if total > free:
        raise StorageError(
            tr("the project needs {total:,.0f} MB, and {free:,.0f} MB are free.").format(
                total=total / 1e6, free=free / 1e6
            ),
            path=place,
            remedy=tr("Free some space, or choose a folder on another disk."),
        )


def _unpack(
    archive: zipfile.ZipFile,
    entries: Sequence[tuple[zipfile.ZipInfo, PurePosixPath]],
    making: Path,
    progress: Progress | None,
    is_cancelled: IsCancelled,
) -> None:
    total, done = sum(info.file_size for info, _ in entries), 0
    for info, name in entries:
        target = making / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as packed, target.open("xb") as file:
            for block in _blocks(packed, info):
                if is_cancelled():
                    raise CancelledError(tr("The import was cancelled."))
                file.write(block)
                done += len(block)
                if progress is not None:
                    progress(done, total, name.name)


def _blocks(packed: IO[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield a file's content, no more of it than its entry announces."""
    left = info.file_size
    while block := packed.read(CHUNK):
        left -= len(block)
        if left < 0:
            raise zipfile.BadZipFile(f"{info.filename} is longer than it says")
        yield block
    if left:
        raise zipfile.BadZipFile(f"{info.filename} is shorter than it says")


def _check_database(path: Path, file: Path) -> None:
    """Make sure that the database is a sound project that runs nothing of its own.

    Raises:
        ArchiveError: It is not.
    """
    try:
        with contextlib.closing(open_copy(path)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            kind = connection.execute("PRAGMA application_id").fetchone()[0]
            version = version_of(connection)
            if kind != APPLICATION_ID or version == 0:
                raise _refused(file, tr("its database is that of another program"))
            if version > len(MIGRATIONS):
                raise ArchiveError(
                    tr(
                        "the project has format {version}, this program knows up to {count}."
                    ).format(version=version, count=len(MIGRATIONS)),
                    path=file,
                    remedy=tr("Update Maskwright."),
                )
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(5)")]
            if found != ["ok"]:
                raise _broken(
                    file,
                    tr("its database is damaged: {map}").format(map="; ".join(map(str, found))),
                )
            if strange := _programs(connection) - _programs_of_ours(version):
                raise _refused(
                    file,
                    tr("its database runs something of its own: {strange}").format(
                        strange=min(strange)
                    ),
                )
            _check_paths(connection, file)
    except sqlite3.Error as error:
        raise _broken(file, tr("its database: {error}").format(error=error)) from error


def _programs(connection: sqlite3.Connection) -> set[str]:
    """Return what in a database acts by itself: triggers, views and tables made by modules."""
    sql = (
        "SELECT sql FROM sqlite_master WHERE type IN ('trigger', 'view') "
        "OR sql LIKE 'CREATE VIRTUAL%'"
    )
    return {str(row[0]) for row in connection.execute(sql)}


def _programs_of_ours(version: int) -> set[str]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh, MIGRATIONS[:version])
        return _programs(fresh)


def _check_paths(connection: sqlite3.Connection, file: Path) -> None:
    """See that image names stay below their folder: exports and label files are named after them."""
    for (rel,) in connection.execute("SELECT rel FROM images"):
        path = PurePosixPath(str(rel))
        if path.is_absolute() or ".." in path.parts or PureWindowsPath(str(rel)).drive:
            raise _refused(
                file, tr("the image name {rel!r} leads out of its folder").format(rel=rel)
            )


def _report(
    folder: Path, manifest: Manifest, names: Sequence[PurePosixPath], left_out: list[str]
) -> ArchiveReport:
    images = sum(name.parts[0] == IMAGES for name in names)
    runs = sorted({name.parts[1] for name in names if name.parts[0] == RUNS})
    if images != manifest.images:
        left_out.append(
            ntr(
                "The file announced {images:,} image and holds {held:,}.",
                "The file announced {images:,} images and holds {held:,}.",
                manifest.images,
            ).format(images=manifest.images, held=images)
        )
    return ArchiveReport(folder, images, runs, left_out)


def _refused(file: Path, why: str) -> ArchiveError:
    return ArchiveError(
        tr("the file was not unpacked: {why}.").format(why=why),
        path=file,
        remedy=tr("It was not made by Maskwright, or was changed since. Ask for the original."),
    )


def _broken(file: Path, why: str) -> ArchiveError:
    return ArchiveError(
        tr("the project file is damaged ({why}).").format(why=why),
        path=file,
        remedy=tr("Copy or download it again; nothing was unpacked."),
    )


def _explained(error: OSError, file: Path, folder: Path) -> StorageError:
    if isinstance(error, StorageError):
        return error
    about_file = error.filename is not None and os.fspath(error.filename) == str(file)
    return StorageError(
        (
            tr("the project file cannot be read ({reason}).")
            if about_file
            else tr("the project file cannot be unpacked ({reason}).")
        ).format(reason=error.strerror or error),
        path=file if about_file else folder,
        remedy=tr("Check the disk's free space and your rights; nothing was left behind."),
    )
