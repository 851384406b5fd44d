"""Creating, opening and finding projects, and what one is told where that does not work."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from pathlib import Path

import pytest

from engine.data.annotations import Box
from studio.model.errors import StorageError
from studio.model.records import ClassDef
from studio.storage import schema
from studio.storage.database import Database
from studio.storage.project_files import (
    create_project,
    is_project,
    open_or_create,
    open_project,
    project_folder_for,
    writable_project,
)


def test_a_new_project_is_empty_and_named_after_its_folder(tmp_path: Path) -> None:
    with create_project(tmp_path / "deep" / "gears") as project:
        assert is_project(project.folder)
        assert project.name == "gears"
        assert project.image_ids() == []
        assert project.classes() == []
        assert not project.can_undo
        assert project.undo() is None
        assert project.redo() is None


def test_a_project_inside_images_is_named_after_the_images(tmp_path: Path) -> None:
    with create_project(project_folder_for(tmp_path)) as project:
        assert project.folder == tmp_path / "maskwright"
        assert project.name == tmp_path.name


def test_creating_over_a_project_is_refused(project_folder: Path) -> None:
    with pytest.raises(StorageError, match="already a project"):
        create_project(project_folder)


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    create_project(tmp_path / "project").close()
    return tmp_path / "project"


def test_opening_by_folder_or_by_file(project_folder: Path) -> None:
    open_project(str(project_folder)).close()
    open_project(project_folder / "project.db").close()
    with open_or_create(project_folder) as project:
        assert project.folder == project_folder


def test_closing_leaves_one_file_of_data(project_folder: Path) -> None:
    assert {path.name for path in project_folder.iterdir()} == {"project.db", "project.lock"}


def test_a_folder_without_a_project(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"project\.db is missing.*create one") as caught:
        open_project(tmp_path)
    assert caught.value.path == tmp_path


BAD_FILES = {
    "text": (b"this is no database, but long enough to be looked at as one" * 20, "not a project"),
    "of a newer version": (None, "Update Maskwright"),
    "of another program": (None, "another program"),
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("kind", BAD_FILES)
def test_files_that_are_no_project(tmp_path: Path, kind: str, read_only: bool) -> None:
    content, words = BAD_FILES[kind]
    path = tmp_path / "project.db"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (x)")
        if "newer" in kind:
            connection.execute("PRAGMA user_version = 99")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(StorageError, match=words) as caught:
        open_project(tmp_path, read_only=read_only)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_a_damaged_database_is_named(project_folder: Path) -> None:
    path = project_folder / "project.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StorageError, match=r"damaged.*backup"), open_project(project_folder) as p:
        p.image_ids()


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="cannot be made"):
        create_project(tmp_path / "file" / "project")


def test_a_command_that_must_write_fails_where_it_cannot(project_folder: Path) -> None:
    with (
        open_project(project_folder),
        pytest.raises(StorageError, match="already open in another window"),
    ):
        writable_project(project_folder)
    writable_project(project_folder).close()


@pytest.mark.skipif(sys.platform == "win32", reason="/proc is POSIX")
def test_images_in_a_folder_that_cannot_be_written_get_a_project_at_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert project_folder_for("/proc/sys") == tmp_path / "Maskwright" / "proc-sys"


def test_a_dataset_file_belongs_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "data.yaml").write_text("names: [a]")
    assert project_folder_for(tmp_path / "data.yaml") == tmp_path / "maskwright"
    create_project(tmp_path).close()
    assert project_folder_for(tmp_path / "data.yaml") == tmp_path


def test_a_project_can_move_with_the_images_inside_it(
    project_folder: Path, tmp_path: Path, write_photos: object
) -> None:
    from studio.storage.image_index import add_folder

    write_photos(project_folder / "images", 2)
    with open_project(project_folder) as project:
        list(add_folder(project, project_folder / "images"))
    moved = tmp_path / "elsewhere"
    shutil.move(project_folder, moved)
    with open_project(moved) as project:
        paths = [record.path for record in project.images(project.image_ids())]
        assert paths == [moved / "images" / f"img{i}.png" for i in range(2)]


def test_an_older_database_is_backed_up_and_brought_forward(
    project_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len(schema.MIGRATIONS)
    with open_project(project_folder) as project:
        project.add_class("bolt")
    steps = (*schema.MIGRATIONS, "ALTER TABLE classes ADD COLUMN note TEXT NOT NULL DEFAULT ''")
    monkeypatch.setattr("studio.storage.database.MIGRATIONS", steps)
    monkeypatch.setattr(schema.migrate, "__defaults__", (steps,))
    with pytest.raises(StorageError, match="older version"):
        open_project(project_folder, read_only=True)
    with open_project(project_folder) as project:
        assert project.store.db.rows("SELECT name, note FROM classes") == [("bolt", "")]
    assert (project_folder / f"project.format{known}.db").is_file()
    monkeypatch.undo()
    with pytest.raises(StorageError, match=f"format {known + 1}, this program knows up to {known}"):
        open_project(project_folder)


def test_a_project_of_the_first_format_keeps_its_classes_shapes_and_history(
    tmp_path: Path,
) -> None:
    path = tmp_path / "project.db"
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, schema.MIGRATIONS[:1])
    connection.executescript(_FIRST_FORMAT)
    connection.close()
    with open_project(tmp_path) as project:
        assert project.classes() == [ClassDef(0, "bolt", "#e69f00", False)]
        shape = project.shapes(1)[0]
        assert (shape.geometry, shape.locked, shape.hidden) == (Box(1, 2, 3, 4), False, False)
        project.undo()
        assert project.shapes(1) == []
        project.redo()
        assert project.shapes(1) == [shape]


_FIRST_FORMAT = """
INSERT INTO classes VALUES (0, 0, 'bolt', '#e69f00', 0);
INSERT INTO sources VALUES (1, '/photos');
INSERT INTO images (id, source_id, rel, sort_key, search) VALUES (1, 1, 'a.png', 'a.png', 'a.png');
INSERT INTO shapes VALUES (1, 1, 0, 'box', '{"kind":"box","xyxy":[1.0,2.0,3.0,4.0]}', 'drawn', NULL, '{}', 1);
INSERT INTO journal VALUES (1, 0, 'do', NULL, 'Add box', '[1]', '{"kind":"AddShapes","label":"","shapes":'
  || '[{"id":1,"image_id":1,"class_id":0,"geometry":{"kind":"box","xyxy":[1.0,2.0,3.0,4.0]},'
  || '"source":"drawn","score":null,"attributes":{},"z":1}]}');
INSERT INTO history VALUES (0, 1);
INSERT INTO meta VALUES ('history', '1');
"""


def test_a_migration_that_fails_changes_nothing(project_folder: Path) -> None:
    connection = sqlite3.connect(project_folder / "project.db", isolation_level=None)
    steps = (*schema.MIGRATIONS, "CREATE TABLE extra (x); CREATE TABLE classes (x)")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        schema.migrate(connection, steps)
    assert schema.version_of(connection) == len(schema.MIGRATIONS)
    tables = connection.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall()
    assert tables == []
    connection.close()


def test_a_commit_waits_for_the_disk(project_folder: Path) -> None:
    database = Database(project_folder / "project.db")
    assert database.value("PRAGMA journal_mode") == "wal"
    assert (
        database.value("PRAGMA synchronous") == 2
    )  # FULL: the log is on disk before COMMIT returns
    database.close()
