"""Backups: one an opening, five kept, never half, and the way back from each of them."""

from __future__ import annotations

import datetime as dt
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from engine.data.annotations import Box
from studio.model.edits import AddShapes
from studio.model.errors import DamagedError, StorageError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage import backup as backups
from studio.storage.backup import (
    FOLDER,
    KEPT,
    back_up,
    contents_of,
    list_backups,
    prune_backups,
    restore_backup,
)
from studio.storage.database_copy import CopyCancelledError, check_database, open_copy
from studio.storage.health import check_health
from studio.storage.project_files import open_project

Start = Callable[..., Any]


def draw(project: Project, count: int = 1) -> None:
    image = project.image_ids()[0]
    for number in range(count):
        box = Box(1.0, 1.0, 5.0 + number, 9.0)
        project.apply(AddShapes((new_shape(image, project.classes()[0].id, box),)))


def shape_count(folder: Path) -> int:
    with open_project(folder) as project:
        assert not project.read_only
        assert check_health(project).problems == []
        return sum(project.class_counts().values())


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / FOLDER).iterdir())


def test_a_backup_is_a_whole_project_made_while_it_is_open(photo_project: Project) -> None:
    draw(photo_project, 3)
    made = back_up(photo_project.folder)
    assert made is not None
    draw(photo_project)
    assert check_database(made.path) == []
    contents = contents_of(made)
    assert (contents.images, contents.shapes, contents.classes) == (4, 3, 2)
    assert contents.last_step == "Add box"
    assert list_backups(photo_project.folder) == [made]
    assert files(photo_project.folder) == [made.path.name]  # one file: no log, nothing half
    assert abs(dt.datetime.now(dt.UTC) - made.time) < dt.timedelta(minutes=1)


def test_nothing_new_makes_no_new_backup(photo_project: Project) -> None:
    """Five openings without an edit must not push out the states that differ."""
    assert back_up(photo_project.folder) is not None
    assert back_up(photo_project.folder) is None
    photo_project.remember("image", 3)  # where the person was is nothing to keep
    assert back_up(photo_project.folder) is None
    draw(photo_project)
    assert back_up(photo_project.folder) is not None
    photo_project.undo()
    assert back_up(photo_project.folder) is not None  # the same shapes, but another history


def test_the_last_five_are_kept_whatever_the_clock_says(
    photo_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards(dt.datetime):
        days = 0

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            cls.days += 1
            return dt.datetime(2030, 1, 31, tzinfo=tz) - dt.timedelta(cls.days)

    monkeypatch.setattr(backups.dt, "datetime", Backwards)
    for _ in range(KEPT + 2):
        draw(photo_project)
        back_up(photo_project.folder)
    kept = list_backups(photo_project.folder)
    assert [backup.number for backup in kept] == [7, 6, 5, 4, 3]
    assert [contents_of(backup).shapes for backup in kept] == [7, 6, 5, 4, 3]
    assert kept[0].time < kept[-1].time


def test_leftovers_and_strangers_among_the_backups(photo_project: Project) -> None:
    folder = photo_project.folder / FOLDER
    folder.mkdir()
    (folder / ".00001-20260101T000000Z.db.123.tmp").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    (folder / "00009-99999999T000000Z.db").write_text("no time at all")
    assert list_backups(photo_project.folder) == []
    made = back_up(photo_project.folder)
    assert made is not None
    assert files(photo_project.folder) == [
        made.path.name,
        "00009-99999999T000000Z.db",
        "notes.txt",
    ]
    assert list_backups(photo_project.folder.parent / "nowhere") == []


def test_restoring_goes_back_and_can_itself_be_taken_back(photo_project: Project) -> None:
    folder = photo_project.folder
    draw(photo_project, 2)
    early = back_up(folder)
    draw(photo_project, 5)
    photo_project.close()
    assert early is not None
    restore_backup(folder, early)
    assert shape_count(folder) == 2
    newest = list_backups(folder)[0]
    assert contents_of(newest).shapes == 7  # what was there before is a backup now
    restore_backup(folder, newest)
    assert shape_count(folder) == 7
    with open_project(folder) as project:
        assert project.can_undo
        project.undo()
    assert shape_count(folder) == 6


def test_the_oldest_of_five_can_be_restored(photo_project: Project) -> None:
    folder = photo_project.folder
    for _ in range(KEPT):
        draw(photo_project)
        back_up(folder)
    draw(photo_project)
    photo_project.close()
    restore_backup(folder, list_backups(folder)[-1])
    assert shape_count(folder) == 1
    assert [contents_of(backup).shapes for backup in list_backups(folder)] == [6, 5, 4, 3, 2]


def test_a_project_that_is_open_is_not_restored(photo_project: Project) -> None:
    draw(photo_project)
    made = back_up(photo_project.folder)
    draw(photo_project)
    assert made is not None
    with pytest.raises(StorageError, match="open in another window"):
        restore_backup(photo_project.folder, made)
    assert sum(photo_project.class_counts().values()) == 2


def damage(path: Path, first: int = 4096) -> bytes:
    data = bytearray(path.read_bytes())
    data[first:] = b"\xa5" * (len(data) - first)
    path.write_bytes(data)
    return bytes(data)


@pytest.mark.parametrize("first", [0, 4096], ids=["all of it", "all but the first page"])
def test_a_damaged_project_is_restored_and_kept_aside(photo_project: Project, first: int) -> None:
    folder = photo_project.folder
    draw(photo_project, 3)
    good = back_up(folder)
    photo_project.close()
    assert good is not None
    broken = damage(folder / "project.db", first)
    with pytest.raises(DamagedError) as caught:
        back_up(folder)
    assert "backup" in str(caught.value.remedy)
    assert list_backups(folder) == [good]  # a damaged database pushes no good one out
    restore_backup(folder, good)
    assert shape_count(folder) == 3
    assert (folder / FOLDER / "damaged-1.db").read_bytes() == broken


def test_a_damaged_backup_is_refused_and_changes_nothing(photo_project: Project) -> None:
    draw(photo_project)
    bad = back_up(photo_project.folder)
    draw(photo_project)
    photo_project.close()
    assert bad is not None
    damage(bad.path)
    with pytest.raises(StorageError, match="the backup cannot be used"):
        restore_backup(photo_project.folder, bad)
    with pytest.raises(StorageError, match="cannot be used"):
        contents_of(bad)
    with sqlite3.connect(bad.path.with_name("00007-20260101T000000Z.db")) as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StorageError, match="another program"):
        restore_backup(photo_project.folder, list_backups(photo_project.folder)[0])
    assert shape_count(photo_project.folder) == 2


def test_giving_up_leaves_nothing(photo_project: Project) -> None:
    with pytest.raises(CopyCancelledError):
        back_up(photo_project.folder, is_cancelled=lambda: True)
    assert files(photo_project.folder) == []


def test_a_backup_is_one_moment_while_somebody_draws(photo_project: Project) -> None:
    """Shapes and history agree in each of them, though the drawing never stops."""
    draw(photo_project, 40)

    def keep_backing_up() -> list[list[str]]:
        found = []
        for _ in range(6):
            made = back_up(photo_project.folder)
            if made is None:
                continue
            with closing(open_copy(made.path)) as copy:
                shapes = copy.execute("SELECT COUNT(*) FROM shapes").fetchone()[0]
                drawn = copy.execute("SELECT COUNT(*) FROM journal WHERE label = 'Add box'")
                counted = copy.execute("SELECT SUM(shape_count) FROM images").fetchone()[0]
                assert shapes == drawn.fetchone()[0] == counted
            found.append(check_database(made.path))
        return found

    with ThreadPoolExecutor(1) as pool:
        backing_up = pool.submit(keep_backing_up)
        while not backing_up.done():
            draw(photo_project)
    assert len(backing_up.result()) >= 2
    assert all(problems == [] for problems in backing_up.result())


def test_a_full_disk_gives_one_clear_error(photo_project: Project, start_python: Start) -> None:
    draw(photo_project)
    script = (
        "import resource, signal, sys\nfrom pathlib import Path\n"
        "from studio.model.errors import StorageError\nfrom studio.storage.backup import back_up\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, resource.RLIM_INFINITY))\n"
        "try:\n    back_up(Path(sys.argv[1]))\nexcept StorageError as error:\n    print(error)"
    )
    said, error = start_python(script, photo_project.folder).communicate(timeout=240)
    assert "the backup could not be made" in said, error
    assert "The project itself is saved" in said
    assert files(photo_project.folder) == []


# Restores back and forth until it is killed.
RESTORE = """
import shutil, sys
from dataclasses import replace
from pathlib import Path
from studio.storage.backup import list_backups, restore_backup
folder = Path(sys.argv[1])
# elsewhere, where none of the two is pruned
both = [replace(b, path=Path(shutil.copy(b.path, folder.parent))) for b in list_backups(folder)]
print("ready", flush=True)
while True:
    for backup in both:
        restore_backup(folder, backup)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.1])
def test_kill_9_while_restoring_leaves_one_of_the_two(
    photo_project: Project, start_python: Start, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = photo_project.folder
    draw(photo_project, 2)
    back_up(folder)
    draw(photo_project, 30)
    back_up(folder)
    photo_project.close()
    process = start_python(RESTORE, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert shape_count(folder) in (2, 32)
    assert all(check_database(backup.path) == [] for backup in list_backups(folder))
    prune_backups(folder)
    assert not [name for name in files(folder) if name.startswith(".")]


def test_a_folder_where_no_backup_can_lie(photo_project: Project) -> None:
    (photo_project.folder / FOLDER).write_text("a file is in the way")
    with pytest.raises(StorageError, match="the backup could not be made"):
        back_up(photo_project.folder)
    assert (photo_project.folder / FOLDER).read_text() == "a file is in the way"


@pytest.mark.parametrize("moment", [0, 1, 2, 4, 8, 16, 32])
def test_restoring_can_be_given_up_at_any_moment(photo_project: Project, moment: int) -> None:
    folder = photo_project.folder
    draw(photo_project, 2)
    early = back_up(folder)
    draw(photo_project, 5)
    photo_project.close()
    assert early is not None
    asked = count()
    try:
        restore_backup(folder, early, lambda: next(asked) >= moment)
    except CopyCancelledError:
        assert shape_count(folder) == 7
    else:  # it was over before
        assert shape_count(folder) == 2
    with open_project(folder) as project:
        assert check_health(project).problems == []


def test_giving_up_a_restore_is_heard_while_pages_are_written(photo_project: Project) -> None:
    folder = photo_project.folder
    early = back_up(folder)
    draw(photo_project, 5)
    photo_project.close()
    assert early is not None
    assert back_up(folder) is not None  # so that none is made now, and only the writing asks
    with pytest.raises(CopyCancelledError):
        restore_backup(folder, early, lambda: True)
    assert shape_count(folder) == 5
    assert not list((folder / "backups").glob(".*"))
