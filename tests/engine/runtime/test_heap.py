"""Freed memory is used again where the heap keeps it, and goes back to the system at the end."""

import platform
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from engine.runtime import heap

resource = pytest.importorskip("resource")

ON_GLIBC = platform.libc_ver()[0] == "glibc"

CHILD = """
import sys
from tests.engine.runtime.test_heap import pages_of_steps
print(pages_of_steps(sys.argv[1] == "kept"))
"""


def pages_of_steps(kept: bool) -> int:
    """Return how many pages twenty steps with 40 MB in pieces have met for the first time."""
    with heap.all_freed_memory_kept() if kept else nullcontext():
        _step()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            _step()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _step() -> None:
    pieces = [bytearray(10_000_000) for _ in range(4)]
    for piece in pieces:
        piece[::4096] = b"x" * len(piece[::4096])


def _in_a_process(word: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, word],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    return int(done.stdout)


@pytest.mark.skipif(not ON_GLIBC, reason="the C library is another")
def test_steps_find_their_memory_again():
    taken_anew = _in_a_process("left alone")
    assert taken_anew > 5_000
    assert _in_a_process("kept") < taken_anew / 20


@pytest.mark.skipif(not ON_GLIBC, reason="the C library is another")
def test_memory_goes_back_at_the_end():
    with heap.all_freed_memory_kept():
        _step()
        inside = _resident()
    assert _resident() < inside - 30_000_000


def test_another_c_library_is_left_alone(monkeypatch):
    heap._glibc.cache_clear()
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    try:
        with heap.all_freed_memory_kept():
            heap.keep_freed_memory()
    finally:
        monkeypatch.undo()
        heap._glibc.cache_clear()


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
