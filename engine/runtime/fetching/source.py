"""Where a file comes from: a web server or a folder, behind one small interface."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

from engine._version import __version__
from engine.runtime.errors import DownloadError, NotOnServerError
from engine.runtime.fetching.digest import Digest, digest_of_headers, digest_of_text

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16
_DIGEST_FILE_LIMIT = 4096
_MISSING = (404, 410)
_REFUSED = (401, 403, 407, 451)
_LATER = (408, 425, 429, 500, 502, 503, 504)
_CONTENT_RANGE = re.compile(r"^bytes\s+(\d+)-(\d+)/(\d+|\*)$")
_UNSATISFIED = re.compile(r"^bytes\s+\*/(\d+)$")


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server and how often to ask again.

    Attributes:
        connect_s: For the connection.
        silence_s: For the next byte.
        tries: Attempts before giving up, counted anew whenever more has arrived than ever before.
        tries_offline: Attempts where not even a connection comes about.
        first_wait_s: Before the second attempt; doubled each time.
        longest_wait_s: At most between two attempts, also where the server asks for more.
    """

    connect_s: float = 10.0
    silence_s: float = 20.0
    tries: int = 5
    tries_offline: int = 2
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0


class TransferBroken(Exception):
    """An attempt that failed but may succeed when repeated.

    Attributes:
        reason: What happened, a clause.
        wait_s: How long the server asked to wait; None where it did not.
        connected: Whether the server was reached.
        start_again: Whether what is here already stands in the way.
    """

    def __init__(
        self,
        reason: str,
        wait_s: float | None = None,
        connected: bool = True,
        start_again: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s
        self.connected = connected
        self.start_again = start_again


@dataclass
class Body:
    """An answer: a file or the rest of one.

    Attributes:
        start: Where in the file it begins.
        total: Bytes of the whole file; None where nobody says.
        validator: A name of this version of the file; empty where it cannot be gone on with later.
        digest: The whole file's checksum, if one is given.
        chunks: The bytes. Iterating may raise :class:`TransferBroken`.
    """

    start: int
    total: int | None
    validator: str
    digest: Digest | None
    chunks: Iterator[bytes]


class Source(Protocol):
    """Something that has the file."""

    shown: str
    is_online: bool

    def open(self, offset: int, validator: str) -> AbstractContextManager[Body]:
        """Ask for the file from ``offset`` on, if it is still the version that ``validator`` names.

        Raises:
            TransferBroken: Asking again may help.
            DownloadError: It will not.
        """

    def digest_beside(self) -> Digest | None:
        """Return the checksum in ``NAME.sha256`` beside the file, if there is one."""


def source_of(address: str, patience: Patience) -> Source:
    """Return the source behind an address: ``http(s)://``, ``file://`` or a path.

    Raises:
        DownloadError: It is another kind of address.
    """
    scheme, mark, _ = address.partition("://")
    if not mark:
        return FolderSource(Path(address).expanduser())
    if scheme.lower() == "file":
        return FolderSource(Path(url2pathname(urlsplit(address).path)))
    if scheme.lower() in ("http", "https"):
        return WebSource(address, patience)
    raise DownloadError(
        f"{shown_url(address)}: expected an address that begins with https://, http:// or file://, "
        "or a folder.",
        value=address,
    )


class WebSource:
    """A file on a web server.

    Args:
        url: Its address.
        patience: How long to wait.
    """

    is_online = True

    def __init__(self, url: str, patience: Patience) -> None:
        self.url = url
        self.shown = shown_url(url)
        self.host = urlsplit(url).hostname or url
        self._patience = patience

    @contextmanager
    def open(self, offset: int, validator: str) -> Iterator[Body]:
        """Ask the server; see :class:`Source`."""
        headers = {"Range": f"bytes={offset}-", "If-Range": validator} if offset else {}
        with self._answer(self.url, headers) as response:
            self._check_way(response)
            yield self._body(response, offset)

    def digest_beside(self) -> Digest | None:
        """Ask for ``NAME.sha256``; a server without one, or a failure, gives None."""
        parts = urlsplit(self.url)
        url = urlunsplit(parts._replace(path=f"{parts.path}.sha256"))
        try:
            with self._answer(url, {}) as response:
                if response.status_code != 200 or _is_page(response):
                    return None
                text = response.raw.read(_DIGEST_FILE_LIMIT, decode_content=True)
        except (TransferBroken, DownloadError):
            return None
        return digest_of_text(text.decode("utf-8", "replace"), Path(unquote(parts.path)).name)

    @contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[requests.Response]:
        """Send the request; every failure of the network, also later while reading, becomes ours."""
        import requests
        import urllib3

        sent = {
            "User-Agent": f"maskwright/{__version__}",
            "Accept-Encoding": "identity",  # or lengths and ranges would be those of the compressed file
            **headers,
        }
        timeout = (self._patience.connect_s, self._patience.silence_s)
        connected = False
        try:
            with requests.get(url, headers=sent, stream=True, timeout=timeout) as response:
                connected = True
                yield response
        except requests.exceptions.SSLError as error:
            raise self._untrusted(error) from error
        except requests.exceptions.ProxyError as error:
            reason = f"the proxy gives no connection to {self.host}"
            raise TransferBroken(reason, connected=False) from error
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise TransferBroken(f"{self.host} does not answer", connected=connected) from error
        except (requests.exceptions.ConnectionError, urllib3.exceptions.HTTPError) as error:
            reason = "the connection was lost" if connected else f"no connection to {self.host}"
            raise TransferBroken(reason, connected=connected) from error
        except requests.exceptions.RequestException as error:
            raise self._failed(f"{self.shown} cannot be asked for ({error})") from error

    def _body(self, response: requests.Response, offset: int) -> Body:
        self._check_status(response)
        headers = response.headers
        if _is_page(response) and not self.url.lower().endswith((".html", ".htm")):
            raise self._failed(
                f"{self.host} answered with a web page instead of the file",
                "Perhaps this network wants you to log in first: open the address in a browser.",
            )
        start, total = 0, _number(headers.get("Content-Length"))
        encoded = headers.get("Content-Encoding", "identity").lower() != "identity"
        if response.status_code == 206:
            start, total = _read_range(headers.get("Content-Range", ""), offset)
        whole = response.status_code == 200 and not encoded
        return Body(
            start=start,
            total=None if encoded else total,
            validator="" if encoded else _validator(headers),
            digest=None if encoded else digest_of_headers(headers, whole),
            chunks=_chunks(response),
        )

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status in (200, 206):
            return
        if status == 416:
            match = _UNSATISFIED.match(response.headers.get("Content-Range", ""))
            raise RangeRefused(int(match[1]) if match else None)
        if status in _MISSING:
            raise NotOnServerError(f"{self.host} has no such file.", value=self.shown)
        if status in _REFUSED:
            raise self._failed(f"{self.host} does not give the file out ({status})")
        if status in _LATER:
            wait_s = _number(response.headers.get("Retry-After"))
            raise TransferBroken(f"{self.host} is busy or out of order ({status})", wait_s)
        raise self._failed(f"{self.host} answered {status} {response.reason}")

    def _check_way(self, response: requests.Response) -> None:
        """Refuse to be led from a protected connection to an open one."""
        way = [step.url for step in (*response.history, response)]
        if way[0].startswith("https://") and any(url.startswith("http://") for url in way):
            raise self._failed(f"{self.host} leads to an unprotected address, {shown_url(way[-1])}")

    def _untrusted(self, error: Exception) -> DownloadError:
        return self._failed(
            f"the certificate of {self.host} is not trusted ({error})",
            "Behind a company's proxy, REQUESTS_CA_BUNDLE names the file of its certificates.",
        )

    def _failed(self, clause: str, remedy: str | None = None) -> DownloadError:
        return DownloadError(f"{clause}.", value=self.shown, remedy=remedy)


class RangeRefused(TransferBroken):
    """The server has nothing from the offset on.

    Attributes:
        total: Bytes of the whole file, if it says.
    """

    def __init__(self, total: int | None) -> None:
        super().__init__("the server refused to go on with the part that is here", start_again=True)
        self.total = total


class FolderSource:
    """A file in a folder, perhaps on a network drive.

    Args:
        path: The file.
    """

    is_online = False

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.shown = str(self.path)

    @contextmanager
    def open(self, offset: int, validator: str) -> Iterator[Body]:
        """Open the file; see :class:`Source`."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise self._failed(error) from error
        with file:
            status = os.fstat(file.fileno())
            version = f"{status.st_size} {status.st_mtime_ns}"
            start = offset if version == validator and offset <= status.st_size else 0
            file.seek(start)
            yield Body(start, status.st_size, version, None, self._chunks(file))

    def _chunks(self, file: IO[bytes]) -> Iterator[bytes]:
        while True:
            try:
                chunk = file.read(CHUNK)
            except OSError as error:
                raise self._failed(error) from error
            if not chunk:
                return
            yield chunk

    def _failed(self, error: OSError) -> DownloadError:
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            return NotOnServerError(f"{self.path.parent} has no such file.", value=self.shown)
        return DownloadError(
            f"{self.path} cannot be read ({error.strerror or error}).", value=self.shown
        )

    def digest_beside(self) -> Digest | None:
        """Read ``NAME.sha256`` beside the file."""
        try:
            text = self.path.with_name(f"{self.path.name}.sha256").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return digest_of_text(text[:_DIGEST_FILE_LIMIT], self.path.name)


def join_address(base: str, name: str) -> str:
    """Return the address of the file ``name`` in a folder, which is a URL or a path."""
    if "://" not in base:
        return str(Path(base).expanduser().absolute() / name)
    return f"{base.rstrip('/')}/{quote(name)}"


def shown_url(url: str) -> str:
    """Return an address without user name, password and query, for people and logs."""
    if "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _chunks(response: Any) -> Iterator[bytes]:
    """Give the bytes as they come, rather than wait for full blocks, which a broken line would lose."""
    while True:
        chunk = response.raw.read1(CHUNK, decode_content=True)
        if not chunk:
            return
        yield chunk


def _read_range(text: str, offset: int) -> tuple[int, int | None]:
    match = _CONTENT_RANGE.match(text.strip())
    if match is None or int(match[1]) != offset:
        raise TransferBroken("the server sent another part than asked for", start_again=True)
    return offset, None if match[3] == "*" else int(match[3])


def _validator(headers: Mapping[str, str]) -> str:
    """A strong ETag, or the date: a weak ETag does not promise the same bytes (RFC 9110, 13.1.5)."""
    tag = headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")


def _is_page(response: Any) -> bool:
    return response.headers.get("Content-Type", "").lower().startswith("text/html")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None
