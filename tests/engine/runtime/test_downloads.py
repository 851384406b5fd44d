from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.runtime.downloads import (
    Patience,
    download,
    fetch,
    is_url,
    reporting,
    safe_download,
    url2file,
)
from engine.runtime.errors import DownloadError

CONTENT = np.random.default_rng(0).bytes(700_001)
QUICK = Patience(connect_s=2, silence_s=2, first_wait_s=0.01, longest_wait_s=0.1)


@pytest.fixture
def server(file_server):
    file_server.files["/a.bin"] = CONTENT
    return file_server


def get(server, target, name="a.bin", **kwargs):
    return fetch(f"{server.url}/{name}", target, **{"patience": QUICK, **kwargs})


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The public functions


def zipped(files: dict[str, str]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return memory.getvalue()


def test_safe_download_unpacks_archives_into_their_folder(server, tmp_path):
    server.files["/set.zip"] = zipped({"set/a.txt": "1", "__MACOSX/x": "", "set/b/c.txt": "2"})
    server.files["/flat.zip"] = zipped({"a.txt": "3"})
    assert safe_download(f"{server.url}/set.zip?x=1", dir=tmp_path) == tmp_path / "set"
    assert (tmp_path / "set" / "b" / "c.txt").read_text() == "2"
    unpacked = safe_download(f"{server.url}/flat.zip", dir=tmp_path, delete=True)
    assert (unpacked / "a.txt").read_text() == "3"
    assert left_in(tmp_path) == ["flat", "set", "set.zip"]
    assert (unpacked.stat().st_mode & 0o777) == (tmp_path.stat().st_mode & 0o777 | 0o055)


def test_safe_download_leaves_an_unpacked_folder_alone_unless_told(server, tmp_path):
    server.files["/set.zip"] = zipped({"set/a.txt": "new"})
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.txt").write_text("mine")
    (tmp_path / "set" / "b.txt").write_text("mine too")
    safe_download(f"{server.url}/set.zip", dir=tmp_path)
    assert (tmp_path / "set" / "a.txt").read_text() == "mine"
    safe_download(f"{server.url}/set.zip", dir=tmp_path, exist_ok=True)
    assert (tmp_path / "set" / "a.txt").read_text() == "new"
    assert (tmp_path / "set" / "b.txt").read_text() == "mine too"


def test_archives_cannot_write_outside(server, tmp_path):
    server.files["/evil.zip"] = zipped({"../../out.txt": "x", "/abs.txt": "y"})
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../out.txt"), io.BytesIO())
    server.files["/evil.tar.gz"] = memory.getvalue()
    folder = tmp_path / "in"
    unpacked = safe_download(f"{server.url}/evil.zip", dir=folder, delete=True)
    assert left_in(unpacked) == ["abs.txt", "out.txt"]
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        safe_download(f"{server.url}/evil.tar.gz", dir=tmp_path / "tar")
    assert left_in(tmp_path) == ["in", "tar"]
    assert left_in(tmp_path / "tar") == ["evil.tar.gz"]


def test_damaged_archives_are_named(server, tmp_path):
    server.files["/set.zip"] = zipped({"a.txt": "1" * 999})[:200]
    with pytest.raises(DownloadError, match=r"set\.zip: cannot be unpacked"):
        safe_download(f"{server.url}/set.zip", dir=tmp_path)
    assert left_in(tmp_path) == ["set.zip"]


def test_safe_download_refuses_what_is_too_small(server, tmp_path):
    with pytest.raises(DownloadError, match="it has 700001 bytes, expected 1000000 or more"):
        safe_download(f"{server.url}/a.bin", tmp_path / "a.bin", min_bytes=1e6)


def test_safe_download_without_unpacking_and_in_the_working_folder(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server.files["/set.zip"] = zipped({"a.txt": "1"})
    assert safe_download(f"{server.url}/set.zip", unzip=False) == tmp_path / "set.zip"
    assert safe_download(tmp_path / "set.zip") == tmp_path / "set"
    assert len(server.asked_for("/set.zip")) == 1


@pytest.mark.parametrize("threads", [1, 3])
def test_download_brings_several(server, tmp_path, threads, capsys):
    names = [f"{i}.txt" for i in range(5)]
    server.files |= {f"/{name}": name.encode() for name in names}
    seen: set[str] = set()
    with reporting(lambda progress: seen.add(progress.name)):
        paths = download([f"{server.url}/{n}" for n in names], dir=tmp_path / "d", threads=threads)
    assert [path.read_text() for path in paths] == names
    assert seen == (set(names) if threads == 1 else set())
    assert download(f"{server.url}/0.txt", dir=tmp_path / "d") == [tmp_path / "d" / "0.txt"]


def test_names_of_addresses():
    assert url2file("https://h/x/a%20b.pt?k=1#z") == "a b.pt"
    assert url2file("some/folder/a.pt") == "a.pt"
    assert [is_url(u) for u in ("https://h/a", "file:///a", "C:\\a", "a.pt")] == [True] + [
        False
    ] * 3
    with pytest.raises(DownloadError, match="names no file"):
        url2file("https://h/")


def test_nothing_here_needs_torch():
    code = "import engine.utils.downloads as d, engine.cfg.weights, sys; d.download; print('torch' in sys.modules, 'requests' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.stdout.split() == ["False", "False"]
