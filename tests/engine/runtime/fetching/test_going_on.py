from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.runtime.downloads import (
    Patience,
    Progress,
    fetch,
    reporting,
)

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


class Stop(Exception):
    pass


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
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
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
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])},
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
    _, said = process.communicate(timeout=120)
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
        out, said = process.communicate(timeout=240)
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
    first.communicate(timeout=120)
    server.pause_s = 0
    out, said = second.communicate(timeout=240)
    assert out == "done\n", said
    assert target.read_bytes() == CONTENT
    assert "Range" in server.asked_for("/a.bin")[-1]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(server, tmp_path):
    get_a_part(server, tmp_path / "a.bin")
    server.etag, server.files["/a.bin"] = '"two"', CONTENT[::-1]
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT[::-1]


def test_the_checksum_of_the_beginning_holds_for_a_part_that_goes_on_later(server, tmp_path):
    server.headers = {"Content-MD5": base64.b64encode(hashlib.md5(CONTENT).digest()).decode()}
    get_a_part(server, tmp_path / "a.bin")
    server.headers = {}  # of a part, a server may give the part's own or none
    part = tmp_path / "a.bin.part"
    content = bytearray(part.read_bytes())
    content[10] ^= 1
    part.write_bytes(content)
    assert get(server, tmp_path / "a.bin").read_bytes() == CONTENT
    asked = [headers.get("Range") for headers in server.asked_for("/a.bin")]
    assert asked == [None, f"bytes={len(content)}-", None]


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


def test_the_note_of_a_part_tells_no_more_than_needed(server, tmp_path):
    get_a_part(server, tmp_path / "a.bin")
    note = json.loads((tmp_path / "a.bin.part.json").read_text())
    assert note == {"url": f"{server.url}/a.bin", "validator": '"one"', "digest": None}
