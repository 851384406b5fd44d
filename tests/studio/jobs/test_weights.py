"""Trained weights by name for the window: progress, Cancel, and what a training gets."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.cfg.model_catalogue import find_entry
from engine.runtime.errors import EngineError
from engine.runtime.settings import settings
from studio.jobs.preparation import train_project
from studio.jobs.weights import fetch_weights, is_public_name
from studio.model.errors import CancelledError
from studio.model.weights_state import megabytes, weights_of

NAME = "yolo11n-seg.pt"
SIZE = 3_000_000


@pytest.fixture
def weights_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    settings["weights_dir"] = str(folder)
    return folder


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A folder that serves a file of that name."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    with zipfile.ZipFile(folder / NAME, "w") as archive:
        archive.writestr("archive/data.pkl", bytes(SIZE))
    settings["weights_url"] = str(folder)
    return folder


@pytest.fixture
def slow_server(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    """A server that sends the file in drops and would need a minute for it."""
    content = (mirror / NAME).read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.endswith(NAME):
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", '"1"')
            self.end_headers()
            for start in range(0, len(content), len(content) // 600):
                self.wfile.write(content[start : start + len(content) // 600])
                time.sleep(0.1)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the client has gone, as asked
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("MASKWRIGHT_OFFLINE", "0")
    settings["weights_url"] = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("model", "public"),
    [
        ("yolo11n-seg.pt", True),
        ("yolo26x-pose.pt", True),
        ("yolo11n-seg.yaml", False),
        ("best.pt", False),
        ("folder/yolo11n-seg.pt", False),
        ("", False),
    ],
)
def test_only_plain_names_are_fetched(model, public):
    assert is_public_name(model) is public


def test_weights_come_with_progress_and_stay(weights_dir, mirror):
    told: list[tuple[int, int, str]] = []
    path = fetch_weights(NAME, lambda *step: told.append(step), lambda: False)
    assert path == weights_dir / NAME
    assert path.read_bytes() == (mirror / NAME).read_bytes()
    size = path.stat().st_size
    assert told[-1] == (size, size, f"Fetching {NAME}")
    told.clear()
    assert fetch_weights(NAME, lambda *step: told.append(step), lambda: True) == path
    assert not told, "it is here already"


def test_cancel_stops_within_moments_and_keeps_what_has_arrived(weights_dir, slow_server):
    told: list[tuple[int, int, str]] = []
    begun = time.monotonic()
    with pytest.raises(CancelledError):
        fetch_weights(NAME, lambda *step: told.append(step), lambda: len(told) > 3)
    assert time.monotonic() - begun < 30
    assert 0 < told[-1][0] < told[-1][1]
    assert not (weights_dir / NAME).exists()
    assert (weights_dir / f"{NAME}.part").stat().st_size > 0


def test_where_nothing_can_be_had_it_says_where_to_put_the_file(weights_dir, tmp_path):
    with pytest.raises(EngineError) as caught:
        fetch_weights(NAME, lambda *_: None, lambda: False)
    assert NAME in str(caught.value)
    assert caught.value.remedy


def test_a_training_whose_weights_cannot_be_had_leaves_nothing_behind(project, weights_dir):
    with pytest.raises(EngineError, match=NAME):
        train_project(project.folder, "segment", {"model": NAME})
    assert not project.runs_dir.exists()
    assert not project.versions_dir.exists()


def test_where_weights_are_is_said_in_words(weights_dir, mirror, monkeypatch):
    entry = find_entry(NAME)
    assert entry is not None
    assert weights_of(entry).words() == "fetched once, about 5.8 MB"
    assert weights_of(entry).can_be_had, "a folder serves without the network too"
    settings["weights_url"] = "https://weights.example"
    assert "switched off" in weights_of(entry).words()
    assert not weights_of(entry).can_be_had
    monkeypatch.setenv("MASKWRIGHT_OFFLINE", "0")
    assert weights_of(entry).can_be_had
    weights_dir.mkdir()
    shutil.copy(mirror / NAME, weights_dir)
    assert weights_of(entry).path == weights_dir / NAME
    assert weights_of(entry).words() == "on this computer"


@pytest.mark.parametrize(
    ("size", "text"), [(5.44e6, "5.4 MB"), (9.96e6, "10.0 MB"), (1.14e8, "114 MB")]
)
def test_sizes_are_said_as_people_say_them(size, text):
    assert megabytes(size) == text
