from __future__ import annotations

import base64
import hashlib
import logging
from pathlib import Path

import numpy as np
import pytest

from engine.runtime.downloads import (
    Patience,
    fetch,
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


# Checksums


def header(name: str, text: str) -> dict[str, str]:
    values = {
        kind: base64.b64encode(hashlib.new(kind, CONTENT).digest()).decode()
        for kind in ("sha512", "sha256", "md5")
    }
    return {name: text.format(**values)}


GOOD_HEADERS = [
    header("Repr-Digest", "sha-512=:{sha512}:, sha-256=:{sha256}:"),
    header("Content-Digest", "sha-256=:{sha256}:"),
    header("Digest", "MD5={md5},SHA-256={sha256}"),
    header("Content-MD5", "{md5}"),
    header("x-goog-hash", "crc32c=AAAAAA==,md5={md5}"),
    header("x-ms-blob-content-md5", "{md5}"),
]


@pytest.mark.parametrize("headers", GOOD_HEADERS, ids=lambda h: next(iter(h)))
def test_checksums_of_headers_hold_and_catch(server, tmp_path, headers):
    server.headers = headers
    assert get(server, tmp_path / "good.bin").read_bytes() == CONTENT
    server.files["/a.bin"] = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
    with pytest.raises(DownloadError, match="is damaged: its checksum is"):
        get(server, tmp_path / "bad.bin")
    assert left_in(tmp_path) == ["good.bin"]


@pytest.mark.parametrize(
    "headers",
    [{"Repr-Digest": "sha-256=:AAAA:"}, {"Digest": "id-rot13=xyz"}, {"Content-MD5": "*** no ***"}],
)
def test_checksums_that_cannot_be_read_are_none(server, tmp_path, headers):
    server.headers = headers
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("line", ["{}\n", "{}  a.bin\n", "{} *a.bin", "0000\nrubbish\n{}  a.bin"])
def test_a_checksum_file_beside_is_read(server, tmp_path, line):
    server.files["/a.bin.sha256"] = line.format(hashlib.sha256(CONTENT).hexdigest()).encode()
    assert get(server, tmp_path / "good.bin").read_bytes() == CONTENT
    server.files["/a.bin"] = CONTENT + b"!"
    with pytest.raises(DownloadError, match="the server promised sha256"):
        get(server, tmp_path / "bad.bin")


def test_a_checksum_file_about_another_file_says_nothing(server, tmp_path):
    server.files["/a.bin.sha256"] = f"{'0' * 64}  b.bin\n".encode()
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT


def test_damage_that_does_not_repeat_costs_only_time(server, tmp_path, caplog):
    server.headers = header("Repr-Digest", "sha-256=:{sha256}:")
    bad = [CONTENT[::-1]]

    def once(handler):
        server.files["/a.bin"] = bad.pop() if bad else CONTENT
        return False

    server.special["/a.bin"] = once
    with caplog.at_level(logging.WARNING, logger="engine"):
        assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    assert "arrived damaged" in caplog.text
