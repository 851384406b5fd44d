"""The project over the real store: history, filters, statuses, signals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.data.annotations import Box, Polygon
from engine.data.annotations.attribute_names import own_attributes
from engine.data.images import write_image
from studio.model.attribute_def import AttributeDef
from studio.model.edits import (
    AddShapes,
    ChangeClass,
    RemoveImages,
    RemoveShapes,
    SetBackground,
    SetSplit,
)
from studio.model.errors import EditError, ReadOnlyError
from studio.model.project import Project
from studio.model.records import ImageFilter, new_shape
from studio.model.signal import Signal
from studio.storage.project_files import open_project

TRIANGLE = Polygon(((1.0, 2.0), (30.5, 2.0), (30.5, 20.25)))


def add(project: Project, image_id: int, class_id: int = 0, geometry: object = TRIANGLE) -> int:
    edit = project.apply(AddShapes((new_shape(image_id, class_id, geometry),)))
    return edit.shapes[0].id


def test_status_follows_the_shapes(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    statuses = []
    for edit in (SetBackground({image: True}), AddShapes((new_shape(image, 0, TRIANGLE),))):
        photo_project.apply(edit)
        statuses.append(photo_project.image(image).status)
    assert statuses == ["background", "labelled"]
    photo_project.undo()
    assert photo_project.image(image).status == "background"
    photo_project.undo()
    assert photo_project.image(image).status == "unlabelled"


def test_filters(photo_project: Project) -> None:
    project = photo_project
    a, b, c, d = project.image_ids()
    add(project, a, 0)
    add(project, a, 1)
    add(project, b, 1)
    project.apply(SetBackground({c: True}))
    project.apply(SetSplit({a: "val"}))
    project.set_suggestions(d, [new_shape(d, 0, TRIANGLE)])
    cases = {
        ImageFilter(): [a, b, c, d],
        ImageFilter(statuses=frozenset({"labelled"})): [a, b],
        ImageFilter(statuses=frozenset({"unlabelled", "background"})): [c, d],
        ImageFilter(class_id=0): [a],
        ImageFilter(class_id=1): [a, b],
        ImageFilter(text="IMG2"): [c],
        ImageFilter(text="%"): [],
        ImageFilter(split="val"): [a],
        ImageFilter(split=""): [b, c, d],
        ImageFilter(suggested=True): [d],
        ImageFilter(class_id=1, text="img1"): [b],
    }
    for wanted, expected in cases.items():
        assert project.image_ids(wanted) == expected, wanted
        assert project.count_images(wanted) == len(expected), wanted
    assert project.status_counts() == {
        "unlabelled": 1,
        "labelled": 2,
        "background": 1,
        "damaged": 0,
    }
    assert project.class_counts() == {0: 1, 1: 2}


def test_removed_images_are_nowhere_until_undone(photo_project: Project) -> None:
    project = photo_project
    first = project.image_ids()[0]
    path = project.image(first).path
    add(project, first)
    project.apply(RemoveImages((first,)))
    assert first not in project.image_ids()
    assert project.images([first]) == []
    assert project.class_counts() == {}
    assert project.find_image(path) is None
    assert path.is_file()
    with pytest.raises(EditError, match="no image"):
        project.image(first)
    with pytest.raises(EditError, match="no image"):
        add(project, first)
    project.undo()
    assert project.find_image(path) == first
    assert len(project.shapes(first)) == 1


def test_history_reaches_back_across_restarts(photo_project: Project) -> None:
    project = photo_project
    image = project.image_ids()[0]
    shapes = [add(project, image) for _ in range(5)]
    project.undo()
    project.undo()
    folder = project.folder
    project.close()
    with open_project(folder) as again:
        assert [shape.id for shape in again.shapes(image)] == shapes[:3]
        assert [entry.done for entry in again.history(5)] == [False, False, True, True, True]
        assert again.redo() is not None
        assert [shape.id for shape in again.shapes(image)] == shapes[:4]
        again.undo()
        again.undo()
    with open_project(folder) as again:
        assert [shape.id for shape in again.shapes(image)] == shapes[:2]
        add(again, image)
        assert not again.can_redo
        while again.undo():
            pass
        assert not again.can_undo
        assert again.classes() == []


def test_the_journal_only_grows(photo_project: Project) -> None:
    project = photo_project
    image = project.image_ids()[0]
    add(project, image)
    project.undo()
    add(project, image, 1)
    rows = project.store.db.rows("SELECT action, entry FROM journal ORDER BY id")
    assert [row[0] for row in rows] == ["do", "do", "do", "undo", "do"]
    assert rows[3][1] == 3


def test_undo_of_what_someone_else_removed_is_refused_in_words(photo_project: Project) -> None:
    project = photo_project
    image = project.image_ids()[0]
    shape = add(project, image)
    with project.store.transaction():
        project.store.delete_shapes([shape])
    with pytest.raises(EditError, match="no longer there"):
        project.undo()
    assert project.can_undo


def test_an_accepted_suggestion_gets_what_a_new_shape_gets(photo_project: Project) -> None:
    project = photo_project
    image, first = project.image_ids()[0], project.classes()[0]
    asked = AttributeDef("maker", default="me"), AttributeDef("seen", "flag", default=True)
    project.apply(ChangeClass(replace(first, attributes=asked)))
    kinds = [(first.id, {}), (first.id, {"maker": "you"}), (1, {"own": 2})]
    ghosts = project.set_suggestions(
        image,
        [
            new_shape(image, class_id, Box(1, 1, 9, 9), "model", 0.5, dict(own))
            for class_id, own in kinds
        ],
    )
    project.accept_suggestions(image)
    expected = [{"maker": "me", "seen": True}, {"maker": "you", "seen": True}, {"own": 2}]
    for _ in range(2):
        assert [own_attributes(s.attributes) for s in project.shapes(image)] == expected
        project.undo()
        assert project.suggestions(image) == ghosts
        project.redo()


def test_suggestions(photo_project: Project) -> None:
    project = photo_project
    image = project.image_ids()[0]
    ghosts = project.set_suggestions(
        image, [new_shape(image, 1, Box(i, i, i + 5, i + 5), "model", 0.5) for i in range(3)]
    )
    assert project.image(image).suggestion_count == 3
    assert project.image(image).status == "unlabelled"
    project.accept_suggestions(image, [ghosts[1].id])
    assert [s.geometry for s in project.shapes(image)] == [ghosts[1].geometry]
    assert project.shapes(image)[0].source == "model"
    assert project.shapes(image)[0].score == 0.5
    project.reject_suggestions(image, [ghosts[0].id])
    assert project.suggestions(image) == [ghosts[2]]
    project.accept_suggestions(image)
    assert project.suggestions(image) == []
    assert project.accept_suggestions(image) is None
    for _ in range(3):
        project.undo()
    assert project.suggestions(image) == ghosts
    assert project.shapes(image) == []


def test_signals_name_what_changed(photo_project: Project) -> None:
    project = photo_project
    heard: list[tuple[str, object]] = []
    for name, value in vars(project).items():
        if isinstance(value, Signal):
            value.connect(lambda *args, name=name: heard.append((name, args)))
    image = project.image_ids()[0]
    shape = add(project, image)
    assert heard == [
        ("shapes_edited", (image, frozenset({shape}))),
        ("shapes_changed", (image,)),
        ("history_changed", ()),
    ]
    heard.clear()
    project.apply(SetSplit({image: "val"}))
    assert heard == [("image_changed", (image,)), ("history_changed", ())]
    heard.clear()
    project.undo()
    project.undo()
    assert ("shapes_changed", (image,)) in heard
    heard.clear()
    with pytest.raises(EditError):
        project.apply(RemoveShapes((new_shape(image, 0, TRIANGLE),)))
    assert heard == []


def test_size_is_read_once_and_kept(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    assert photo_project.store.image(image).width == 0
    record = photo_project.image(image)
    assert (record.width, record.height) == (64, 48)
    record.path.unlink()
    assert photo_project.image(image).width == 64


def test_damaged_and_missing_files_are_told_apart(photo_project: Project) -> None:
    broken, missing = photo_project.image_ids()[:2]
    path = photo_project.store.image(broken).path
    path.write_bytes(b"")
    photo_project.store.image(missing).path.unlink()
    assert photo_project.image(broken).status == "damaged"
    assert str(path) in photo_project.image(broken).note
    assert "missing" in photo_project.image(missing).note
    assert photo_project.status_counts()["damaged"] == 1  # the missing file may come back
    photo_project.report_damage(broken, "")
    assert photo_project.store.image(broken).status == "unlabelled"


def test_task_follows_the_shapes_until_it_is_chosen(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    assert photo_project.task == "detect"
    add(photo_project, image, geometry=Box(0, 0, 5, 5))
    assert photo_project.task == "detect"
    add(photo_project, image)
    assert photo_project.task == "segment"
    photo_project.choose_task("detect")
    assert photo_project.task == "detect"
    photo_project.choose_task(None)
    assert photo_project.task == "segment"
    with pytest.raises(EditError, match="depth"):
        photo_project.choose_task("depth")


def test_remembers_plain_values(photo_project: Project) -> None:
    photo_project.remember("image", 3)
    folder = photo_project.folder
    photo_project.close()
    with open_project(folder) as again:
        assert again.recall("image") == 3
        assert again.recall("zoom", 1.0) == 1.0
        assert again.name == "Parts"


def test_a_project_opened_to_read_refuses_every_change(photo_project: Project) -> None:
    image = photo_project.image_ids()[0]
    add(photo_project, image)
    with open_project(photo_project.folder, read_only=True) as reader:
        assert len(reader.shapes(image)) == 1
        assert not reader.can_undo
        for change in (
            lambda: add(reader, image),
            reader.undo,
            lambda: reader.set_suggestions(image, []),
            lambda: reader.choose_task("detect"),
        ):
            with pytest.raises(ReadOnlyError):
                change()
        reader.remember("image", 3)
        assert reader.image(image).width == 64


def test_refresh_tells_of_another_writer(photo_project: Project) -> None:
    heard: list[str] = []
    with open_project(photo_project.folder, read_only=True) as reader:
        reader.images_changed.connect(lambda: heard.append("images"))
        assert not reader.refresh()
        photo_project.add_class("washer")
        assert reader.refresh()
        assert heard == ["images"]
        assert len(reader.classes()) == 3
        assert not reader.refresh()


def test_images_come_in_natural_order(project: Project, tmp_path: Path) -> None:
    import numpy as np

    from studio.storage.image_index import add_folder

    names = ["b10.png", "b9.png", "B1.png", "a/z.png", "b09.png"]
    for name in names:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        write_image(tmp_path / "in" / name, np.zeros((4, 4, 3), np.uint8))
    list(add_folder(project, tmp_path / "in"))
    found = [record.path.name for record in project.images(project.image_ids())]
    assert found[0] == "z.png"
    assert found[1] == "B1.png"
    assert set(found[2:4]) == {"b9.png", "b09.png"}
    assert found[4] == "b10.png"
