"""The promise of the store, with real processes: what was acknowledged stays, whatever ends the process."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data.annotations import Polygon
from studio.model.edits import AddShapes
from studio.model.errors import ReadOnlyError, StorageError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.health import check_health
from studio.storage.project_files import create_project, open_project

Start = Callable[..., "subprocess.Popen[str]"]

# Draws polygons as fast as it can and tells the number of each when the project has acknowledged it.
DRAW = """
import sys
from engine.data.annotations import Polygon
from studio.model.edits import AddShapes, RemoveShapes
from studio.model.records import new_shape
from studio.storage.project_files import open_project
project = open_project(sys.argv[1])
image = project.image_ids()[0]
print("ready", flush=True)
while True:
    ring = tuple((float(x), x / 3) for x in range(200))
    edit = project.apply(AddShapes((new_shape(image, 0, Polygon(ring)),)))
    print(edit.shapes[0].id, flush=True)
"""

# The same, but stops at the first error, says which, and goes on once there is room again.
FILL = """
import resource, sys
from engine.data.annotations import Polygon
from studio.model.edits import AddShapes
from studio.model.errors import StorageError
from studio.model.records import new_shape
from studio.storage.project_files import open_project
project = open_project(sys.argv[1])
image = project.image_ids()[0]
limit = int(sys.argv[2])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

def draw():
    ring = tuple((float(x), x / 3) for x in range(200))
    edit = project.apply(AddShapes((new_shape(image, 0, Polygon(ring)),)))
    print(edit.shapes[0].id, flush=True)

try:
    for _ in range(100_000):
        draw()
except StorageError as error:
    print("refused", error, flush=True)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
else:
    sys.stdin.readline()
draw()
project.close()
"""


def shape_ids(project: Project) -> list[int]:
    return [shape.id for shape in project.shapes(project.image_ids()[0])]


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8])
def test_kill_9_while_drawing_loses_no_acknowledged_shape(
    photo_project: Project, start_python: Start, seconds: float
) -> None:
    photo_project.close()
    process = start_python(DRAW, photo_project.folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    said, error = process.communicate()
    assert process.returncode == -signal.SIGKILL, error
    # the last line may have been cut by the kill
    acknowledged = [int(line) for line in said.splitlines(keepends=True) if line.endswith("\n")]
    assert acknowledged
    with open_project(photo_project.folder) as again:
        assert not again.read_only  # the dead process holds no lock
        kept = shape_ids(again)
        assert kept[: len(acknowledged)] == acknowledged
        # at most the edit that was on its way is there unacknowledged, and then with its journal row
        assert len(kept) - len(acknowledged) <= 1
        edits = [entry for entry in again.history(10**6) if entry.label == "Add polygon"]
        assert len(edits) == len(kept)
        assert check_health(again).problems == []
        again.undo()
        assert shape_ids(again) == kept[:-1]


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_a_write_that_the_disk_refuses_gives_one_clear_error_and_keeps_the_rest(
    photo_project: Project, start_python: Start
) -> None:
    photo_project.close()
    process = start_python(FILL, photo_project.folder, 1_000_000)
    said, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    lines = said.splitlines()
    refusal = next(line for line in lines if line.startswith("refused"))
    assert "not saved" in refusal
    assert "project.db" in refusal
    assert "Everything that was saved before is still there" in refusal
    acknowledged = [int(line) for line in lines if not line.startswith("refused")]
    assert len(acknowledged) > 10
    with open_project(photo_project.folder) as again:
        assert shape_ids(again) == acknowledged
        assert check_health(again).problems == []


def _fill_up(path: Path) -> None:
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))


def _can_mount() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("mount") is not None


@pytest.mark.skipif(not _can_mount(), reason="a small disk of its own needs root on Linux")
def test_a_full_disk_of_its_own(tmp_path: Path, start_python: Start, write_photos: object) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        filler = disk / "filler"
        filler.write_bytes(bytes(1_000_000))
        with create_project(disk / "project") as project:
            with project.store.transaction():
                source = project.store.take_source(tmp_path)
                project.store.add_images(source, ["a.png"])
            project.add_class("bolt")
        process = subprocess.Popen(
            [sys.executable, "-c", FILL, str(disk / "project"), "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        )
        assert process.stdout is not None
        lines = []
        while not lines or not lines[-1].startswith("refused"):
            lines.append(process.stdout.readline().strip())
            assert lines[-1], process.communicate()
        assert "the disk is full" in lines[-1]
        _fill_up(disk / "more")
        another = disk / "another"
        with pytest.raises(StorageError, match="disk"):
            create_project(another)
        assert not (another / "project.db").exists()
        (disk / "more").unlink()
        filler.unlink()
        rest, error = process.communicate("\n", timeout=60)
        assert process.returncode == 0, error
        acknowledged = [*map(int, lines[:-1]), *map(int, rest.split())]
        with open_project(disk / "project") as again:
            assert shape_ids(again) == acknowledged
            assert check_health(again).problems == []
        _fill_up(filler)
        with open_project(disk / "project") as crowded:
            assert crowded.read_only
            assert crowded.notice is not None
            assert "Free space on its disk" in crowded.notice
            assert shape_ids(crowded) == acknowledged
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_sqlite_reporting_full_leaves_the_project_usable(photo_project: Project) -> None:
    database = photo_project.store.db
    image = photo_project.image_ids()[0]
    pages = database.value("PRAGMA page_count")
    database.value(f"PRAGMA max_page_count = {pages + 4}")
    ring = tuple((float(x), x / 3) for x in range(300))
    kept: list[int] = []

    def draw_until_refused() -> None:
        while len(kept) < 1000:
            edit = photo_project.apply(AddShapes((new_shape(image, 0, Polygon(ring)),)))
            kept.append(edit.shapes[0].id)

    with pytest.raises(StorageError, match="the disk is full"):
        draw_until_refused()
    assert shape_ids(photo_project) == kept
    assert photo_project.image(image).shape_count == len(kept)
    database.value("PRAGMA max_page_count = 1000000")
    photo_project.apply(AddShapes((new_shape(image, 0, Polygon(ring)),)))
    assert len(shape_ids(photo_project)) == len(kept) + 1
    assert photo_project.image(image).shape_count == len(kept) + 1


def test_a_second_window_reads_and_says_why(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    with open_project(photo_project.folder) as second:
        assert second.read_only
        assert second.notice is not None
        assert f"process {os.getpid()}" in second.notice
        assert "reopen" in second.notice
        with pytest.raises(ReadOnlyError, match="another window"):
            second.add_class("washer")
        shape = new_shape(image, 0, Polygon(((0.0, 0.0), (5.0, 0.0), (5.0, 5.0))))
        photo_project.apply(AddShapes((shape,)))
        assert len(second.shapes(image)) == 1
    photo_project.close()
    with open_project(photo_project.folder) as third:
        assert not third.read_only
        assert third.notice is None


def test_a_second_process_reads_and_says_why(photo_project: Project, start_python: Start) -> None:
    script = (
        "import sys\nfrom studio.storage.project_files import open_project\n"
        "p = open_project(sys.argv[1])\nprint(p.read_only, len(p.image_ids()), p.notice)"
    )
    process = start_python(script, photo_project.folder)
    said, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    assert said.startswith("True 4 ")
    assert "already open in another window" in said


# Gives up root, if it has it, and opens the project as somebody who may only read.
READ = """
import os, sys
from engine.data.annotations import Polygon
from studio.model.edits import AddShapes
from studio.model.errors import ReadOnlyError
from studio.model.records import new_shape
from studio.storage.project_files import open_project
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
project = open_project(sys.argv[1])
image = project.image_ids()[0]
print(project.read_only, len(project.shapes(image)))
print(project.notice)
try:
    project.apply(AddShapes((new_shape(image, 0, Polygon(((0.0, 0.0), (5.0, 0.0), (5.0, 5.0)))),)))
except ReadOnlyError as error:
    print(error)
project.close()
"""


def _drawn(folder: Path, shapes: int) -> Project:
    project = create_project(folder)
    with project.store.transaction():
        project.store.add_images(project.store.take_source(Path("/pictures")), ["a.png"])
    project.add_class("bolt")
    for _ in range(shapes):
        shape = new_shape(1, 0, Polygon(((0.0, 0.0), (5.0, 0.0), (5.0, 5.0))))
        project.apply(AddShapes((shape,)))
    return project


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")
@pytest.mark.parametrize("clean", [True, False], ids=["closed", "killed"])
def test_a_read_only_folder_opens_to_read_with_everything_in_it(
    public_dir: Path, start_python: Start, clean: bool
) -> None:
    made = _drawn(public_dir / "made", 3)
    folder = public_dir / "project"
    if clean:
        made.close()
    # copied while open: the log has not been folded in, as after a kill
    shutil.copytree(public_dir / "made", folder, ignore=shutil.ignore_patterns("*-shm", "*.lock"))
    made.close()
    assert (folder / "project.db-wal").exists() is not clean
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    process = start_python(READ, folder)
    said, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    first, notice, refusal = said.splitlines()
    assert first == "True 3"
    assert "cannot be written (Permission denied)" in notice
    assert "copy it to a place where you may write" in notice
    assert notice in refusal
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    folder.chmod(0o755)
