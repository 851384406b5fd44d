"""Pictures and videos behind an address: what is there, and the file brought here once."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.data.images import IMG_FORMATS, VID_FORMATS, read_image_header
from engine.runtime.downloads import fetch, is_offline, shown_url
from engine.runtime.errors import DownloadError, ImageError
from engine.runtime.fetching.part import Part
from engine.runtime.fetching.progress import (
    Progress,
    TerminalLine,
    current_report,
    format_bytes,
)
from engine.runtime.paths import cache_dir

# A server may send without end: what is larger is not brought here.
MAX_PICTURE_BYTES = 512 * 2**20
MAX_VIDEO_BYTES = 8 * 2**30
PROBE_TIMEOUT_S = (10.0, 20.0)

# What a server calls its content -> the suffix of such a file.
SUFFIX_OF_TYPE = {
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/x-ms-bmp": ".bmp",
    "image/tiff": ".tif",
    "image/gif": ".gif",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/x-msvideo": ".avi",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/mpeg": ".mpeg",
    "video/x-ms-wmv": ".wmv",
}
# What servers call content that goes on for ever, or that lists its pieces.
LIVE_TYPES = (
    "multipart/x-mixed-replace",
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "audio/mpegurl",
    "application/dash+xml",
    "video/mp2t",
    "video/x-flv",
)


@dataclass(frozen=True)
class WebFile:
    """A picture or video on a web server.

    Attributes:
        url: Its address.
        suffix: Of the file, with its point; empty where only the server knows.
    """

    url: str
    suffix: str = ""

    def __str__(self) -> str:
        return shown_url(self.url)

    def bring(self) -> Path:
        """Return the file, fetched unless it was before.

        Raises:
            DownloadError: It cannot be had, is too large, or is neither picture nor video.
        """
        suffix = self.suffix or known_suffix(self.url) or _asked_suffix(self.url)
        target = cached_path(self.url, suffix)
        is_video = suffix[1:] in VID_FORMATS
        limit = MAX_VIDEO_BYTES if is_video else MAX_PICTURE_BYTES
        guard = _SizeGuard(self.url, limit)
        try:
            return fetch(
                self.url, target, report=guard, complaint=None if is_video else _no_picture
            )
        except _TooLargeError as error:
            Part(target, self.url).discard()
            raise DownloadError(
                error.message, value=error.value, remedy="Fetch it yourself and give its path."
            ) from error
        finally:
            guard.close()


@dataclass(frozen=True)
class Found:
    """What a server says is behind an address.

    Attributes:
        kind: The content's type, as in "image/jpeg".
        suffix: That of a file, where it is a picture or video.
    """

    kind: str
    suffix: str

    @property
    def is_live(self) -> bool:
        """Whether it is a stream rather than a file."""
        return self.kind in LIVE_TYPES


def known_suffix(url: str) -> str:
    """Return the suffix at the end of an address where it is one of pictures or videos, else nothing."""
    suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    return suffix if suffix[1:] in IMG_FORMATS | VID_FORMATS else ""


def ask(url: str) -> Found:
    """Ask a server what is behind an address, without reading it; redirections are followed.

    Raises:
        DownloadError: It does not answer, refuses, or the network is switched off.
    """
    import requests

    shown = shown_url(url)
    if is_offline():
        raise DownloadError(
            f"{shown}: the network is switched off (setting or variable offline).",
            value=shown,
            remedy="Give a file, or switch it on: yolo settings offline=False.",
        )
    try:
        with requests.get(url, stream=True, timeout=PROBE_TIMEOUT_S) as answer:
            answer.raise_for_status()
            return _described(answer)
    except requests.exceptions.InvalidSchema as error:
        raise DownloadError(
            f"{shown} leads to something that is not on the web; it is not followed.", value=shown
        ) from error
    except requests.exceptions.RequestException as error:
        reason = (
            f"answers {error.response.status_code}"
            if error.response is not None
            else "cannot be reached"
        )
        raise DownloadError(
            f"{shown} {reason}.", value=shown, remedy="Open it in a browser to see what it says."
        ) from error


def cached_path(url: str, suffix: str) -> Path:
    """Return where the file of an address is kept: under its own name, in a folder of its address alone."""
    mark = hashlib.sha256(url.encode()).hexdigest()[:16]
    name = PurePosixPath(unquote(urlsplit(url).path)).stem
    stem = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)[:80].lstrip(".") or "file"
    return cache_dir() / "sources" / mark / f"{stem}{suffix}"


def _asked_suffix(url: str) -> str:
    found = ask(url)
    if found.suffix:
        return found.suffix
    raise not_usable(url, found)


def not_usable(url: str, found: Found) -> DownloadError:
    """Return the error for an address with other content."""
    what = "is a stream" if found.is_live else f"is neither picture nor video ({found.kind})"
    remedy = (
        "Give it as the only source, or in a .streams file."
        if found.is_live
        else "Fetch the picture or video that is meant and give its path."
    )
    return DownloadError(f"{shown_url(url)} {what}.", value=shown_url(url), remedy=remedy)


def _described(answer: Any) -> Found:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Found(kind or "unknown", SUFFIX_OF_TYPE.get(kind, "") or known_suffix(answer.url))


def _no_picture(path: Path) -> str | None:
    """Say what is wrong with a file that should be a picture."""
    try:
        read_image_header(path)
    except ImageError as error:
        return error.message.rstrip(".")
    return None


class _TooLargeError(DownloadError):
    """A file beyond the limit, noticed while it arrives."""


class _SizeGuard:
    """Passes reports on, and stops what is too large."""

    def __init__(self, url: str, limit: int) -> None:
        self._url, self._limit, self._report = url, limit, current_report()

    def __call__(self, progress: Progress) -> None:
        size = max(progress.done, progress.total or 0)
        if size > self._limit:
            shown = shown_url(self._url)
            raise _TooLargeError(
                f"{shown} has {format_bytes(size)}, more than the {format_bytes(self._limit)} that are fetched.",
                value=shown,
            )
        self._report(progress)

    def close(self) -> None:
        """Leave the line in the terminal as it is, where there is one."""
        if isinstance(self._report, TerminalLine):
            self._report.end()
