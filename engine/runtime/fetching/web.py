"""Files on a web server: asking for them and for the rest of them, and what can go wrong with that."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from engine._version import __version__
from engine.runtime.errors import DownloadError, NotOnServerError
from engine.runtime.fetching.address import shown_url
from engine.runtime.fetching.digest import Digest, digest_of_headers, digest_of_text
from engine.runtime.fetching.source import (
    CHUNK,
    DIGEST_FILE_LIMIT,
    Body,
    Patience,
    RangeRefused,
    TransferBroken,
)

if TYPE_CHECKING:
    import requests

_MISSING = (404, 410)
_REFUSED = (401, 403, 407, 451)
_LATER = (408, 425, 429, 500, 502, 503, 504)
_CONTENT_RANGE = re.compile(r"^bytes\s+(\d+)-(\d+)/(\d+|\*)$")
_UNSATISFIED = re.compile(r"^bytes\s+\*/(\d+)$")


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
                text = response.raw.read(DIGEST_FILE_LIMIT, decode_content=True)
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
