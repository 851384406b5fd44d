"""Files that another program writes at the same moment: one of the two is told, and neither is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.storage import label_swap
from studio.storage.label_swap import swap_in, take_away

Start = Callable[..., Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "labels" / "a.txt"
    path.parent.mkdir()
    path.write_bytes(b"old")
    return path


def names(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.iterdir())


def test_an_expected_file_is_replaced_and_nothing_is_left_beside_it(file: Path) -> None:
    assert swap_in(file, b"new", b"old")
    assert (file.read_bytes(), names(file)) == (b"new", ["a.txt"])
    assert not swap_in(file, b"newer", b"old")
    assert (file.read_bytes(), names(file)) == (b"new", ["a.txt"])
    assert take_away(file, b"new")
    assert names(file) == []


def test_a_file_is_made_only_where_there_is_none(file: Path, tmp_path: Path) -> None:
    assert not swap_in(file, b"new", None)
    assert file.read_bytes() == b"old"
    assert swap_in(tmp_path / "deep" / "b.txt", b"new", None)
    assert names(tmp_path / "deep" / "b.txt") == ["b.txt"]


def test_a_file_that_is_gone_is_not_made_again(file: Path) -> None:
    file.unlink()
    assert not swap_in(file, b"new", b"old")
    assert not take_away(file, b"old")
    assert names(file) == []


def meanwhile(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let another program act between our look at the file and the moment it is replaced."""
    real, done = Path.replace, []

    def replace(self: Path, target: Path) -> Path:
        if self.suffix == ".new" and not done:
            done.append(True)
            do()
        return real(self, target)

    monkeypatch.setattr(label_swap.Path, "replace", replace)


def test_what_was_written_into_the_file_in_the_gap_comes_back(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: file.write_bytes(b"theirs"))
    assert not swap_in(file, b"new", b"old")
    assert (file.read_bytes(), names(file)) == (b"theirs", ["a.txt"])


def test_without_hard_links_a_file_is_replaced_all_the_same(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, os.strerror(1)) if target.exists() else FileNotFoundError(2, "")

    monkeypatch.setattr(label_swap.Path, "hardlink_to", refuse)
    assert swap_in(file, b"new", b"old")
    assert not swap_in(file, b"newer", b"old")
    assert (file.read_bytes(), names(file)) == (b"new", ["a.txt"])
    file.unlink()
    assert swap_in(file, b"first", None)
    assert (file.read_bytes(), names(file)) == (b"first", ["a.txt"])


def test_removing_what_somebody_has_changed_leaves_it(file: Path) -> None:
    assert not take_away(file, b"something else")
    assert (file.read_bytes(), names(file)) == (b"old", ["a.txt"])


# Appends lines of its own as fast as it can, each in one step, and says how many.
_APPEND = """
import os, sys, time
count = 0
print("ready", flush=True)
until = time.monotonic() + 1.0
while time.monotonic() < until:
    descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, b"t")
    os.close(descriptor)
    count += 1
    time.sleep(0.002)
print(count, flush=True)
"""


def test_two_programs_on_one_file_lose_next_to_nothing(file: Path, start_python: Start) -> None:
    """A real second process appends while we replace: whenever it was first, its content is taken over."""
    file.write_bytes(b"")
    process = start_python(_APPEND, file)
    assert process.stdout.readline() == "ready\n"
    ours = 0
    while process.poll() is None:
        present = file.read_bytes()
        if swap_in(file, present + b"o", present):
            ours += 1
        time.sleep(0.001)
    theirs = int(process.stdout.read())
    content = file.read_bytes()
    assert content.count(b"o") == ours
    # a write into the old file after our last look at it is the one that nobody can see
    assert theirs * 0.9 <= content.count(b"t") <= theirs
    assert names(file) == ["a.txt"]
