"""A locked shape stays as it is, whatever is done to a selection that it is in, and the person is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.data.annotations import Polygon, Tag
from studio.actions.table import ACTIONS, Needs
from studio.model.attribute_def import AttributeDef
from studio.model.edits import AddShapes, ChangeClass, SetFields, set_marks
from studio.model.label_check import LabelDoubt
from studio.model.records import Shape, new_shape

CTRL = Qt.KeyboardModifier.ControlModifier
KEY = Qt.Key

# What a person does to locked shapes on purpose: unlock them, and say whether they show.
DELIBERATE = {"shape.lock", "shape.hide", "shape.solo"}
# These open something of their own instead of changing the selection at once; their tests are below.
ASKING = {"edit.class", "shape.simplify", "sequence.follow", "suggest.alike:image"}
ASKING |= {"suggest.alike:listed"}
ON_SELECTIONS = [
    spec.id
    for spec in ACTIONS
    if Needs.SELECTION in spec.needs and spec.id not in DELIBERATE | ASKING
]
# What leaves a locked shape out, and so has to say it; the others only read the selection.
CHANGING = {
    "edit.delete",
    "shape.group",
    "shape.ungroup",
    "shape.unite",
    "shape.fill_holes",
    "shape.convert:mask",
    "shape.convert:box",
    "shape.order:front",
    "sequence.number",
    "class.choose:2",
}


def square(at: float) -> Polygon:
    ring = ((at, at), (at + 60, at), (at + 60, at + 60), (at, at + 60))
    hole = tuple((at + x, at + y) for x, y in ((20, 20), (40, 20), (40, 40), (20, 40)))
    return Polygon(ring, (hole,))


@pytest.fixture
def mixed(labelled: Any) -> Any:
    """Four squares with holes, in one group; the first and the third are locked and all are selected."""
    project, image = labelled.session.project, labelled.session.workspace.image_id
    bolt = project.classes()[0].id
    made = [new_shape(image, bolt, square(at), attributes={"group_id": 7}) for at in (30, 60)]
    project.apply(AddShapes(tuple(made)))
    squares = labelled.shapes()
    grouped = {s.id: {"attributes": {"group_id": 7}} for s in squares[:2]}
    project.apply(SetFields(grouped))
    lock(labelled, squares[0], squares[2])
    labelled.session.workspace.select([shape.id for shape in squares])
    labelled.said = []
    say = labelled.session.say
    labelled.session.say = lambda text: (labelled.said.append(text), say(text))
    labelled.session.canvas.notice.connect(labelled.said.append)
    return labelled


def lock(hands: Any, *shapes: Shape) -> None:
    edit = set_marks(shapes, "locked", True)
    assert edit is not None
    hands.session.project.apply(edit)


def still(hands: Any) -> list[Shape]:
    """Return the locked shapes; their places in the order also change where another one goes past them."""
    found = [replace(shape, z=0) for shape in hands.shapes() if shape.locked]
    return sorted(found, key=lambda shape: shape.id)


def act(hands: Any, name: str) -> None:
    action = hands.studio.actions[name]
    assert action.isEnabled(), name
    action.trigger()
    hands.settle()


@pytest.mark.parametrize("name", [*ON_SELECTIONS, "class.choose:2"])
def test_no_action_on_a_selection_changes_a_locked_shape(mixed: Any, name: str) -> None:
    image, before = mixed.session.workspace.image_id, still(mixed)
    act(mixed, name)
    mixed.session.workspace.go_to(image)
    assert still(mixed) == before
    if name in CHANGING:
        assert "2 locked shapes stay as they are" in mixed.said[-1]


@pytest.mark.parametrize("name", sorted(CHANGING))
def test_of_locked_shapes_alone_nothing_is_done_and_that_is_said(mixed: Any, name: str) -> None:
    before = mixed.shapes()
    mixed.session.workspace.select([s.id for s in before if s.locked])
    act(mixed, name)
    assert mixed.shapes() == before
    assert "2 locked shapes stay as they are" in mixed.said[-1]


def test_the_rest_of_the_selection_changes(mixed: Any) -> None:
    act(mixed, "shape.group")
    assert [s.attributes.get("group_id") for s in mixed.shapes()] == [7, 8, 7, 8]
    act(mixed, "sequence.number")
    tracks = [s.attributes.get("track_id") is not None for s in mixed.shapes()]
    assert tracks == [False, True, False, True]


def test_locks_and_eyes_are_the_exception(mixed: Any) -> None:
    act(mixed, "shape.hide")
    assert all(shape.hidden for shape in mixed.shapes())
    act(mixed, "shape.show_all")
    mixed.session.workspace.select([mixed.shapes()[1].id])
    act(mixed, "shape.solo")
    assert [shape.hidden for shape in mixed.shapes()] == [True, False, True, True]
    act(mixed, "shape.unlock_all")
    assert not any(shape.locked for shape in mixed.shapes())


def test_a_locked_first_shape_is_not_cut_and_nothing_else_in_its_place(mixed: Any) -> None:
    before = mixed.shapes()
    first, second = before[2], before[3]
    for name in ("shape.subtract", "shape.trim"):
        mixed.session.workspace.select([first.id, second.id])
        act(mixed, name)
        assert mixed.shapes() == before
        assert "1 locked shape stays as it is" in mixed.said[-1]


def test_room_is_made_for_a_locked_shape_which_is_only_looked_at(mixed: Any) -> None:
    locked, free = mixed.shapes()[2], mixed.shapes()[3]
    mixed.session.workspace.select([free.id, locked.id])
    act(mixed, "shape.trim")
    after = {shape.id: shape for shape in mixed.shapes()}
    assert after[locked.id] == locked
    assert after[free.id].geometry.area() < free.geometry.area()


def test_a_vertex_taken_in_hand_before_the_lock_stays(labelled: Any) -> None:
    labelled.click(70, 70)
    labelled.click(40, 40)  # its corner
    labelled.press(KEY.Key_L, CTRL)
    before = labelled.shapes()
    for key in (KEY.Key_Right, KEY.Key_Backspace, KEY.Key_Delete):
        QTest.keyClick(labelled.canvas, key)
        assert labelled.shapes() == before


def test_keys_on_the_canvas_say_what_was_left(mixed: Any) -> None:
    before = still(mixed)
    mixed.canvas.setFocus()
    for key in (KEY.Key_Right, KEY.Key_Delete):
        mixed.said.clear()
        mixed.press(key)
        assert still(mixed) == before
        assert "2 locked shapes stay as they are" in mixed.said[-1]
    assert len(mixed.shapes()) == 2


def test_the_knife_says_what_it_left_whole(mixed: Any) -> None:
    mixed.session.use_tool("knife")
    before = still(mixed)
    mixed.drag((65, 25), (65, 70), (65, 130))
    assert still(mixed) == before
    assert len(mixed.shapes()) > 4
    assert "locked" in mixed.said[-1]


def test_properties_change_what_is_free_and_say_what_is_not(mixed: Any) -> None:
    project, panel = mixed.session.project, mixed.session.annotate.properties
    bolt, nut = project.classes()
    for cls in (bolt, nut):
        project.apply(ChangeClass(replace(cls, attributes=(AttributeDef("colour"),))))
    mixed.wait(lambda: "colour" in panel.attributes)
    before = still(mixed)
    panel.refresh()
    assert panel.locked.isVisible()
    assert "2 locked shapes stay as they are" in panel.locked.text()
    panel.attributes["colour"].edited.emit("red")
    panel.flags["occluded"].edited.emit(True)
    panel.group.edited.emit(3)
    panel.track.edited.emit(4)
    panel.description.edited.emit("worn")
    panel.class_box.activated.emit(panel.class_box.findData(nut.id))
    assert still(mixed) == before
    free = [shape for shape in mixed.shapes() if not shape.locked]
    assert {shape.class_id for shape in free} == {nut.id}
    assert [s.attributes["description"] for s in free] == ["worn", "worn"]


def test_simplify_leaves_them_and_says_so(mixed: Any) -> None:
    act(mixed, "shape.simplify")
    bar = mixed.session.annotate.simplify
    assert "2 locked shapes stay as they are" in bar.words.text()
    bar.leave()
    mixed.session.workspace.select([shape.id for shape in still(mixed)])
    act(mixed, "shape.simplify")
    assert "2 locked shapes stay as they are" in bar.words.text()
    assert not bar.apply_button.isEnabled()


def test_following_numbers_no_locked_shape(mixed: Any) -> None:
    before = mixed.shapes()
    mixed.session.workspace.select([shape.id for shape in before if shape.locked])
    act(mixed, "sequence.follow")
    mixed.studio.sequence.bar_of(mixed.session).finish()
    assert mixed.shapes() == before
    assert not mixed.studio.sequence.is_running
    assert "2 locked shapes stay as they are" in mixed.said[-1]


def test_what_was_filled_in_and_is_locked_is_not_made_anew(opened: Any) -> None:
    project, (one, two, three) = opened.session.project, opened.session.project.image_ids()
    bolt = project.add_class("bolt")
    keys = [
        new_shape(image, bolt.id, square(at), attributes={"track_id": 1})
        for image, at in ((one, 20), (three, 60))
    ]
    project.apply(AddShapes(tuple(keys)))
    opened.settle()
    opened.session.workspace.select([project.shapes(one)[0].id])
    act(opened, "sequence.fill")
    opened.wait(lambda: project.shapes(two))
    lock(opened, *project.shapes(two))
    before = project.shapes(two)
    act(opened, "sequence.fill")
    opened.wait(lambda: not opened.studio.sequence.is_running)
    assert project.shapes(two) == before


def test_splitting_off_the_selected_shapes_leaves_locked_ones_in_their_class(mixed: Any) -> None:
    project, panel = mixed.session.project, mixed.session.annotate.classes
    before = still(mixed)
    panel.split_selected(project.classes()[0])
    assert still(mixed) == before
    assert "2 locked shapes stay as they are" in panel.banner.text()
    mixed.session.workspace.select([shape.id for shape in before])
    panel.split_selected(project.classes()[0])
    assert len(project.classes()) == 3
    assert "2 locked shapes stay as they are" in panel.banner.text()


def test_a_class_as_a_whole_takes_its_locked_shapes_along(mixed: Any) -> None:
    """What is said of a class is said of all its shapes: a merged class has no place where one could stay."""
    project, panel = mixed.session.project, mixed.session.annotate.classes
    bolt, nut = project.classes()
    panel.merge(bolt, nut)
    assert {shape.class_id for shape in mixed.shapes()} == {nut.id}
    assert [shape.locked for shape in mixed.shapes()] == [True, False, True, False]


def test_selecting_a_class_leaves_locked_shapes_out(mixed: Any) -> None:
    mixed.session.workspace.select([mixed.shapes()[0].id])
    act(mixed, "edit.select_class")
    chosen = mixed.session.workspace.selected_shapes()
    assert chosen
    assert not any(shape.locked for shape in chosen)


def test_pasting_over_a_locked_shape_only_adds(mixed: Any) -> None:
    before = still(mixed)
    act(mixed, "edit.copy")
    act(mixed, "edit.paste")
    assert len(mixed.shapes()) == 8
    assert still(mixed) == before


def test_a_locked_class_of_the_image_stays(opened: Any) -> None:
    project, image = opened.session.project, opened.session.workspace.image_id
    bolt, nut = project.add_class("bolt"), project.add_class("nut")
    project.apply(AddShapes((new_shape(image, bolt.id, Tag()),)))
    lock(opened, *opened.shapes())
    before, said = opened.shapes(), []
    opened.session.say = said.append
    opened.session.canvas.notice.connect(said.append)
    opened.session.workspace.choose_class(nut.id)
    act(opened, "edit.image_class")
    assert opened.shapes() == before
    assert "1 locked shape stays as it is" in said[-1]
    opened.session.use_tool("image_class")
    opened.canvas.scene.options.advance = False
    opened.canvas.setFocus()
    for key in (KEY.Key_2, KEY.Key_1, KEY.Key_0):
        said.clear()
        QTest.keyClick(opened.canvas, key)
        assert [s for s in opened.shapes() if s.locked] == before
        assert "1 locked shape stays as it is" in said[-1]
    (chip,) = opened.session.annotate.image_tags.chips
    chip.remove_button.click()
    assert opened.shapes() == before
    assert "locked" in opened.banner()


def test_the_models_word_is_not_taken_for_a_locked_shape(mixed: Any) -> None:
    project = mixed.session.project
    locked, nut = mixed.shapes()[0], project.classes()[1]
    doubt = LabelDoubt(
        "wrong_class", locked.image_id, locked.id, locked.class_id, locked.geometry, 0.9, nut.id
    )
    assert doubt.fix(mixed.shapes()) is None
