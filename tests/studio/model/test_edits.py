"""Every edit: what it does, that its inverse takes it back, that the journal's JSON brings it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.data.annotations import Box, Mask, Polygon
from studio.model.calibration import KEY as CALIBRATION
from studio.model.calibration import Calibration
from studio.model.edits import (
    AddClass,
    AddComment,
    AddShapes,
    Batch,
    ChangeClass,
    Edit,
    MergeClass,
    OrderClasses,
    PlaceImages,
    RemoveClass,
    RemoveComment,
    RemoveImages,
    RemoveShapes,
    RemoveSuggestions,
    ReplaceShapes,
    SetBackground,
    SetCalibration,
    SetFields,
    SetSplit,
    SetStage,
    SetTags,
    SplitClass,
    TakeImport,
    UnlockSplits,
    accept,
    assign_class,
    edit_from_dict,
    new_class,
)
from studio.model.errors import EditError
from studio.model.project import Project
from studio.model.records import ClassDef, new_shape
from studio.model.review import Comment

TRIANGLE = Polygon(((1.0, 2.0), (30.5, 2.0), (30.5, 20.25)))


def state(project: Project) -> dict[str, Any]:
    """Return everything an edit can change."""
    ids = project.image_ids()
    return {
        "classes": project.classes(),
        "images": project.images(ids),
        "shapes": {i: project.shapes(i) for i in ids},
        "suggestions": {i: project.suggestions(i) for i in ids},
        "comments": {i: project.comments(i) for i in ids},
        "locked": project.store.locked_splits(ids),
        "scale": project.store.get(CALIBRATION),
        "task": project.task,
    }


@pytest.fixture
def filled(photo_project: Project) -> Project:
    """Two shapes and two suggestions on the first image, one shape on the second."""
    project = photo_project
    bolt, nut = project.classes()
    one, two = project.image_ids()[:2]
    project.apply(AddShapes((new_shape(one, bolt.id, TRIANGLE), new_shape(two, nut.id, TRIANGLE))))
    project.apply(AddShapes((new_shape(one, nut.id, Box(1, 2, 3, 4)),)))
    ghosts = [new_shape(one, nut.id, TRIANGLE, "model", score) for score in (0.5, 0.75)]
    project.set_suggestions(one, ghosts)
    last = project.image_ids()[3]
    project.apply(SetTags({last: ("day",)}))
    project.apply(AddComment(Comment(0, last, "look again", author="Ann")))
    with project.store.transaction():
        project.store.lock_splits({last: 3})
    return project


EDITS: dict[str, Callable[[Project], Edit]] = {
    "add": lambda p: AddShapes((new_shape(p.image_ids()[0], 0, Mask((1, 2, 3), 2, 3)),)),
    "remove": lambda p: RemoveShapes(tuple(p.shapes(p.image_ids()[0]))),
    "replace": lambda p: ReplaceShapes(
        (replace(p.shapes(p.image_ids()[0])[0], geometry=TRIANGLE.translated(1, 1)),)
    ),
    "assign class": lambda p: assign_class(p.shapes(p.image_ids()[0]), 1),
    "add class": lambda p: AddClass(new_class("washer", existing=p.classes()), 1),
    "remove class": lambda p: RemoveClass(p.classes()[1]),
    "rename class": lambda p: ChangeClass(replace(p.classes()[0], name="screw")),
    "hide class": lambda p: ChangeClass(replace(p.classes()[0], visible=False)),
    "order classes": lambda p: OrderClasses((1, 0)),
    "background": lambda p: SetBackground({p.image_ids()[2]: True}),
    "split": lambda p: SetSplit({p.image_ids()[0]: "val", p.image_ids()[1]: "train"}),
    "stage": lambda p: SetStage({p.image_ids()[0]: "reviewed", p.image_ids()[2]: "skipped"}),
    "tags": lambda p: SetTags({p.image_ids()[0]: ("night", "rain"), p.image_ids()[3]: ()}),
    "comment": lambda p: AddComment(Comment(0, p.image_ids()[1], "too dark")),
    "remove comment": lambda p: RemoveComment(p.comments(p.image_ids()[3])[0]),
    "unlock": lambda p: UnlockSplits(tuple(p.image_ids()[:4])),
    "place": lambda p: PlaceImages({p.image_ids()[0]: p.folder / "elsewhere" / "new.png"}),
    "fields": lambda p: SetFields({p.shapes(p.image_ids()[0])[0].id: {"locked": True, "z": 7}}),
    "merge classes": lambda p: MergeClass(p.classes()[1], p.classes()[0].id),
    "split class": lambda p: SplitClass(
        new_class("part", "#56b4e9"),
        p.shapes(p.image_ids()[0])[0].class_id,
        shapes=((p.shapes(p.image_ids()[0])[0].id, p.image_ids()[0]),),
    ),
    "import": lambda p: TakeImport(
        1, ((ClassDef(9, "imported", "#abcdef"), 2),), splits={p.image_ids()[0]: "test"}, count=3
    ),
    "calibrate": lambda p: SetCalibration(Calibration(20.0, "mm")),
    "remove images": lambda p: RemoveImages(tuple(p.image_ids()[:2])),
    "accept": lambda p: accept(p.suggestions(p.image_ids()[0])),
    "reject": lambda p: RemoveSuggestions(tuple(p.suggestions(p.image_ids()[0])[:1])),
    "batch": lambda p: Batch(
        (RemoveShapes(tuple(p.shapes(p.image_ids()[1]))), SetSplit({p.image_ids()[1]: "test"}))
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_undo_and_redo_restore_the_exact_state(filled: Project, name: str) -> None:
    before = state(filled)
    filled.apply(EDITS[name](filled))
    after = state(filled)
    assert after != before
    assert filled.undo() is not None
    assert state(filled) == before
    assert filled.redo() is not None
    assert state(filled) == after


@pytest.mark.parametrize("name", EDITS)
def test_whoever_follows_the_numbers_of_shapes_knows_them_all(filled: Project, name: str) -> None:
    known = {shape.id: shape for image in filled.image_ids() for shape in filled.shapes(image)}
    rows = {shape_id: row for image in filled.image_ids() for shape_id, row in _rows(filled, image)}

    def follow(image: int, ids: frozenset[int] | None) -> None:
        asked = [i for i, s in known.items() if s.image_id == image] if ids is None else list(ids)
        for shape_id in asked:
            known.pop(shape_id, None)
            rows.pop(shape_id, None)
        found = filled.shapes_by_id(asked) if ids is not None else filled.shapes(image)
        known.update({shape.id: shape for shape in found})
        rows.update({row.id: row for row in filled.shape_rows_by_id([s.id for s in found])})

    filled.shapes_edited.connect(follow)
    for step in (lambda: filled.apply(EDITS[name](filled)), filled.undo, filled.redo):
        step()
        listed = filled.image_ids()
        there = {shape.id: shape for image in listed for shape in filled.shapes(image)}
        there_rows = {shape_id: row for image in listed for shape_id, row in _rows(filled, image)}
        assert {i: s for i, s in known.items() if s.image_id in listed} == there
        assert {i: row for i, row in rows.items() if row.image_id in listed} == there_rows


def _rows(project: Project, image: int) -> list[tuple[int, Any]]:
    return [(row.id, row) for row in project.shape_rows(image)]


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_survives_json(filled: Project, name: str) -> None:
    bound = filled.apply(EDITS[name](filled))
    again = edit_from_dict(json.loads(json.dumps(bound.to_dict())))
    assert again == bound
    assert again.inverse().inverse() == bound
    assert again.title()


def test_every_kind_of_edit_is_in_the_table_above(filled: Project) -> None:
    made = set()
    for build in EDITS.values():
        edit = build(filled)
        made |= {type(edit).__name__}
        made |= {type(inner).__name__ for inner in getattr(edit, "edits", ())}
    assert made == set(Edit.KINDS)


def test_titles_are_in_the_users_words(filled: Project) -> None:
    titles = {name: filled.apply(build(filled)).title() for name, build in list(EDITS.items())[:1]}
    assert titles == {"add": "Add mask"}
    image = filled.image_ids()[1]
    shape = filled.shapes(image)[0]
    assert filled.apply(assign_class([shape], 0)).title() == "Change class of polygon"
    assert filled.apply(ReplaceShapes((replace(shape, geometry=Box(0, 0, 1, 1)),))).title() == (
        "Reshape box"
    )
    assert filled.apply(RemoveShapes((shape,), "Cut")).title() == "Cut"


def test_shapes_get_new_numbers_and_lie_in_front(filled: Project) -> None:
    image = filled.image_ids()[0]
    copy = filled.shapes(image)[0]
    filled.apply(AddShapes((copy,)))
    shapes = filled.shapes(image)
    assert len({shape.id for shape in shapes}) == 3
    assert [shape.z for shape in shapes] == [1, 2, 3]
    assert shapes[-1].geometry == copy.geometry


def test_numbers_are_never_used_again(filled: Project) -> None:
    image = filled.image_ids()[0]
    last = max(shape.id for shape in filled.shapes(image))
    filled.apply(RemoveShapes(tuple(filled.shapes(image))))
    filled.apply(RemoveClass(filled.classes()[1]))
    added = filled.apply(AddShapes((new_shape(image, 0, TRIANGLE),)))
    assert isinstance(added, AddShapes)
    assert added.shapes[0].id > last
    assert filled.add_class("washer").id == 2


REFUSED: dict[str, tuple[Callable[[Project], Edit], str]] = {
    "nothing": (lambda p: AddShapes(()), "at least one"),
    "unknown class": (lambda p: AddShapes((new_shape(p.image_ids()[0], 9, TRIANGLE),)), "class 9"),
    "unknown image": (lambda p: AddShapes((new_shape(999, 0, TRIANGLE),)), "image 999"),
    "unknown shape": (lambda p: RemoveShapes((new_shape(1, 0, TRIANGLE),)), "no longer there"),
    "other image": (
        lambda p: ReplaceShapes((replace(p.shapes(p.image_ids()[0])[0], image_id=2),)),
        "another image",
    ),
    "not a number": (
        lambda p: AddShapes((new_shape(p.image_ids()[0], 0, Box(0, 0, float("nan"), 1)),)),
        "cannot be kept",
    ),
    "same name": (lambda p: AddClass(new_class(" bolt ")), "already a class called bolt"),
    "rename to same": (lambda p: ChangeClass(replace(p.classes()[1], name="bolt")), "already"),
    "unknown class change": (lambda p: RemoveClass(replace(p.classes()[1], id=7)), "class 7"),
    "order without one": (lambda p: OrderClasses((1,)), "every class"),
    "background with shapes": (lambda p: SetBackground({p.image_ids()[0]: True}), "2 shape"),
    "background of unknown": (lambda p: SetBackground({77: True}), "image 77"),
    "split name": (lambda p: SetSplit({p.image_ids()[0]: "holdout"}), "holdout"),
    "split of unknown": (lambda p: SetSplit({77: "val"}), "image 77"),
    "removal of unknown": (lambda p: RemoveImages((77,)), "image 77"),
    "suggestion gone": (
        lambda p: accept([replace(p.suggestions(p.image_ids()[0])[0], id=999)]),
        "no longer there",
    ),
    "empty batch": (lambda p: Batch(()), "at least one"),
    "second of a batch": (
        lambda p: Batch((SetSplit({p.image_ids()[0]: "val"}), RemoveImages((77,)))),
        "image 77",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_edit_that_does_not_fit_changes_nothing(filled: Project, name: str) -> None:
    build, reason = REFUSED[name]
    before, steps = state(filled), filled.history()
    with pytest.raises(EditError, match=reason):
        filled.apply(build(filled))
    assert state(filled) == before
    assert filled.history() == steps


@pytest.mark.parametrize("name", ["", "  "])
def test_a_class_needs_a_name(name: str) -> None:
    with pytest.raises(EditError, match="name"):
        new_class(name)


def test_a_class_needs_a_color_that_exists() -> None:
    with pytest.raises(EditError, match="mauve"):
        new_class("bolt", "mauve")
