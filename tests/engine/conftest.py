"""A real web server for the tests that fetch files, which can be told to behave as badly as servers do; a screen nobody sees."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Misbehave = Callable[["Handler"], bool]  # True where it has answered instead


@dataclass
class FileServer:
    """Files by path, and how to serve them.

    Attributes:
        files: Path with its slash to content.
        headers: Extra headers of every file's answer.
        ranges: Whether parts can be asked for.
        etag: Name of the content's version; empty for none.
        length: Announced length; None for the true one, -1 for no announcement.
        drop_after: Bytes sent before the connection is cut, for each answer in turn, then never.
        pause_s: Wait between blocks of ``block`` bytes.
        special: Answers by path that are no file.
        seen: Path and headers of every request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    etag: str = '"one"'
    length: int | None = None
    drop_after: list[int] = field(default_factory=list)
    pause_s: float = 0.0
    block: int = 1 << 16
    special: dict[str, Misbehave] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def asked_for(self, path: str) -> list[dict[str, str]]:
        """Headers of the requests for one path."""
        return [headers for seen, headers in self.seen if seen == path]


class Handler(BaseHTTPRequestHandler):
    """Answers as the :class:`FileServer` of its server says."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        plan: FileServer = self.server.plan
        self.path = self.path.partition("?")[0]
        plan.seen.append((self.path, dict(self.headers)))
        self.close_connection = True
        special = plan.special.get(self.path)
        if special is not None and special(self):
            return
        if self.path not in plan.files:
            self.answer(404, b"<html>no</html>", {"Content-Type": "text/html"})
            return
        self._send_file(plan, plan.files[self.path])

    def _send_file(self, plan: FileServer, content: bytes) -> None:
        start, status = 0, 200
        wanted = self.headers.get("Range")
        if wanted and plan.ranges and self.headers.get("If-Range") in (None, plan.etag):
            start, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
        headers = {"Content-Type": "application/octet-stream", **plan.headers}
        if plan.etag:
            headers["ETag"] = plan.etag
        if start >= len(content) and status == 206:
            self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        announced = len(content) - start if plan.length is None else plan.length
        if announced >= 0:
            headers["Content-Length"] = str(announced)
        self.head(status, headers)
        limit = plan.drop_after.pop(0) if plan.drop_after else len(content)
        self._send(plan, content[start:][:limit])

    def _send(self, plan: FileServer, content: bytes) -> None:
        try:
            for begin in range(0, len(content), plan.block):
                self.wfile.write(content[begin : begin + plan.block])
                time.sleep(plan.pause_s)
        except OSError:
            return  # the other side went away

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> bool:
        """Send a short answer."""
        self.head(status, {**headers, "Content-Length": str(len(content))})
        self.wfile.write(content)
        return True

    def head(self, status: int, headers: dict[str, str]) -> None:
        """Send the first lines."""
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def _running(plan: FileServer) -> Iterator[FileServer]:
    """Serve on a free port of this computer until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.plan = plan  # type: ignore[attr-defined]
    plan.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield plan
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@pytest.fixture
def file_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A web server on this computer, and the permission to use the network."""
    monkeypatch.delenv("MASKWRIGHT_OFFLINE")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with _running(FileServer()) as plan:
        yield plan


@pytest.fixture
def closed_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """An address where nobody answers."""
    monkeypatch.delenv("MASKWRIGHT_OFFLINE")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def unseen_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A screen of 320 x 240 that nobody sees."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    screen = ["-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["Xvfb", *screen], **pipes) as server:
        monkeypatch.setenv("DISPLAY", f":{server.stdout.readline().decode().strip()}")
        yield
        server.terminate()
