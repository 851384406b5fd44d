"""A clock that goes backwards, programs that hold the database, a disk that fills up in the middle of much work."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.data.annotations import Box
from studio.model.edits import AddShapes
from studio.model.errors import StorageError
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.dataset_import import import_dataset
from studio.storage.folder_mirror import open_in_place
from studio.storage.health import check_health
from studio.storage.image_index import store_of
from studio.storage.mirror_table import look_at
from studio.storage.project_files import open_project
from studio.storage.versions import create_version, list_versions


def draw(project: Project, image: int, right: float = 9.0) -> None:
    box = Box(1.0, 1.0, right, 9.0)
    project.apply(AddShapes((new_shape(image, project.classes()[0].id, box),)))


# -- the clock ----------------------------------------------------------------------------------


@pytest.fixture
def _backwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each look at the clock shows an hour less."""
    shown = [time.time()]

    def now() -> float:
        shown[0] -= 3600.0
        return shown[0]

    with monkeypatch.context() as patch:
        patch.setattr(time, "time", now)
        yield


@pytest.mark.usefixtures("_backwards")
def test_history_follows_the_order_of_the_steps_and_not_the_clock(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    for right in (4.0, 5.0, 6.0):
        draw(photo_project, image, right)
    photo_project.add_class("washer")
    photo_project.close()
    with open_project(photo_project.folder) as again:
        entries = again.history()
        assert entries[0].label == "Add class washer"
        assert [entry.label for entry in entries[1:4]] == ["Add box"] * 3
        assert [entry.time for entry in entries] == sorted(entry.time for entry in entries)
        for left in (3, 2, 1):
            again.undo()
            assert len(again.shapes(image)) == left
        again.redo()
        assert [shape.geometry.x2 for shape in again.shapes(image)] == [4.0, 5.0]
        assert check_health(again).problems == []


@pytest.mark.usefixtures("_backwards")
def test_versions_keep_their_numbers_whatever_the_clock_says(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    for right in (4.0, 5.0, 6.0):
        draw(photo_project, image, right)
        create_version(photo_project)
    versions = list_versions(photo_project.versions_dir)
    assert [version.number for version in versions] == [1, 2, 3]
    assert [sum(version.annotations.values()) for version in versions] == [1, 2, 3]


def test_a_label_file_with_an_older_time_is_a_changed_file(
    project: Project, parts_copy: Path
) -> None:
    mirror, _ = open_in_place(project, parts_copy)
    row = mirror._table.rows()[0]
    row.label.write_text("0 0.5 0.5 0.2 0.2\n")
    os.utime(row.label, (1000, 1000))
    assert mirror.check_outside() == 0
    assert [found.label for found in mirror.conflicts()] == [row.label]
    assert look_at(row.label).digest != row.state.digest
    mirror.stop()


@pytest.fixture
def parts_copy(parts_dataset: Path, tmp_path: Path) -> Path:
    import shutil

    folder = shutil.copytree(parts_dataset.parent, tmp_path / "parts")
    file = Path(folder) / parts_dataset.name
    file.write_text(file.read_text().replace(str(parts_dataset.parent), str(folder)))
    return file


# -- other programs -----------------------------------------------------------------------------


def test_a_program_that_holds_the_database_is_waited_for_and_named(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    draw(photo_project, image)
    with closing(sqlite3.connect(photo_project.folder / "project.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"another program is writing.*try again"):
            draw(photo_project, image)
        assert len(photo_project.shapes(image)) == 1  # reading goes on
    draw(photo_project, image)
    assert len(photo_project.shapes(image)) == 2


def test_a_project_in_the_hands_of_another_program_opens_to_read(photo_project: Project) -> None:
    folder, image = photo_project.folder, photo_project.image_ids()[0]
    draw(photo_project, image)
    photo_project.close()
    with closing(sqlite3.connect(folder / "project.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE meta SET value = value")
        with open_project(folder) as seen:
            if not seen.read_only:  # nothing had to be written to open it
                with pytest.raises(StorageError, match="another program is writing"):
                    draw(seen, image)
            assert len(seen.shapes(image)) == 1
        other.execute("ROLLBACK")
    with open_project(folder) as again:
        assert not again.read_only
        draw(again, image)


def test_a_database_locked_as_a_whole_is_not_called_full(photo_project: Project) -> None:
    folder = photo_project.folder
    photo_project.close()
    with closing(sqlite3.connect(folder / "project.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(
            StorageError, match=r"another program is writing.*Wait until it is done"
        ):
            open_project(folder)
        other.execute("ROLLBACK")
        other.execute("BEGIN")
        other.execute("SELECT COUNT(*) FROM meta").fetchone()
        with open_project(folder) as seen:  # a reader keeps it from becoming write-ahead
            assert seen.read_only
            assert seen.notice is not None
            assert "another program is writing to it" in seen.notice
            assert "Wait until it is done" in seen.notice


# -- a full disk in the middle of much work -------------------------------------------------------


def test_an_import_that_does_not_fit_changes_nothing(
    photo_project: Project, parts_dataset: Path
) -> None:
    draw(photo_project, photo_project.image_ids()[0])
    database = store_of(photo_project).db
    before = (photo_project.image_ids(), photo_project.classes(), photo_project.class_counts())
    database.value(f"PRAGMA max_page_count = {database.value('PRAGMA page_count') + 3}")
    with pytest.raises(StorageError, match="the disk is full"):
        import_dataset(photo_project, parts_dataset)
    after = (photo_project.image_ids(), photo_project.classes(), photo_project.class_counts())
    assert after == before
    assert check_health(photo_project).problems == []
    database.value("PRAGMA max_page_count = 1000000")
    assert import_dataset(photo_project, parts_dataset).images == 18
    assert check_health(photo_project).problems == []
