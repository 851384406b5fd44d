"""A session of drawing, undoing, importing and merging that is killed at random moments loses nothing it acknowledged.

``python -m benchmarks kill`` does the same two hundred times.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.kill_moments import kill_session, live, look_at, make_base

STEPS = 60


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal of POSIX")
def test_ten_kills_at_random_moments(tmp_path: Path) -> None:
    kills = kill_session(tmp_path, kills=10, steps=STEPS, seed=7)
    assert [kill.problems for kill in kills] == [()] * 10
    assert sum(kill.acknowledged for kill in kills) > 10
    assert len(Counter(kill.during for kill in kills)) > 3


def test_what_is_lost_or_half_would_be_found(tmp_path: Path) -> None:
    """The check itself: a lost step, half a step and a journal that tells another story are each reported."""
    make_base(tmp_path / "base")
    folder = tmp_path / "base" / "project"
    course = live(folder, seed=7, steps=STEPS)

    def look(acknowledged: int) -> list[str]:
        shutil.copytree(tmp_path / "base", tmp_path / "copy")  # looking undoes and does again
        problems, _ = look_at(tmp_path / "copy" / "project", acknowledged, course)
        shutil.rmtree(tmp_path / "copy")
        return problems

    assert look(STEPS) == []
    assert look(STEPS - 1) == []  # one step more than was told
    assert any("the project is at step" in problem for problem in look(STEPS - 5))
    with closing(sqlite3.connect(folder / "project.db")) as connection:
        connection.execute("DELETE FROM shapes WHERE id = (SELECT MAX(id) FROM shapes)")
        connection.commit()
    assert any("a state that never was" in problem for problem in look(STEPS))
    assert any("does not count its shapes" in problem for problem in look(STEPS))
