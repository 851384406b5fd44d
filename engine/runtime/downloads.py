"""Files from elsewhere, for everybody who needs one: an address in, a path out.

How a file is brought here (resuming, checks, retries) is in ``engine.runtime.fetching``; which model files
are public, in ``engine.cfg.weights``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.runtime.errors import DownloadError
from engine.runtime.fetching import transfer
from engine.runtime.fetching.address import join_address, shown_url
from engine.runtime.fetching.progress import Progress, Report, reporting
from engine.runtime.fetching.source import Patience
from engine.runtime.settings import settings

__all__ = [
    "Patience",
    "Progress",
    "Report",
    "download",
    "fetch",
    "is_offline",
    "is_url",
    "join_address",
    "reporting",
    "safe_download",
    "shown_url",
    "url2file",
]

_OFFLINE_VARIABLES = ("MASKWRIGHT_OFFLINE", "YOLO_OFFLINE")
_TRUE = ("1", "true", "yes", "on")


def fetch(
    address: str,
    target: str | Path,
    *,
    report: Report | None = None,
    complaint: Callable[[Path], str | None] | None = None,
    patience: Patience | None = None,
) -> Path:
    """Bring a file here unless it is here already; see :func:`engine.runtime.fetching.transfer.fetch`.

    The setting ``offline`` keeps it from using the network; a folder as address still serves.

    Raises:
        DownloadError: It cannot be had.
    """
    return transfer.fetch(
        address,
        target,
        report=report,
        complaint=complaint,
        patience=patience,
        online=not is_offline(),
    )


def safe_download(
    url: str | Path,
    file: str | Path | None = None,
    dir: str | Path | None = None,
    unzip: bool = True,
    delete: bool = False,
    retry: int = 3,
    min_bytes: float = 1.0,
    exist_ok: bool = False,
    progress: bool = True,
) -> Path:
    """Download a file, and unpack it if it is an archive.

    Args:
        url: Its address, or a path; an archive that is here already is only unpacked.
        file: Where to put it; None for the address's name in ``dir``.
        dir: Folder for the file and for what is in it; None for the working folder.
        unzip: Unpack zip and tar archives, each into a folder of its name.
        delete: Remove the archive afterwards.
        retry: How often to ask again where nothing new arrives.
        min_bytes: A smaller file counts as damaged.
        exist_ok: Unpack even where the archive's folder has files; False leaves such a folder alone.
        progress: Show how far it is.

    Returns:
        The file, or the folder of an unpacked archive.

    Raises:
        DownloadError: It cannot be had or unpacked.
    """
    folder = Path.cwd() if dir is None else Path(dir).expanduser()
    target = Path(file).expanduser() if file is not None else folder / url2file(str(url))
    is_here = not is_url(str(url)) and Path(url).expanduser().is_file()
    if is_here and file is None:
        target = Path(url).expanduser()
    fetch(
        str(url),
        target,
        report=None if progress else _silent,
        complaint=lambda path: _too_small(path, min_bytes),
        patience=replace(Patience(), tries=retry + 1),
    )
    from engine.runtime import archives  # and with it the compressors, which most starts never need

    if not (unzip and archives.is_archive(target)):
        return target
    unpacked = archives.unpack(target, None if dir is None else folder, exist_ok=exist_ok)
    if delete:
        target.unlink()
    return unpacked


def download(
    url: str | Path | Iterable[str | Path],
    dir: str | Path | None = None,
    unzip: bool = True,
    delete: bool = False,
    threads: int = 1,
    retry: int = 3,
    exist_ok: bool = False,
) -> list[Path]:
    """Download files, several at once if asked to.

    Args:
        url: One address or several.
        dir: Folder for the files, made if it is missing; None for the working folder.
        unzip: Unpack archives.
        delete: Remove archives afterwards.
        threads: How many files at the same time.
        retry: How often to ask again where nothing new arrives.
        exist_ok: Unpack even where an archive's folder has files.

    Returns:
        A path for each address, as :func:`safe_download` gives.

    Raises:
        DownloadError: One cannot be had; those that arrived stay.
    """
    urls = [url] if isinstance(url, str | Path) else list(url)
    folder = Path.cwd() if dir is None else Path(dir).expanduser()

    def one(address: str | Path) -> Path:
        return safe_download(
            address, None, folder, unzip, delete, retry, exist_ok=exist_ok, progress=threads <= 1
        )

    if threads <= 1:
        return [one(address) for address in urls]
    with ThreadPoolExecutor(threads) as pool:  # each thread sees the caller's reporting block
        return [f.result() for f in [pool.submit(copy_context().run, one, u) for u in urls]]


def is_offline() -> bool:
    """Whether the network may not be used: ``MASKWRIGHT_OFFLINE``, ``YOLO_OFFLINE``, or the setting."""
    for variable in _OFFLINE_VARIABLES:
        if value := os.environ.get(variable):
            return value.strip().lower() in _TRUE
    return bool(settings["offline"])


def is_url(text: str | Path) -> bool:
    """Whether a text is the address of something on a web server."""
    parts = urlsplit(str(text))
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def url2file(url: str | Path) -> str:
    """Return the file name at the end of an address, without its query.

    Raises:
        DownloadError: It has none.
    """
    text = str(url)
    name = Path(unquote(urlsplit(text).path) if "://" in text else text).name
    if not name:
        raise DownloadError(f"{shown_url(text)} names no file.", value=text)
    return name


def _silent(_progress: Progress) -> None:
    pass


def _too_small(path: Path, min_bytes: float) -> str | None:
    size = path.stat().st_size
    return f"it has {size} bytes, expected {min_bytes:.0f} or more" if size < min_bytes else None
