from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.runtime.downloads import (
    Patience,
    Progress,
    download,
    fetch,
    is_url,
    reporting,
    safe_download,
    url2file,
)
from engine.runtime.errors import DownloadError, NotOnServerError
from engine.runtime.settings import settings

CONTENT = np.random.default_rng(0).bytes(700_001)
QUICK = Patience(connect_s=2, silence_s=2, first_wait_s=0.01, longest_wait_s=0.1)


class Stop(Exception):
    pass


@pytest.fixture
def server(file_server):
    file_server.files["/a.bin"] = CONTENT
    return file_server


def get(server, target, name="a.bin", **kwargs):
    return fetch(f"{server.url}/{name}", target, **{"patience": QUICK, **kwargs})


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stop_after(count: int):
    def report(progress: Progress) -> None:
        if progress.done >= count:
            raise Stop

    return report


def get_a_part(server, target: Path) -> int:
    """Stop in the middle of a file and give the bytes that are here."""
    server.pause_s = 0.12  # longer than what lies between two reports
    with pytest.raises(Stop):
        get(server, target, report=stop_after(65_000))
    server.pause_s = 0
    kept = target.with_name(f"{target.name}.part").stat().st_size
    assert 0 < kept < len(CONTENT)
    return kept


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
    import gzip

    packed = gzip.compress(b"x" * 5000)
    server.special["/a.bin"] = lambda h: h.answer(200, packed, {"Content-Encoding": "gzip"})
    assert get(server, tmp_path / "a.bin").read_bytes() == b"x" * 5000


SCRIPT = """
import sys
from engine.runtime.downloads import fetch
from engine.runtime.log import show_log
show_log()
fetch(sys.argv[1], sys.argv[2])
print("done", flush=True)
"""

PTY_SCRIPT = """
import os, pty, sys
os.environ["COLUMNS"] = "90"
pty.spawn([sys.executable, "-c", SCRIPT, *sys.argv[1:]])
"""


@pytest.mark.skipif(os.name == "nt", reason="a terminal of Unix")
def test_a_terminal_shows_one_line_that_moves(server, tmp_path):
    server.pause_s, server.block, server.drop_after = 0.12, 100_000, [300_000]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"SCRIPT = {SCRIPT!r}\n{PTY_SCRIPT}",
            f"{server.url}/a.bin",
            tmp_path / "a",
        ],
        capture_output=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    rows = done.stdout.decode().replace("\r\n", "\n").split("\n")
    start, moving, saved = (
        next(row for row in rows if w in row) for w in ("Fetch", "kB/s", "Saved")
    )
    assert start.rpartition("\r")[2] == f"Fetching a (700.0 kB) from {server.url}/a.bin"
    steps = moving.split("\r")
    assert {len(step) for step in steps[1:]} == {89}
    assert any("left" in step for step in steps)
    assert any("the connection was lost; trying again in" in step for step in steps)
    assert steps[-1].startswith("100%  a: 700.0 kB of 700.0 kB, ")
    assert saved.startswith(f"Saved {tmp_path / 'a'} (700.0 kB in ")


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


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(server, tmp_path):
    get_a_part(server, tmp_path / "a.bin")
    server.etag, server.files["/a.bin"] = '"two"', CONTENT[::-1]
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT[::-1]


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


def test_the_checksum_of_the_beginning_holds_for_a_part_that_goes_on_later(server, tmp_path):
    server.headers = header("Content-MD5", "{md5}")
    get_a_part(server, tmp_path / "a.bin")
    server.headers = {}  # of a part, a server may give the part's own or none
    part = tmp_path / "a.bin.part"
    content = bytearray(part.read_bytes())
    content[10] ^= 1
    part.write_bytes(content)
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    asked = [headers.get("Range") for headers in server.asked_for("/a.bin")]
    assert asked == [None, f"bytes={len(content)}-", None]


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


# Stopping and going on


def test_what_a_report_raises_stops_and_a_later_call_goes_on(server, tmp_path):
    kept = get_a_part(server, tmp_path / "a.bin")
    seen: list[Progress] = []
    get(server, tmp_path / "a.bin", report=seen.append)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert seen[0].done == kept
    assert server.asked_for("/a.bin")[-1]["Range"] == f"bytes={kept}-"


def test_an_oserror_of_a_report_stays_what_it_is(server, tmp_path):
    def report(progress):
        raise BrokenPipeError("the window is gone")

    with pytest.raises(BrokenPipeError):
        get(server, tmp_path / "a.bin", report=report)
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "b.bin").write_bytes(CONTENT)
    with pytest.raises(BrokenPipeError):
        fetch(str(folder / "b.bin"), tmp_path / "b.bin", report=report)


def test_waiting_can_be_stopped_too(server, tmp_path):
    def report(progress):
        if progress.note:
            raise Stop

    server.special["/a.bin"] = lambda h: h.answer(503, b"", {"Retry-After": "3600"})
    began = time.monotonic()
    with pytest.raises(Stop):
        get(server, tmp_path / "a.bin", report=report, patience=Patience())
    assert time.monotonic() - began < 20


def test_a_silent_server_can_be_left_at_once(server, tmp_path):
    """Its silence would be borne for much longer than this test may take."""

    def hang(handler):
        released.wait(30)
        return True

    notes = []

    def report(progress):
        notes.append(progress.note)
        if progress.note == "waiting for an answer":
            raise Stop

    released = threading.Event()
    server.special["/a.bin"] = hang
    try:
        with pytest.raises(Stop):
            get(server, tmp_path / "a.bin", report=report, patience=replace(QUICK, silence_s=900))
        assert len(notes) > 3
    finally:
        released.set()


def test_a_block_receives_the_progress_of_whatever_is_fetched_inside(server, tmp_path):
    seen: list[Progress] = []
    with reporting(seen.append):
        get(server, tmp_path / "a.bin")
    assert seen[-1].done == len(CONTENT)
    count = len(seen)
    get(server, tmp_path / "b.bin")
    assert len(seen) == count


@pytest.mark.parametrize("note", [b"", b"{", b"[1]", b'{"url": "http://other/a.bin"}'])
def test_a_part_without_a_good_note_is_not_gone_on_with(server, tmp_path, note):
    (tmp_path / "a.bin.part").write_bytes(b"who knows what")
    (tmp_path / "a.bin.part.json").write_bytes(note)
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    assert left_in(tmp_path) == ["a.bin"]


def test_a_part_that_was_complete_is_only_renamed(server, tmp_path):
    server.drop_after = [len(CONTENT) - 1]
    with pytest.raises(Stop):
        get(server, tmp_path / "a.bin", report=lambda p: stop_after(1)(p) if p.note else None)
    (tmp_path / "a.bin.part").write_bytes(CONTENT)
    seen: list[Progress] = []
    assert get(server, tmp_path / "a.bin", report=seen.append).read_bytes() == CONTENT
    assert len(server.asked_for("/a.bin")) == 2


def start(server, target: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, f"{server.url}/a.bin", str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )


def wait_for_part(target: Path, process: subprocess.Popen[str]) -> None:
    part = target.with_name(f"{target.name}.part")
    for _ in range(600):
        if part.exists() and part.stat().st_size > 50_000:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    raise AssertionError("nothing arrived")


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_or_interrupted_process_leaves_a_part_that_goes_on(server, tmp_path, sign):
    target = tmp_path / "a.bin"
    server.pause_s, server.block = 0.2, 20_000
    process = start(server, target)
    wait_for_part(target, process)
    process.send_signal(sign)
    _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    assert not target.exists()
    kept = target.with_name("a.bin.part").stat().st_size
    if sign == signal.SIGINT:
        assert f"are kept in {target}.part; the next call goes on from there." in said
    server.pause_s = 0
    assert get(server, target).read_bytes() == CONTENT
    assert server.asked_for("/a.bin")[-1]["Range"] == f"bytes={kept}-"
    assert left_in(tmp_path) in (["a.bin"], [".a.bin.lock", "a.bin"])


def test_two_processes_fetch_a_file_once(server, tmp_path):
    target = tmp_path / "a.bin"
    server.pause_s, server.block = 0.1, 50_000
    processes = [start(server, target) for _ in range(2)]
    for process in processes:
        out, said = process.communicate(timeout=60)
        assert out == "done\n", said
    assert target.read_bytes() == CONTENT
    assert len(server.asked_for("/a.bin")) == 1
    assert left_in(tmp_path) == ["a.bin"]


def test_threads_that_want_one_file_wait_for_each_other(server, tmp_path):
    server.pause_s, server.block = 0.03, 50_000
    notes: set[str] = set()
    threads = [
        threading.Thread(
            target=get,
            args=(server, tmp_path / "a.bin"),
            kwargs={"report": lambda p: notes.add(p.note)},
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert len(server.asked_for("/a.bin")) == 1
    assert "another process is fetching it" in notes


def test_who_waits_takes_over_from_a_process_that_dies(server, tmp_path):
    target = tmp_path / "a.bin"
    server.pause_s, server.block = 0.2, 20_000
    first = start(server, target)
    wait_for_part(target, first)
    second = start(server, target)
    time.sleep(0.5)
    first.kill()
    first.communicate(timeout=30)
    server.pause_s = 0
    out, said = second.communicate(timeout=60)
    assert out == "done\n", said
    assert target.read_bytes() == CONTENT
    assert "Range" in server.asked_for("/a.bin")[-1]


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
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
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


def test_a_copy_from_a_folder_goes_on_too(tmp_path):
    source = tmp_path / "mirror.bin"
    source.write_bytes(CONTENT)

    def stop_slowly(progress):
        time.sleep(0.12)  # longer than what lies between two reports
        stop_after(1)(progress)

    with pytest.raises(Stop):
        fetch(str(source), tmp_path / "a.bin", report=stop_slowly)
    kept = (tmp_path / "a.bin.part").stat().st_size
    seen: list[Progress] = []
    fetch(str(source), tmp_path / "a.bin", report=seen.append)
    assert seen[0].done == kept
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


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


def test_the_note_of_a_part_tells_no_more_than_needed(server, tmp_path):
    get_a_part(server, tmp_path / "a.bin")
    note = json.loads((tmp_path / "a.bin.part.json").read_text())
    assert note == {"url": f"{server.url}/a.bin", "validator": '"one"', "digest": None}
