from __future__ import annotations

import base64
import gzip
import hashlib
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.runtime.downloads import (
    Patience,
    Progress,
    fetch,
)
from engine.runtime.errors import DownloadError, NotOnServerError
from engine.runtime.settings import settings

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


# The ordinary way


def test_a_file_arrives_whole_and_leaves_nothing_beside(server, tmp_path):
    target = tmp_path / "new" / "folder" / "a.bin"
    assert get(server, target) == target
    assert target.read_bytes() == CONTENT
    assert left_in(target.parent) == ["a.bin"]


def test_what_is_here_is_not_asked_for(server, tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"mine")
    get(server, target)
    assert target.read_bytes() == b"mine"
    assert server.seen == []


def test_an_empty_file_arrives(server, tmp_path):
    server.files["/a.bin"] = b""
    assert get(server, tmp_path / "a.bin").read_bytes() == b""


def test_redirects_are_followed(server, tmp_path):
    server.special["/old.bin"] = lambda h: h.answer(302, b"", {"Location": "/a.bin"})
    assert get(server, tmp_path / "a.bin", "old.bin").read_bytes() == CONTENT


def test_endless_redirects_end(server, tmp_path):
    server.special["/a.bin"] = lambda h: h.answer(302, b"", {"Location": "/a.bin"})
    with pytest.raises(DownloadError, match="cannot be asked for"):
        get(server, tmp_path / "a.bin")


def test_progress_has_size_speed_and_time_left(server, tmp_path):
    server.pause_s, server.block = 0.02, 20_000
    seen: list[Progress] = []
    get(server, tmp_path / "a.bin", report=seen.append)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, len(CONTENT), len(CONTENT))
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    middle = seen[len(seen) // 2]
    assert middle.bytes_per_s > 0
    expected = (middle.total - middle.done) / middle.bytes_per_s
    assert middle.seconds_left == pytest.approx(expected)
    assert "of 700.0 kB" in middle.text()
    assert middle.text().endswith(" left")


def test_a_server_that_does_not_say_the_length(server, tmp_path):
    server.length, seen = -1, []
    assert get(server, tmp_path / "a.bin", report=seen.append).read_bytes() == CONTENT
    assert seen[0].total is None
    assert seen[0].fraction is None
    assert seen[0].seconds_left is None


def test_a_compressed_answer_is_unpacked_and_its_length_not_believed(server, tmp_path):

    packed = gzip.compress(b"x" * 5000)
    server.special["/a.bin"] = lambda h: h.answer(200, packed, {"Content-Encoding": "gzip"})
    assert get(server, tmp_path / "a.bin").read_bytes() == b"x" * 5000


# Broken connections


def test_a_dropped_connection_goes_on_where_it_broke(server, tmp_path, caplog):
    server.drop_after = [200_000, 100_000]
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    asked = server.asked_for("/a.bin")
    assert [headers.get("Range") for headers in asked] == [None, "bytes=200000-", "bytes=300000-"]
    assert asked[1]["If-Range"] == '"one"'


def test_a_server_without_parts_sends_all_again(server, tmp_path):
    server.ranges, server.drop_after = False, [200_000, 300_000]
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    assert len(server.asked_for("/a.bin")) == 3


def test_without_a_version_nothing_is_put_together(server, tmp_path):
    server.etag, server.drop_after = "", [200_000]
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    assert all("Range" not in headers for headers in server.asked_for("/a.bin"))


def test_a_weak_version_is_not_trusted(server, tmp_path):
    server.etag, server.drop_after = 'W/"one"', [200_000]
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    assert all("Range" not in headers for headers in server.asked_for("/a.bin"))


def test_a_part_of_another_place_in_the_file_is_refused(server, tmp_path):
    def wrong(handler):
        if "Range" not in handler.headers:
            return False
        server.special.clear()
        return handler.answer(206, b"zz", {"Content-Range": f"bytes 5-6/{len(CONTENT)}"})

    server.drop_after, server.special["/a.bin"] = [200_000], wrong
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again_when_it_says(server, tmp_path):
    answers = [(503, {"Retry-After": "0"}), (429, {}), (500, {"Retry-After": "soon"})]

    def busy(handler):
        if not answers:
            return False
        status, headers = answers.pop()
        return handler.answer(status, b"", headers)

    server.special["/a.bin"] = busy
    notes = []
    get(server, tmp_path / "a.bin", report=lambda p: notes.append(p.note))
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert any("is busy or out of order (500); trying again in" in note for note in notes)


def test_a_silent_server_is_not_waited_for_forever(server, tmp_path):
    def hang(handler):
        handler.head(200, {"Content-Length": "1000", "ETag": '"one"'})
        handler.wfile.write(b"x" * 10)
        handler.wfile.flush()
        released.wait(20)
        return True

    released = threading.Event()
    server.special["/a.bin"] = hang
    impatient = replace(QUICK, silence_s=0.2, tries=2)
    try:
        with pytest.raises(DownloadError, match=r"127\.0\.0\.1 does not answer \(10 B are kept"):
            get(server, tmp_path / "a.bin", patience=impatient)
    finally:
        released.set()
    assert (tmp_path / "a.bin.part").read_bytes() == b"x" * 10


def test_a_server_that_never_brings_more_is_given_up(server, tmp_path):
    server.drop_after = [1000] + [0] * 50
    with pytest.raises(DownloadError, match="the connection was lost"):
        get(server, tmp_path / "a.bin", patience=replace(QUICK, tries=3))
    assert len(server.asked_for("/a.bin")) == 3
    assert left_in(tmp_path) == ["a.bin.part", "a.bin.part.json"]


def test_nobody_there_is_one_sentence_with_the_address_and_the_place(closed_url, tmp_path):
    with pytest.raises(DownloadError) as error:
        fetch(f"{closed_url}/a.bin", tmp_path / "w" / "a.bin", patience=QUICK)
    target = tmp_path / "w" / "a.bin"
    assert str(error.value) == (
        f"{target}: no connection to 127.0.0.1. Get {closed_url}/a.bin another way and put it at {target}."
    )
    assert left_in(target.parent) == []


def test_a_name_that_nobody_knows(tmp_path, monkeypatch):
    monkeypatch.delenv("MASKWRIGHT_OFFLINE")
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(DownloadError, match=r"no connection to nobody\.invalid"):
        fetch("http://nobody.invalid/a.bin", tmp_path / "a.bin", patience=QUICK)


# Lies


def test_a_length_too_long_is_found_out(server, tmp_path):
    server.length, server.etag = len(CONTENT) + 999, ""
    with pytest.raises(DownloadError, match="the connection was lost"):
        get(server, tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


def test_a_length_too_long_is_forgiven_where_the_server_corrects_itself(server, tmp_path):
    server.length = len(CONTENT) + 999  # asked for the rest, it says that there is none
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_length_too_short_is_found_out_by_the_checksum(server, tmp_path):
    server.length = 1000
    digest = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    server.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    with pytest.raises(DownloadError, match="is damaged: its checksum is"):
        get(server, tmp_path / "a.bin")
    assert left_in(tmp_path) == []


def test_a_length_too_short_is_found_out_by_the_content(server, tmp_path):
    server.length = 1000
    with pytest.raises(DownloadError, match="is damaged: it is short"):
        get(
            server,
            tmp_path / "a.bin",
            complaint=lambda p: "it is short" if p.stat().st_size < len(CONTENT) else None,
        )
    assert len(server.asked_for("/a.bin")) == 2
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_missing_file_is_no_file_with_a_web_page_in_it(server, tmp_path, status):
    page = {"Content-Type": "text/html"}
    server.special["/a.bin"] = lambda h: h.answer(status, b"<html>lost</html>", page)
    with pytest.raises(NotOnServerError, match=r"127\.0\.0\.1 has no such file\. Get http"):
        get(server, tmp_path / "a.bin")
    assert left_in(tmp_path) == []
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_said(server, tmp_path, status):
    server.special["/a.bin"] = lambda h: h.answer(status, b"", {})
    with pytest.raises(DownloadError, match=rf"does not give the file out \({status}\)"):
        get(server, tmp_path / "a.bin")
    assert len(server.seen) == 1


def test_an_unforeseen_answer_is_said(server, tmp_path):
    server.special["/a.bin"] = lambda h: h.answer(418, b"", {})
    with pytest.raises(DownloadError, match="answered 418"):
        get(server, tmp_path / "a.bin")


def test_a_login_page_is_no_file(server, tmp_path):
    page = {"Content-Type": "text/html; charset=utf-8"}
    server.special["/a.bin"] = lambda h: h.answer(200, b"<html>log in</html>", page)
    with pytest.raises(DownloadError, match="wants you to log in first"):
        get(server, tmp_path / "a.bin")
    assert left_in(tmp_path) == []


# The disk


def test_a_file_larger_than_the_disk_is_refused_before_it_fills_it(server, tmp_path):
    def huge(handler):
        handler.head(200, {"Content-Length": str(1 << 60), "ETag": '"one"'})
        return True

    server.special["/a.bin"] = huge
    with pytest.raises(DownloadError, match=r"GB are needed, .* are free\). Free some space in"):
        get(server, tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()


LIMITED = """
import resource, signal, sys
from engine.runtime.downloads import fetch
from engine.runtime.errors import DownloadError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    fetch(sys.argv[1], sys.argv[2])
except DownloadError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of a process")
def test_a_disk_that_fills_up_is_named_and_gets_its_room_back(server, tmp_path):
    server.length = -1
    target = tmp_path / "w" / "a.bin"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, f"{server.url}/a.bin", str(target)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
    )
    assert f"Free some space in {target.parent}" in done.stdout, done.stderr
    assert left_in(target.parent) == []


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match=r"a\.bin: cannot be written"):
        get(server, tmp_path / "file" / "a.bin")
    with pytest.raises(DownloadError, match="received a folder"):
        get(server, tmp_path)


# Other sources


@pytest.mark.parametrize("make", [str, Path.as_uri], ids=["path", "file address"])
def test_a_folder_serves_without_a_network(tmp_path, make):
    mirror = tmp_path / "mir ror"
    mirror.mkdir()
    (mirror / "a.bin").write_bytes(CONTENT)
    assert fetch(make(mirror / "a.bin"), tmp_path / "a.bin").read_bytes() == CONTENT
    (mirror / "a.bin.sha256").write_text("0" * 64)
    with pytest.raises(DownloadError, match="is damaged: its checksum"):
        fetch(make(mirror / "a.bin"), tmp_path / "b.bin")
    with pytest.raises(NotOnServerError, match="mir ror has no such file"):
        fetch(make(mirror / "c.bin"), tmp_path / "c.bin")


def test_other_kinds_of_address_are_refused(tmp_path):
    with pytest.raises(DownloadError, match=r"ftp://h/a\.bin: expected an address"):
        fetch("ftp://u:secret@h/a.bin", tmp_path / "a.bin")


def test_passwords_and_keys_are_not_shown(closed_url, tmp_path, caplog):
    address = closed_url.replace("http://", "http://user:secret@") + "/a.bin?key=secret"
    with pytest.raises(DownloadError) as error:
        fetch(address, tmp_path / "a.bin", patience=QUICK)
    assert "secret" not in str(error.value)
    assert error.value.value == f"{closed_url}/a.bin"


@pytest.mark.parametrize("switch", ["setting", "MASKWRIGHT_OFFLINE", "YOLO_OFFLINE"])
def test_offline_asks_nobody(server, tmp_path, monkeypatch, switch):
    if switch == "setting":
        settings["offline"] = True
    else:
        monkeypatch.setenv(switch, "true")
    with pytest.raises(DownloadError, match="the network is switched off") as error:
        get(server, tmp_path / "a.bin")
    assert f"Get {server.url}/a.bin another way" in str(error.value)
    assert server.seen == []
    (tmp_path / "m.bin").write_bytes(b"1")
    assert fetch(str(tmp_path / "m.bin"), tmp_path / "n.bin").read_bytes() == b"1"
