"""Where the program keeps its own files, and how it writes files so that a crash never leaves half of one.

Project, dataset and run folders belong to the people who made them; nothing here decides about those.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import platformdirs

APP_NAME = "maskwright"
_CONFIG_VARIABLES = ("MASKWRIGHT_CONFIG_DIR", "YOLO_CONFIG_DIR")
_CACHE_VARIABLE = "MASKWRIGHT_CACHE_DIR"
_DATA_VARIABLE = "MASKWRIGHT_DATA_DIR"
_SYNCS_EACH: ContextVar[bool] = ContextVar("_SYNCS_EACH", default=True)
_UMASK = os.umask(
    0
)  # asked for once: it can only be read by setting it, which other threads would see
os.umask(_UMASK)


def config_dir() -> Path:
    """Return the folder of the settings and the log; it may not exist yet.

    The environment variables ``MASKWRIGHT_CONFIG_DIR`` and ``YOLO_CONFIG_DIR`` (the first one set wins)
    replace the folder that the operating system offers for this.
    """
    for variable in _CONFIG_VARIABLES:
        if value := os.environ.get(variable):
            return Path(value).expanduser().absolute()
    return Path(platformdirs.user_config_dir(APP_NAME, appauthor=False, roaming=True))


def cache_dir() -> Path:
    """Return the folder of files that can be made again; it may not exist yet.

    ``MASKWRIGHT_CACHE_DIR`` replaces it. Where the configuration folder was moved by a variable, the cache
    moves below it, so that a single variable separates two users of one account (or two tests).
    """
    if value := os.environ.get(_CACHE_VARIABLE):
        return Path(value).expanduser().absolute()
    if any(os.environ.get(variable) for variable in _CONFIG_VARIABLES):
        return config_dir() / "cache"
    return Path(platformdirs.user_cache_dir(APP_NAME, appauthor=False))


def data_dir() -> Path:
    """Return the folder of what is worth keeping, such as fetched weights; it may not exist yet.

    ``MASKWRIGHT_DATA_DIR`` replaces it; it moves with the configuration folder as the cache does.
    """
    if value := os.environ.get(_DATA_VARIABLE):
        return Path(value).expanduser().absolute()
    if any(os.environ.get(variable) for variable in _CONFIG_VARIABLES):
        return config_dir() / "data"
    return Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))


def log_file() -> Path:
    """Return the file that keeps the tracebacks behind one-line error messages; it may not exist yet."""
    return config_dir() / "logs" / "engine.log"


def lasting_path(value: Any) -> Any:
    """Return the absolute path, as text, of a file or folder that is there; anything else as it is.

    For what is read again later, maybe by a program that runs in another folder.
    """
    if not isinstance(value, str | Path) or not str(value):
        return value
    path = Path(value).expanduser()
    try:
        return str(path.absolute()) if path.exists() else value
    except OSError:  # no path at all, such as a text that is too long for one
        return value


def increment_path(
    path: str | Path, exist_ok: bool = False, sep: str = "", mkdir: bool = False
) -> Path:
    """Return ``path``, or the first of ``path2``, ``path3``, ... that does not exist yet.

    Args:
        path: A file (its suffix stays last) or a folder.
        exist_ok: Return ``path`` itself even where it exists.
        sep: What stands between the name and the number.
        mkdir: Make the folder before returning. Two processes that ask at the same moment then get two
            different folders, because making the folder is what claims the name.
    """
    path = Path(path)
    if exist_ok:
        if mkdir:
            path.mkdir(parents=True, exist_ok=True)
        return path
    number = 1
    while True:
        candidate = path if number == 1 else _numbered(path, sep, number)
        if not os.path.lexists(candidate):
            if not mkdir:
                return candidate
            with contextlib.suppress(FileExistsError):
                candidate.mkdir(parents=True)
                return candidate
        number += 1


def write_atomic(path: str | Path, data: bytes | str) -> Path:
    """Write ``data`` so that ``path`` holds either its old content or all of the new, whatever happens.

    Text is written as UTF-8 with the line ends it has. The folder is made if it is missing.

    Raises:
        OSError: The folder cannot be written or the disk is full; ``path`` is then as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = data.encode("utf-8") if isinstance(data, str) else data
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if _SYNCS_EACH.get():
                os.fsync(file.fileno())
        _copy_mode(path, Path(temporary))
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    if _SYNCS_EACH.get():
        _sync_folder(path.parent)
    return path


@contextlib.contextmanager
def synced_together() -> Iterator[None]:
    """Let the files that are written here reach the disk together at the end, instead of each by itself.

    For many new files that can be made again: a hundred thousand of them take a third of the time. Each is still
    whole or not there if the program dies; if the power goes before the end, they are to be made again. Only what
    this thread writes counts. Systems that cannot sync at once leave it to their own pace.
    """
    token = _SYNCS_EACH.set(False)
    try:
        yield
    finally:
        _SYNCS_EACH.reset(token)
    if hasattr(os, "sync"):
        os.sync()


def _numbered(path: Path, sep: str, number: int) -> Path:
    suffix = path.suffix if path.suffix and not path.is_dir() else ""
    stem = path.name.removesuffix(suffix)
    return path.with_name(f"{stem}{sep}{number}{suffix}")


def _copy_mode(old: Path, new: Path) -> None:
    """Give the new file the old one's permissions, or the usual ones: mkstemp makes files private."""
    try:
        mode = old.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = 0o666 & ~_UMASK
    with contextlib.suppress(OSError):  # file systems without permissions
        new.chmod(mode)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power loss where the operating system allows it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # network file systems refuse to sync a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
