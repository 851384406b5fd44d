from __future__ import annotations

import sqlite3

import pytest

from engine.data.annotations import Box
from studio.model.edits import AddShapes
from studio.model.project import Project
from studio.model.records import new_shape
from studio.storage.health import check_health
from studio.storage.project_files import open_project


@pytest.fixture
def labelled(photo_project: Project) -> Project:
    image = photo_project.image_ids()[0]
    photo_project.apply(AddShapes((new_shape(image, 0, Box(0, 0, 1, 1)),)))
    return photo_project


def test_a_sound_project(labelled: Project) -> None:
    health = check_health(labelled)
    assert (health.problems, health.missing_files, health.damaged) == ([], [], [])


def test_missing_and_damaged_files_are_named(labelled: Project) -> None:
    missing, damaged = labelled.images(labelled.image_ids()[:2])
    missing.path.unlink()
    damaged.path.write_bytes(b"")
    labelled.image(damaged.id)
    health = check_health(labelled)
    assert health.problems == []
    assert health.missing_files == [str(missing.path)]
    assert [str(damaged.path) in note for note in health.damaged] == [True]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE images SET shape_count = 7 WHERE id = 1", "image 1 does not count its shapes"),
        ("UPDATE images SET suggestion_count = 1 WHERE id = 2", "image 2 does not count its sugg"),
        ("UPDATE images SET status = 'labelled' WHERE id = 3", "image 3 has a status"),
        ("UPDATE images SET comment_count = 3 WHERE id = 2", "image 2 does not count its comments"),
        ("UPDATE image_classes SET count = 2", "image 1 lists other classes than its shapes have"),
        ("DELETE FROM image_classes", "image 1 lists other classes than its shapes have"),
        ("INSERT INTO image_classes VALUES (1, 4, 1)", "image 4 lists other classes than its"),
        ("UPDATE shapes SET class_id = 99", "points to a missing row of classes"),
        (
            "UPDATE counters SET next = 1 WHERE kind = 'shape'",
            "shape number 1 could be given twice",
        ),
        ("UPDATE journal SET edit = NULL", "history step 0 has no journal row"),
    ],
)
def test_tables_that_disagree_are_found(labelled: Project, sql: str, words: str) -> None:
    labelled.close()
    connection = sqlite3.connect(labelled.folder / "project.db")
    connection.execute(sql)
    connection.commit()
    connection.close()
    with open_project(labelled.folder, read_only=True) as again:
        assert any(words in problem for problem in check_health(again).problems)
