"""A session that draws, undoes, imports and merges classes is killed with -9 at random moments, again and again.

After each kill the project must open for editing, be sound, and hold what was acknowledged: all of it, and at most
the one step more that was on its way, whole. What it must be after each step is known from a run that is let live.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kill_session import SETS, digest
from engine.data.images import write_image
from studio.model.errors import EditError
from studio.storage.backup import back_up, list_backups
from studio.storage.database_copy import check_database
from studio.storage.health import check_health
from studio.storage.image_index import add_folder
from studio.storage.project_archive import MANIFEST, is_archive
from studio.storage.project_files import create_project, open_project

ROOT = Path(__file__).resolve().parents[1]
_PICTURES, _PICTURE_WH = 6, (64, 48)
_LATEST_S = 0.02  # after an acknowledgement: longer than most steps take


@dataclass
class Course:
    """What a session does when nobody kills it.

    Attributes:
        digests: The database after each step, the one before the first at 0.
        kinds: What each step is; "open" at 0.
    """

    digests: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Kill:
    """One kill and what was found after it.

    Attributes:
        during: What was on its way, "close" after the last step.
        acknowledged: Steps that had been acknowledged.
        kept_more: The step on its way is there, whole.
        problems: What is wrong; empty: nothing.
    """

    during: str
    acknowledged: int
    kept_more: bool
    problems: tuple[str, ...]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare how often, how long and what."""
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Kill as often as asked and count what was found."""
    with tempfile.TemporaryDirectory(prefix="maskwright-kill-") as scratch:
        kills = kill_session(Path(scratch), options.kills, options.steps, options.seed)
    failed = [kill for kill in kills if kill.problems]
    return {
        "kills": len(kills),
        "projects_sound_and_complete": len(kills) - len(failed),
        "steps_lost": sum("lost" in problem for kill in failed for problem in kill.problems),
        "acknowledged_steps": sum(kill.acknowledged for kill in kills),
        "killed_during": dict(Counter(kill.during for kill in kills).most_common()),
        "step_on_its_way_was_there": sum(kill.kept_more for kill in kills),
        "problems": [problem for kill in failed for problem in kill.problems],
    }


def kill_session(scratch: Path, kills: int, steps: int, seed: int) -> list[Kill]:
    """Let the session live once to know its course, then kill it ``kills`` times, each from the same beginning."""
    base, work = scratch / "base", scratch / "work"
    make_base(base)
    shutil.copytree(base, work)
    course = live(work / "project", seed, steps)
    chance = random.Random(seed + 1)
    found = []
    for _ in range(kills):
        shutil.rmtree(work)
        shutil.copytree(base, work)
        kind = chance.choice(sorted(set(course.kinds)))  # rare steps are killed as often as drawing
        target = chance.choice([n for n, known in enumerate(course.kinds) if known == kind])
        wait_s = chance.uniform(0, _LATEST_S) ** 2 / _LATEST_S  # mostly at once
        acknowledged, during = kill(work / "project", seed, steps, target, wait_s, course)
        problems, kept_more = look_at(work / "project", acknowledged, course)
        found.append(Kill(during, acknowledged, kept_more, tuple(problems)))
    return found


def make_base(folder: Path) -> None:
    """Make a project of a few pictures and classes, and data sets to import, in the folder."""
    chance = np.random.default_rng(0)

    def draw(place: Path, count: int) -> None:
        place.mkdir(parents=True)
        for number in range(count):
            pixels = chance.integers(0, 255, (*_PICTURE_WH[::-1], 3), np.uint8)
            write_image(place / f"{number}.png", pixels)

    draw(folder / "project" / "pictures", _PICTURES)
    with create_project(folder / "project", "Parts") as project:
        list(add_folder(project, folder / "project" / "pictures"))
        for name in ("bolt", "nut", "washer", "gear"):
            project.add_class(name)
    for number in range(SETS):
        place = folder / "sets" / str(number)
        draw(place / "images" / "train", 3)
        (place / "labels" / "train").mkdir(parents=True)
        for picture in range(3):
            lines = "".join(f"{k % 3} 0.5 0.5 0.{k + 1} 0.25\n" for k in range(picture, 9))
            (place / "labels" / "train" / f"{picture}.txt").write_text(lines)
        names = f"names: [bolt, nut, new {number}]"
        (place / "data.yaml").write_text(f"train: images/train\nval: images/train\n{names}\n")


def live(folder: Path, seed: int, steps: int) -> Course:
    """Run the whole session and return its course.

    Raises:
        RuntimeError: It failed by itself.
    """
    process = _start(folder, seed, steps, "--digests")
    said, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the session failed by itself: {errors}")
    course = Course()
    for line in said.splitlines():
        words = line.split()
        if words[0].isdigit():
            course.digests.append(words[-1])
            course.kinds.append(words[1] if words[0] != "0" else "open")
    return course


def kill(
    folder: Path, seed: int, steps: int, target: int, wait_s: float, course: Course
) -> tuple[int, str]:
    """Kill a session some time after the step before ``target`` was acknowledged.

    Returns:
        The last step that was acknowledged (-1: not even the opening), and what was on its way.
    """
    before = f"{target - 1} " if target else "opening"
    with _start(folder, seed, steps) as process:
        lines: list[str] = []
        while process.stdout and not (lines and lines[-1].startswith(before)):
            lines.append(process.stdout.readline())
            if not lines[-1]:  # it ended by itself, and its course says where
                break
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines() if process.stdout else []
    # a line that the kill has cut was not said
    numbers = [int(x.split()[0]) for x in lines if x.endswith("\n") and x.split()[0].isdigit()]
    last = max(numbers, default=-1)
    return last, course.kinds[last + 1] if last + 1 < len(course.kinds) else "close"


def look_at(folder: Path, acknowledged: int, course: Course) -> tuple[list[str], bool]:
    """Open a project after a kill; return what is wrong, and whether one step more is there."""
    problems: list[str] = []
    expected = course.digests[max(acknowledged, 0)]
    after = course.digests[min(acknowledged + 1, len(course.digests) - 1)]
    with open_project(folder) as project:
        if project.read_only:
            problems.append(f"it opens for reading only: {project.notice}")
            return problems, False
        problems += check_health(project).problems
        now = digest(project)
        if now not in (expected, after):
            where = course.digests.index(now) if now in course.digests else None
            state = "a state that never was" if where is None else f"step {where}"
            problems.append(
                f"steps were lost: {acknowledged} were acknowledged, the project is at {state}"
            )
        if project.can_undo:
            plain = digest(project, history=False)
            with contextlib.suppress(EditError):  # it may not fit what was imported since
                project.undo()
                project.redo()
            if digest(project, history=False) != plain:
                problems.append("undo and redo do not lead back")
        problems += _look_at_copies(folder)
    return problems, now == after != expected


def _look_at_copies(folder: Path) -> list[str]:
    """Return what is wrong with the backups and with the project that was saved as one file."""
    back_up(folder)
    found = [
        f"{b.path.name}: {text}" for b in list_backups(folder) for text in check_database(b.path)
    ]
    backups = folder / "backups"
    found += [f"{path.name} was left behind" for path in backups.iterdir() if path.suffix != ".db"]
    whole = folder.parent / "whole.zip"
    if whole.exists() and not is_archive(whole):
        found.append(f"{whole.name} has its name and no {MANIFEST}")
    return found


def _start(folder: Path, seed: int, steps: int, *flags: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "benchmarks.kill_session",
            str(folder),
            str(seed),
            str(steps),
            *flags,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
