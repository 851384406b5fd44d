"""A project as one file: what goes in comes out, and a file made to do harm does none."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import stat
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from engine.data.annotations import Box
from engine.runtime.errors import EngineError
from studio.model.edits import AddShapes
from studio.model.errors import CancelledError, StorageError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.archive_read import import_project
from studio.storage.archive_write import export_project
from studio.storage.folder_mirror import FolderMirror, open_in_place
from studio.storage.health import check_health
from studio.storage.project_archive import ArchiveError, is_archive
from studio.storage.project_files import create_project, open_project

WritePhotos = Callable[..., list[Path]]


@pytest.fixture
def drawn(photo_project: Project) -> Project:
    """Four pictures, the first with two boxes, one of them undone; and a training."""
    image, class_id = photo_project.image_ids()[0], photo_project.classes()[0].id
    for right in (5.0, 7.5):
        box = Box(1.0, 1.0, right, 9.0)
        photo_project.apply(AddShapes((new_shape(image, class_id, box, "imported", 0.5),)))
    photo_project.undo()
    weights = photo_project.runs_dir / "train" / "weights"
    weights.mkdir(parents=True)
    (weights / "best.pt").write_bytes(b"weights")
    (weights.parent / "results.csv").write_text("epoch\n1\n")
    (weights.parent / "process.json").write_text('{"pid": 1}')
    return photo_project


@pytest.fixture
def packed(drawn: Project, tmp_path: Path) -> Path:
    return export_project(drawn.folder, tmp_path / "out" / "parts.zip").path


def content(folder: Path) -> dict[str, Any]:
    with open_project(folder) as project:
        assert check_health(project).problems == []
        ids = project.image_ids()
        return {
            "name": project.name,
            "classes": project.classes(),
            "images": [(image.id, image.path.name) for image in project.images(ids)],
            "pixels": [image.path.read_bytes() for image in project.images(ids)],
            "shapes": [project.shapes(image_id) for image_id in ids],
            "history": [(entry.label, entry.done) for entry in project.history()],
        }


def test_a_project_comes_out_as_it_went_in(drawn: Project, packed: Path, tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    made = import_project(packed, tmp_path / "new", lambda *step: said.append(step))
    drawn.close()
    assert content(made.path) == content(drawn.folder)
    assert (made.images, made.runs, made.left_out) == (4, ["train"], [])
    assert said[-1][0] == said[-1][1]
    assert (made.path / "runs/train/weights/best.pt").read_bytes() == b"weights"
    assert not (made.path / "runs/train/process.json").exists()
    with open_project(made.path) as project:
        inside = [image.path.is_relative_to(made.path) for image in project.images([1, 2, 3, 4])]
        assert inside == [True] * 4
        project.redo()
        assert len(project.shapes(1)) == 2
    assert sorted(path.name for path in packed.parent.iterdir()) == ["parts.zip"]


def test_a_project_file_knows_itself(packed: Path, tmp_path: Path) -> None:
    assert is_archive(packed)
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("labels/a.txt", "0 0 0 1 1")
    assert not is_archive(other)
    assert not is_archive(tmp_path)
    other.write_text("no zip")
    assert not is_archive(other)


def test_without_images_the_copy_finds_them_where_they_lie(drawn: Project, tmp_path: Path) -> None:
    report = export_project(drawn.folder, tmp_path / "small.zip", images=False, runs=False)
    assert (report.images, report.runs) == (0, [])
    made = import_project(report.path, tmp_path / "new")
    with open_project(made.path) as project:
        assert [image.path for image in project.images([1])] == [tmp_path / "photos" / "img0.png"]
        assert len(project.shapes(1)) == 1
    assert not (made.path / "runs").exists()


def test_images_inside_and_outside_and_missing(tmp_path: Path, write_photos: WritePhotos) -> None:
    from studio.storage.image_index import add_folder

    folder = tmp_path / "project"
    with create_project(folder) as project:
        for place in (folder / "own", tmp_path / "a b" / "images", tmp_path / "c" / "images"):
            write_photos(place, 2)
            list(add_folder(project, place))
        (tmp_path / "c" / "images" / "img1.png").unlink()
        report = export_project(folder, tmp_path / "all.zip")
    assert report.images == 5
    assert len(report.left_out) == 1
    assert "img1.png: the image is missing" in report.left_out[0]
    made = import_project(report.path, tmp_path / "new").path
    with open_project(made) as project:
        there = [image.path.is_file() for image in project.images(project.image_ids())]
        assert sorted(there) == [False] + [True] * 5


def test_the_copy_leaves_the_label_files_of_the_original_alone(
    project: Project, parts_dataset: Path, tmp_path: Path
) -> None:
    """A second project that writes the same label files would fight with the first."""
    import shutil

    source = shutil.copytree(parts_dataset.parent, tmp_path / "set") / "data.yaml"
    text = source.read_text().replace(str(parts_dataset.parent), str(source.parent))
    source.write_text(text)
    mirror, _ = open_in_place(project, source)
    mirror.stop()
    report = export_project(project.folder, tmp_path / "p.zip", images=False)
    made = import_project(report.path, tmp_path / "new")
    with open_project(made.path) as copy:
        assert FolderMirror.of(copy) is None
    found = FolderMirror.of(project)
    assert found is not None
    found.stop()


def test_cancel_and_a_full_disk_leave_the_older_file(
    drawn: Project, packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = packed.read_bytes()
    for calls in (0, 2):
        asked = iter(range(100))

        def is_cancelled(asked: Any = asked, calls: int = calls) -> bool:
            return next(asked) >= calls

        with pytest.raises(CancelledError):
            export_project(drawn.folder, packed, is_cancelled=is_cancelled)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr("studio.storage.archive_write._sync", lambda path: _raise(full))
    with pytest.raises(StorageError, match=r"cannot be written \(No space left on device\)"):
        export_project(drawn.folder, packed)
    assert packed.read_bytes() == before
    assert [path.name for path in packed.parent.iterdir()] == [packed.name]


def _raise(error: OSError) -> None:
    raise error


def test_cancelling_an_import_leaves_nothing(packed: Path, tmp_path: Path) -> None:
    with pytest.raises(CancelledError):
        import_project(packed, tmp_path / "place" / "new", is_cancelled=lambda: True)
    assert list((tmp_path / "place").iterdir()) == []


def test_a_folder_in_use_is_left_alone(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").write_text("x")
    with pytest.raises(StorageError, match="not empty"):
        import_project(packed, tmp_path / "mine")
    (tmp_path / "empty").mkdir()
    import_project(packed, tmp_path / "empty")


def test_too_little_room_is_said_before_anything_is_written(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("studio.storage.archive_read.shutil.disk_usage", lambda path: usage)
    with pytest.raises(StorageError, match="MB are free"):
        import_project(packed, tmp_path / "new")
    assert not (tmp_path / "new").exists()


# -- files made to do harm ----------------------------------------------------------------------


def rebuilt(
    packed: Path,
    target: Path,
    extra: dict[zipfile.ZipInfo | str, bytes] | None = None,
    changed: dict[str, bytes] | None = None,
) -> Path:
    """Write the archive again with entries added and contents changed."""
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = (changed or {}).get(info.filename, old.read(info))
            new.writestr(info.filename, data, zipfile.ZIP_DEFLATED)
        for name, data in (extra or {}).items():
            new.writestr(name, data)
    return target


def link_entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def tree(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "images/1-photos/../../../evil.txt",
        "/tmp/evil.txt",
        "images/../../evil.txt",
        "C:/evil.txt",
        "images\\..\\..\\evil.txt",
        "//server/share/evil.txt",
    ],
)
def test_names_that_lead_out_are_refused(packed: Path, tmp_path: Path, name: str) -> None:
    bad = rebuilt(packed, tmp_path / "bad.zip", {name: b"evil"})
    before = tree(tmp_path)
    with pytest.raises(ArchiveError, match=r"leads out of the project's folder.*Ask for the orig"):
        import_project(bad, tmp_path / "new")
    assert tree(tmp_path) == before


def test_links_are_refused(packed: Path, tmp_path: Path) -> None:
    """A link to a folder, and then a file written through it."""
    extra: dict[zipfile.ZipInfo | str, bytes] = {
        link_entry("images/1-photos/out"): str(tmp_path).encode(),
        "images/1-photos/out/evil.txt": b"evil",
    }
    bad = rebuilt(packed, tmp_path / "bad.zip", extra)
    before = tree(tmp_path)
    with pytest.raises(ArchiveError, match="a link or a device"):
        import_project(bad, tmp_path / "new")
    assert tree(tmp_path) == before


def test_what_is_no_part_of_a_project_stays_in_the_file(packed: Path, tmp_path: Path) -> None:
    extra: dict[zipfile.ZipInfo | str, bytes] = {
        "__MACOSX/._project.db": b"x",
        "project.db-wal": b"x",
        "sitecustomize.py": b"raise SystemExit",
        "runs/train/control.json": b'{"command": "stop"}',
    }
    made = import_project(rebuilt(packed, tmp_path / "odd.zip", extra), tmp_path / "new")
    assert len(made.left_out) == 4
    assert tree(made.path) & {"sitecustomize.py", "__MACOSX", "runs/train/control.json"} == set()
    with open_project(made.path) as project:
        assert len(project.image_ids()) == 4


def test_bombs_are_refused_before_they_unfold(packed: Path, tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(packed) as old,
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
        with new.open("images/1-photos/zeros.png", "w", force_zip64=True) as file:
            for _ in range(1100):
                file.write(bytes(2**20))
    assert bomb.stat().st_size < 2_000_000
    with pytest.raises(ArchiveError, match="claim to hold"):
        import_project(bomb, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_entry_longer_than_it_says(packed: Path, tmp_path: Path) -> None:
    """The size in the list of contents is changed: what is unpacked is bounded by what was announced."""
    data = packed.read_bytes()
    at = data.rindex(b"PK\x01\x02") + 24  # the uncompressed size of the last entry
    size = int.from_bytes(data[at : at + 4], "little")
    changed = tmp_path / "liar.zip"
    changed.write_bytes(data[:at] + (size // 2).to_bytes(4, "little") + data[at + 4 :])
    with pytest.raises(ArchiveError, match="damaged"):
        import_project(changed, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def with_database(packed: Path, target: Path, scratch: Path, script: str) -> Path:
    """Change the database in an archive by SQL."""
    database = scratch / "edited.db"
    with zipfile.ZipFile(packed) as archive:
        database.write_bytes(archive.read("project.db"))
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)
    return rebuilt(packed, target, changed={"project.db": database.read_bytes()})


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (
            "CREATE TRIGGER t AFTER INSERT ON shapes BEGIN DELETE FROM shapes; END",
            "runs something of its own",
        ),
        ("CREATE VIEW v AS SELECT * FROM shapes", "runs something of its own"),
        ("UPDATE images SET rel = '../../evil.png' WHERE id = 1", "leads out of its folder"),
        ("UPDATE images SET rel = '/etc/passwd' WHERE id = 1", "leads out of its folder"),
        ("PRAGMA application_id = 7", "another program"),
        ("PRAGMA user_version = 999", "Update Maskwright"),
    ],
)
def test_databases_made_to_do_harm_are_refused(
    packed: Path, tmp_path: Path, script: str, words: str
) -> None:
    bad = with_database(packed, tmp_path / "bad.zip", tmp_path, script)
    with pytest.raises(ArchiveError, match=words):
        import_project(bad, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_copy_never_writes_label_files_that_a_file_names(packed: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    facts = json.dumps({"yaml": str(victim), "digest": "", "classes": [], "names": []})
    script = (
        f"INSERT INTO meta VALUES ('mirror', '{facts}');"
        f"INSERT INTO mirror VALUES (1, '{victim}', '', 0, 0, -1, '')"
    )
    made = import_project(
        with_database(packed, tmp_path / "bad.zip", tmp_path, script), tmp_path / "new"
    )
    with open_project(made.path) as project:
        assert FolderMirror.of(project) is None
        assert project.store.db.rows("SELECT * FROM mirror") == []
    assert victim.read_text() == "mine"


def test_any_byte_changed_or_missing_gives_a_message_or_the_whole_project(
    packed: Path, tmp_path: Path
) -> None:
    """Never a crash, never a hang, never half a project."""
    import random

    data, chance = packed.read_bytes(), random.Random(0)
    bad = tmp_path / "bad.zip"
    for attempt in range(60):
        broken = bytearray(data)
        if attempt % 3 == 0:
            del broken[chance.randrange(len(data)) :]
        else:
            for _ in range(attempt % 3 * 4):
                broken[chance.randrange(len(data))] = chance.randrange(256)
        bad.write_bytes(broken)
        target = tmp_path / f"new{attempt}"
        with suppress(EngineError):
            import_project(bad, target)
        if target.exists():
            with open_project(target) as project:
                assert len(project.image_ids()) == 4
    assert not [path for path in tmp_path.iterdir() if "unpacking" in path.name]


@pytest.mark.parametrize("text", ["[]", "{}", '{"kind": "x"}', "[" * 50_000, "\xff"])
def test_files_that_are_no_project(packed: Path, tmp_path: Path, text: str) -> None:
    bad = rebuilt(packed, tmp_path / "bad.zip", changed={"maskwright.json": text.encode("latin-1")})
    with pytest.raises(ArchiveError, match="is no Maskwright project"):
        import_project(bad, tmp_path / "new")
