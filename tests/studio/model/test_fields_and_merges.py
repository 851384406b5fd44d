"""Edits that leave outlines alone, and those that move shapes between classes: done, undone, done again from the journal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.annotations import Box
from studio.model.attribute_def import AttributeDef
from studio.model.edits import (
    AddShapes,
    ChangeClass,
    Edit,
    MergeClass,
    RemoveClass,
    RemoveShapes,
    ReplaceShapes,
    SetFields,
    SplitClass,
    assign_class,
    edit_from_dict,
    new_class,
    set_attributes,
    set_marks,
    split_by_attribute,
    split_off,
)
from studio.model.errors import EditError
from studio.model.label_check import LabelDoubt
from studio.model.project import Project
from studio.model.records import Shape, new_shape
from studio.storage.project_files import open_project


def everything(project: Project) -> dict[str, Any]:
    ids = project.image_ids()
    return {
        "classes": project.classes(),
        "shapes": {i: project.shapes(i) for i in ids},
        "suggestions": {i: project.suggestions(i) for i in ids},
        "counts": project.class_counts(),
    }


def all_shapes(project: Project) -> list[Shape]:
    return [shape for i in project.image_ids() for shape in project.shapes(i)]


@pytest.fixture
def filled(photo_project: Project) -> Project:
    """Two images with three bolts and two nuts, one bolt red, one blue, one without a colour; a suggested nut."""
    one, two = photo_project.image_ids()[:2]
    bolt, nut = photo_project.classes()
    boxes = [Box(float(i), 1.0, i + 10.0, 20.0) for i in range(5)]
    colors: list[dict[str, Any]] = [{"colour": "red"}, {"colour": "blue", "crowd": True}, {}]
    bolts = [
        new_shape(one, bolt.id, b, attributes=a) for b, a in zip(boxes[:3], colors, strict=True)
    ]
    nuts = [new_shape(two, nut.id, b) for b in boxes[3:]]
    photo_project.apply(AddShapes((*bolts, *nuts)))
    photo_project.set_suggestions(two, [new_shape(two, nut.id, boxes[0], "model", 0.5)])
    return photo_project


def there_and_back(project: Project, edit: Edit) -> dict[str, Any]:
    """Apply an edit, take it back and do it again after a restart; return what it leaves."""
    before = everything(project)
    bound = project.apply(edit)
    after = everything(project)
    assert json.loads(json.dumps(bound.to_dict())) == bound.to_dict()
    project.undo()
    assert everything(project) == before
    project.redo()
    assert everything(project) == after
    return after


def test_fields_change_and_the_outline_stays(filled: Project) -> None:
    first, second = all_shapes(filled)[:2]
    nut = filled.classes()[1]
    edit = SetFields(
        {first.id: {"locked": True, "z": 9}, second.id: {"class_id": nut.id, "hidden": True}}
    )
    after = there_and_back(filled, edit)
    shapes = {shape.id: shape for of_image in after["shapes"].values() for shape in of_image}
    assert shapes[first.id] == replace(first, locked=True, z=9)
    assert shapes[second.id] == replace(second, class_id=nut.id, hidden=True)


def test_the_journal_does_not_repeat_outlines(filled: Project) -> None:
    edit = set_marks(all_shapes(filled), "hidden", True)
    assert edit is not None
    assert "geometry" not in json.dumps(filled.apply(edit).to_dict())


def test_marks_that_are_set_already_make_no_edit(filled: Project) -> None:
    assert set_marks(all_shapes(filled), "locked", False) is None
    edit = set_marks(all_shapes(filled)[:1], "locked", True)
    assert edit is not None
    filled.apply(edit)
    shapes = all_shapes(filled)
    assert set_marks(shapes[:1], "locked", True) is None
    both = set_marks(shapes[:2], "locked", True)
    assert both is not None
    assert list(both.after) == [shapes[1].id]
    assert both.title() == "Lock shape"


def test_attributes_are_added_changed_and_taken_away(filled: Project) -> None:
    bolts = all_shapes(filled)[:3]
    edit = set_attributes(bolts, {"colour": "blue", "crowd": None})
    assert edit is not None
    there_and_back(filled, edit)
    assert [shape.attributes for shape in all_shapes(filled)[:3]] == [{"colour": "blue"}] * 3
    assert set_attributes(all_shapes(filled)[:3], {"colour": "blue"}) is None


@pytest.mark.parametrize(
    "after",
    [{}, {999: {"z": 1}}, {1: {"geometry": None}}, {1: {"class_id": 77}}],
    ids=["nothing", "no such shape", "no such field", "no such class"],
)
def test_fields_that_do_not_fit_are_refused(filled: Project, after: dict[int, Any]) -> None:
    before = everything(filled)
    with pytest.raises(EditError):
        filled.apply(SetFields(after))
    assert everything(filled) == before


def test_merging_gives_shapes_and_suggestions_to_the_other_class(filled: Project) -> None:
    bolt, nut = filled.classes()
    after = there_and_back(filled, MergeClass(nut, bolt.id))
    assert after["classes"] == [bolt]
    assert after["counts"] == {bolt.id: 5}
    assert [s.class_id for s in filled.suggestions(filled.image_ids()[1])] == [bolt.id]
    assert filled.history()[0].label == "Merge class nut into bolt (2 shapes)"


def test_a_class_does_not_merge_with_itself_or_one_that_is_gone(filled: Project) -> None:
    bolt, nut = filled.classes()
    with pytest.raises(EditError, match="itself"):
        filled.apply(MergeClass(bolt, bolt.id))
    filled.apply(RemoveClass(nut))
    with pytest.raises(EditError, match="no class"):
        filled.apply(MergeClass(bolt, nut.id))


def test_splitting_keeps_what_the_class_asks_for(filled: Project) -> None:
    bolt = replace(filled.classes()[0], shortcut="q", attributes=(AttributeDef("colour", "text"),))
    filled.apply(ChangeClass(bolt))
    chosen = all_shapes(filled)[:1]
    after = there_and_back(filled, split_off(bolt, "red bolt", chosen, filled.classes()))
    assert [cls.name for cls in after["classes"]] == ["bolt", "red bolt", "nut"]
    new = after["classes"][1]
    assert (new.attributes, new.shortcut) == (bolt.attributes, "")
    assert new.color not in (bolt.color, after["classes"][2].color)
    assert after["counts"] == {bolt.id: 2, new.id: 1, after["classes"][2].id: 2}


def test_splitting_by_an_attribute_makes_a_class_of_each_value(filled: Project) -> None:
    bolt = filled.classes()[0]
    shapes = filled.store.shapes_of_class(bolt.id)
    edit = split_by_attribute(bolt, "colour", shapes, filled.classes())
    after = there_and_back(filled, edit)
    assert [cls.name for cls in after["classes"]] == ["bolt", "bolt blue", "bolt red", "nut"]
    counts = {cls.name: after["counts"].get(cls.id, 0) for cls in after["classes"]}
    assert counts == {"bolt": 1, "bolt blue": 1, "bolt red": 1, "nut": 2}


def test_splitting_refuses_what_makes_no_sense(filled: Project) -> None:
    bolt, nut = filled.classes()
    shapes = all_shapes(filled)
    with pytest.raises(EditError, match="not all of class"):
        filled.apply(split_off(bolt, "big", shapes, filled.classes()))
    with pytest.raises(EditError, match="already a class"):
        filled.apply(split_off(bolt, "nut", shapes[:1], filled.classes()))
    with pytest.raises(EditError, match="No shape"):
        split_by_attribute(nut, "colour", shapes[3:], filled.classes())


def test_a_split_is_not_undone_over_shapes_that_came_from_elsewhere(filled: Project) -> None:
    bolt = filled.classes()[0]
    edit = filled.apply(split_off(bolt, "red", all_shapes(filled)[:1], filled.classes()))
    assert isinstance(edit, SplitClass)
    with filled.store.transaction():  # an import, which is no step of the history
        ids = filled.store.take_ids("shape", 1)
        late = new_shape(filled.image_ids()[0], edit.cls.id, Box(1, 1, 9, 9))
        filled.store.insert_shapes([replace(late, id=ids[0], z=9)])
    before = everything(filled)
    with pytest.raises(EditError, match="more than when"):
        filled.undo()
    assert everything(filled) == before


def test_a_merge_is_undone_after_a_restart(filled: Project) -> None:
    bolt, nut = filled.classes()
    before = everything(filled)
    filled.apply(MergeClass(nut, bolt.id))
    folder = filled.folder
    filled.close()
    with open_project(folder) as again:
        again.undo()
        assert everything(again) == before


NUT_ASKS = (AttributeDef("colour", default="grey"), AttributeDef("size", "number", default=8.0))


def _change_class(project: Project, way: str, shape: Shape, class_id: int) -> None:
    """Make a shape one of another class in one of the ways in which that is done."""
    if way == "chosen":
        project.apply(assign_class([shape], class_id))
    elif way == "field":
        project.apply(SetFields({shape.id: {"class_id": class_id}}))
    elif way == "field beside attributes":
        values = {"class_id": class_id, "attributes": shape.attributes}
        project.apply(SetFields({shape.id: values}))
    elif way == "merged":
        cls = next(cls for cls in project.classes() if cls.id == shape.class_id)
        project.apply(MergeClass(cls, class_id))
    else:
        doubt = LabelDoubt(
            "wrong_class", shape.image_id, shape.id, shape.class_id, shape.geometry, 0.9, class_id
        )
        edit = doubt.fix(project.shapes(shape.image_id))
        assert edit is not None
        project.apply(edit)


@pytest.mark.parametrize(
    "way", ["chosen", "field", "field beside attributes", "merged", "the model's word"]
)
def test_a_shape_gets_what_its_new_class_has_at_first(filled: Project, way: str) -> None:
    nut = filled.classes()[1]
    filled.apply(ChangeClass(replace(nut, attributes=NUT_ASKS)))
    before = everything(filled)
    blue, bare = (s for s in all_shapes(filled)[1:3])
    for shape, wanted in (
        (blue, {"colour": "blue", "crowd": True, "size": 8.0}),  # what it has stays
        (bare, {"colour": "grey", "size": 8.0}),
    ):
        _change_class(filled, way, shape, nut.id)
        after = next(s for s in all_shapes(filled) if s.id == shape.id)
        assert (after.class_id, after.attributes) == (nut.id, wanted)
        filled.undo()
        assert everything(filled) == before
        filled.redo()
        assert next(s for s in all_shapes(filled) if s.id == shape.id) == after
        filled.undo()


def test_a_shape_that_stays_of_its_class_gets_nothing(filled: Project) -> None:
    bolt = filled.classes()[0]
    filled.apply(ChangeClass(replace(bolt, attributes=NUT_ASKS)))
    bare = all_shapes(filled)[2]
    filled.apply(ReplaceShapes((replace(bare, geometry=Box(0, 0, 9, 9)),)))
    filled.apply(SetFields({bare.id: {"class_id": bolt.id, "z": 7}}))
    assert all_shapes(filled)[2].attributes == {}


def test_a_merge_of_an_older_journal_gives_nothing(filled: Project) -> None:
    values = MergeClass(filled.classes()[0], filled.classes()[1].id).to_dict()
    del values["given"]
    edit = edit_from_dict(json.loads(json.dumps(values)))
    assert isinstance(edit, MergeClass)
    assert edit.given == ()


def test_keys_of_classes_are_one_class_s_only_and_no_class_is_below_itself(filled: Project) -> None:
    bolt, nut = filled.classes()
    filled.apply(ChangeClass(replace(bolt, shortcut="q", parent=nut.id)))
    with pytest.raises(EditError, match="key Q chooses the class bolt"):
        filled.apply(ChangeClass(replace(nut, shortcut="q")))
    with pytest.raises(EditError, match="below it"):
        filled.apply(ChangeClass(replace(nut, parent=bolt.id)))
    with pytest.raises(EditError, match="below it"):
        filled.apply(ChangeClass(replace(nut, parent=nut.id)))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hide", "lock", "note", "class", "merge", "split", "remove"]),
        st.integers(0, 5),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_row_of_such_edits_is_undone_and_done_again(filled: Project, steps: Any) -> None:
    nut = filled.classes()[1]
    if nut.attributes != NUT_ASKS:
        filled.apply(ChangeClass(replace(nut, attributes=NUT_ASKS)))
    start = everything(filled)
    states = [start]
    for name, first, second in steps:
        edit = _edit(filled, name, first, second)
        if edit is None:
            continue
        try:
            filled.apply(edit)
        except EditError:
            assert everything(filled) == states[-1]
            continue
        states.append(everything(filled))
    for state in reversed(states[:-1]):
        filled.undo()
        assert everything(filled) == state
    for state in states[1:]:
        filled.redo()
        assert everything(filled) == state
    for _ in states[1:]:
        filled.undo()
    assert everything(filled) == start


def _edit(project: Project, name: str, first: int, second: int) -> Edit | None:
    shapes, classes = all_shapes(project), project.classes()
    if not shapes or not classes:
        return None
    shape, cls = shapes[first % len(shapes)], classes[first % len(classes)]
    other = classes[second % len(classes)]
    if name == "class":
        return SetFields({shape.id: {"class_id": other.id}})
    if name == "merge":
        return MergeClass(cls, other.id)
    if name == "split":
        return split_off(cls, f"part {first}", project.store.shapes_of_class(cls.id), classes)
    if name == "remove":
        return RemoveClass(cls) if len(classes) > 1 else None
    if name == "note":
        return set_attributes([shape], {"description": str(second)})
    return set_marks(
        shapes[: second + 1], "hidden" if name == "hide" else "locked", bool(first % 2)
    )


def test_a_new_class_has_no_key_of_its_own() -> None:
    assert new_class("bolt").shortcut == ""


def test_lists_read_shapes_without_their_outlines(filled: Project) -> None:
    one = filled.image_ids()[0]
    edit = set_marks(filled.shapes(one)[:1], "locked", True)
    assert edit is not None
    filled.apply(edit)
    for row, shape in zip(filled.shape_rows(one), filled.shapes(one), strict=True):
        assert (row.id, row.class_id, row.kind) == (shape.id, shape.class_id, shape.geometry.kind)
        assert row.attributes == shape.attributes
        assert (row.locked, row.hidden) == (shape.locked, shape.hidden)


def test_few_shapes_are_read_by_their_numbers_in_drawing_order(filled: Project) -> None:
    shapes = all_shapes(filled)
    ids = [shape.id for shape in shapes]
    assert filled.shapes_by_id([ids[2], 999, ids[0], ids[4]]) == [shapes[0], shapes[2], shapes[4]]
    assert filled.shapes_by_id([]) == []


def test_thousands_of_shapes_change_their_class_and_come_back(photo_project: Project) -> None:
    """More at once than one statement of an older SQLite takes values."""
    project = photo_project
    bolt, nut = project.classes()
    image, other = project.image_ids()[:2]
    boxes = [Box(x % 60, x % 40, x % 60 + 2, x % 40 + 2) for x in range(2500)]
    added = project.apply(AddShapes(tuple(new_shape(image, bolt.id, box) for box in boxes)))
    assert isinstance(added, AddShapes)
    ids = [shape.id for shape in added.shapes]
    assert [shape.id for shape in project.store.shapes_by_id(ids[::-1])] == ids[::-1]
    before = project.shapes(image)
    edit = project.apply(assign_class(project.shape_rows(image), nut.id))
    assert edit.title() == "Change class of 2,500 shapes"
    assert "geometry" not in json.dumps(edit.to_dict())  # the journal keeps the class alone
    assert {shape.class_id for shape in project.shapes(image)} == {nut.id}
    project.undo()
    assert project.shapes(image) == before
    assert project.image(image).shape_count == 2500
    project.apply(RemoveShapes(added.shapes))
    assert project.shapes(image) == []
    project.undo()
    assert project.shapes(image) == before
    assert project.shapes(other) == []


def test_an_edit_of_a_shape_that_is_gone_names_it_and_changes_nothing(
    photo_project: Project,
) -> None:
    project = photo_project
    image, cls = project.image_ids()[0], project.classes()[0]
    boxes = (Box(1, 1, 9, 9), Box(20, 20, 30, 30))
    project.apply(AddShapes(tuple(new_shape(image, cls.id, box) for box in boxes)))
    shapes = project.shapes(image)
    gone = replace(shapes[1], id=999)
    moved = [replace(shape, geometry=Box(2, 2, 8, 8)) for shape in (shapes[0], gone)]
    for change in (
        lambda: project.store.update_shapes(moved),
        lambda: project.store.delete_shapes([shapes[0].id, gone.id]),
        lambda: project.store.shapes_by_id([shapes[0].id, gone.id]),
    ):
        with pytest.raises(EditError, match="999"), project.store.transaction():
            change()
    assert project.shapes(image) == shapes
