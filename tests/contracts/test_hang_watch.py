"""A run of tests that hangs says where, even where Python cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hang_watch import busy

ROOT = Path(__file__).parents[2]
BARRED = ("ermission", "EPERM", "ptrace", "could not look")  # how it is said that nobody may look
HANGING = """
import ctypes
from concurrent.futures import ThreadPoolExecutor


def test_hangs():
    with ThreadPoolExecutor(1, thread_name_prefix="at-rest") as pool:
        pool.submit(int).result()
        wait_for_ever()


def wait_for_ever():
    ctypes.PyDLL(None).sleep(200)  # keeps Python's lock: no other thread, no limit of time is heard
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another process may not be looked into")
def test_a_thread_that_keeps_pythons_lock_is_named(tmp_path: Path) -> None:
    file = tmp_path / "test_hanging.py"
    file.write_text(HANGING)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", os.devnull, "--rootdir", str(tmp_path), str(file)],
        cwd=ROOT, env={**os.environ, "MASKWRIGHT_HANG_S": "6"}, capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    assert done.returncode == -9
    assert "No test has begun for 6 s" in done.stderr
    if any(word in done.stderr for word in BARRED):
        pytest.skip("this computer does not let one process look into another")
    assert "wait_for_ever (" in done.stderr
    assert "nanosleep" in done.stderr
    assert "at-rest" not in done.stderr


def test_threads_at_rest_are_left_out() -> None:
    dump = (
        'Process 1: python\n\nThread 1 (idle): "MainThread"\n    wait (a.py:1)\n'
        'Thread 2 (idle): "pool_0"\n    _worker (concurrent/futures/thread.py:81)\n    run (b.py:2)\n'
        'Thread 3 (active): "pool_1"\n    work (c.py:3)\n'
    )
    kept = busy(dump)
    assert "MainThread" in kept
    assert "pool_1" in kept
    assert "pool_0" not in kept
