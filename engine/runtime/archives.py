"""Unpacking zip and tar files that come from elsewhere: nothing lands outside the folder, or runs."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from engine.runtime.errors import DownloadError

_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
_RUBBISH = ("__MACOSX", ".DS_Store")


def is_archive(path: str | Path) -> bool:
    """Whether a file's name is that of an archive: a model file is a zip too, but is not to be unpacked."""
    return Path(path).name.lower().endswith(_SUFFIXES)


def unpack(archive: str | Path, folder: str | Path | None = None, exist_ok: bool = False) -> Path:
    """Unpack an archive into a folder of its name, completely or not at all.

    Where the archive holds a single folder of that name, that is the folder.

    Args:
        archive: A zip or tar file.
        folder: Where the folder is made; None beside the archive.
        exist_ok: Unpack even where the folder has files already, replacing those of the same name;
            False then leaves it as it is.

    Returns:
        The folder.

    Raises:
        DownloadError: It is damaged, would write outside the folder, or there is no room for it.
    """
    archive = Path(archive)
    place = Path(folder) if folder is not None else archive.parent
    target = place / _stem(archive)
    if not exist_ok and target.is_dir() and any(target.iterdir()):
        return target
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place, prefix=f".{target.name}.") as made:
            content = Path(made, "content")
            content.mkdir()
            _extract(archive, content)
            _remove_rubbish(content)
            inner = content / target.name
            alone = inner.is_dir() and [*content.iterdir()] == [inner]
            _move(inner if alone else content, target)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, ValueError) as error:
        raise DownloadError(f"cannot be unpacked ({error}).", path=archive) from error
    except OSError as error:
        raise DownloadError(
            f"cannot be unpacked ({error.strerror or error}).",
            path=archive,
            remedy=f"Check the free space and the permissions of {place}.",
        ) from error
    return target


def _extract(archive: Path, folder: Path) -> None:
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as file:  # removes drives and ".." from names itself
            _check_room(sum(info.file_size for info in file.infolist()), folder)
            file.extractall(folder)
        return
    with tarfile.open(archive) as file:
        _check_room(sum(member.size for member in file), folder)
        file.extractall(folder, filter="data")  # refuses links, devices and paths that lead outside


def _check_room(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(f"{needed} bytes are needed, {free} are free")


def _remove_rubbish(folder: Path) -> None:
    for name in _RUBBISH:
        for path in sorted(folder.rglob(name)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _move(source: Path, target: Path) -> None:
    """Move what is in ``source`` into ``target``, which may have files already."""
    if not target.exists():
        source.rename(target)
        return
    for path in sorted(source.rglob("*")):
        goal = target / path.relative_to(source)
        if path.is_dir():
            goal.mkdir(parents=True, exist_ok=True)
        else:
            path.replace(goal)


def _stem(archive: Path) -> str:
    name = archive.name
    suffix = next(s for s in sorted(_SUFFIXES, key=len, reverse=True) if name.lower().endswith(s))
    return name[: -len(suffix)]
