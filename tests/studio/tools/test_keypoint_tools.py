"""Skeletons: placed by a box or point after point, moved, hidden, swapped."""

from __future__ import annotations

from typing import Any

import pytest

from engine.data.annotations import Keypoints
from studio.canvas.tool_in_hand import ToolInHand
from studio.model.edits import AddShapes, ReplaceShapes
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef, Shape
from studio.tools.keypoint_edits import keypoint_at, with_next_visibility, with_sides_swapped
from studio.tools.keypoint_template import default_template, placed, template_of
from studio.tools.keypoints import KeypointsTool, State
from studio.tools.scene import Scene

HAND = KeypointScheme(3, (0, 2, 1), ("top", "left", "right"), ((0, 1), (0, 2)))
CORNERS = ((20.0, 210.0), (60.0, 250.0), (10.0, 280.0))


@pytest.fixture
def hand(new_hand: Any, scene: Scene) -> Any:
    """A hand with the tool and a class of three keypoints."""
    scene.set_classes(
        [ClassDef(0, "hand", "#e69f00", keypoints=HAND), ClassDef(1, "eye", "#56b4e9")]
    )
    return new_hand(KeypointsTool)


def keypoints_of(edit: Any) -> Keypoints:
    """Return the one set of keypoints that an edit adds or changes."""
    (shape,) = edit.shapes if isinstance(edit, AddShapes) else edit.after
    assert isinstance(shape.geometry, Keypoints)
    return shape.geometry


def test_clicks_set_point_after_point_and_the_last_one_finishes(hand: Any) -> None:
    for number, corner in enumerate(CORNERS):
        hand.move(*corner)
        assert hand.tool.preview().label == f"{number + 1} of 3 {HAND.names[number]}"
        edit = hand.click(*corner)
    assert keypoints_of(edit) == Keypoints(CORNERS, (2, 2, 2))
    assert hand.leaves_nothing()


def test_shift_hides_and_s_skips(hand: Any) -> None:
    hand.click(*CORNERS[0], shift=True)
    hand.key("other", text="s")
    assert hand.tool.preview().shapes[0].geometry.visibility == (1, 0, 0)
    edit = hand.click(*CORNERS[2])
    assert keypoints_of(edit).visibility == (1, 0, 2)


def test_enter_leaves_the_rest_unlabelled_and_backspace_goes_back(hand: Any) -> None:
    hand.click(*CORNERS[0])
    hand.click(*CORNERS[1])
    hand.key("backspace")
    assert keypoints_of(hand.key("enter")).visibility == (2, 0, 0)
    hand.click(*CORNERS[0])
    hand.key("backspace")
    assert hand.tool.state is State.IDLE


def test_an_object_without_a_labelled_point_is_refused(hand: Any) -> None:
    hand.click(*CORNERS[0])
    hand.key("backspace")
    hand.tool.state = State.PLACING
    for _ in range(2):
        hand.key("other", text="s")
    assert hand.key("enter") is None
    assert "one labelled point" in hand.tool.notice.take()


def test_a_box_places_the_layout_of_the_object_placed_last(hand: Any) -> None:
    for corner in CORNERS:
        hand.click(*corner)
    edit = hand.drag((100, 210), (150, 230), (200, 280))
    assert keypoints_of(edit) == Keypoints(((120, 210), (200, 250), (100, 280)), (2, 2, 2))


def test_while_the_box_is_drawn_it_shows_with_its_points(hand: Any) -> None:
    hand.press(200, 210)
    hand.move(260, 270, held=True)
    preview = hand.tool.preview()
    assert preview.band == (200, 210, 260, 270)
    assert len(preview.shapes[0].geometry.points) == 3
    hand.key("escape")
    assert hand.release(260, 270) is None


def test_a_class_without_a_scheme_learns_its_count_from_the_first_object(
    hand: Any, scene: Scene
) -> None:
    scene.class_id = 1
    assert hand.drag((200, 210), (230, 240), (260, 270)) is None
    assert "how many points" in hand.tool.notice.take()
    for corner in CORNERS[:2]:
        hand.click(*corner)
    assert len(keypoints_of(hand.key("enter")).points) == 2
    assert len(keypoints_of(hand.drag((200, 210), (230, 240), (260, 270))).points) == 2


def test_the_projects_scheme_counts_for_a_class_without_one(scene: Scene) -> None:
    scene.set_classes([ClassDef(0, "hand", "#e69f00")], HAND)
    assert scene.keypoint_scheme(0) == HAND


def test_a_point_that_is_there_is_dragged(hand: Any, scene: Scene) -> None:
    hand.put((5, Keypoints(CORNERS, (2, 1, 0))))
    hand.move(61, 251)
    assert hand.tool.preview().label == "2 left"
    assert hand.tool.preview().handle == CORNERS[1]
    edit = hand.drag((61, 251), (80, 260), (90, 270.25))
    assert isinstance(edit, ReplaceShapes)
    assert keypoints_of(edit) == Keypoints((CORNERS[0], (90, 270.2), CORNERS[2]), (2, 1, 0))
    assert hand.drag((20, 210), (30, 210), (20, 210)) is None


def test_visibility_goes_round_and_the_last_point_stays() -> None:
    shape = Shape(5, 7, 0, Keypoints(CORNERS, (2, 0, 0)))
    seen = []
    for _ in range(3):
        edit = with_next_visibility(shape, 0)
        assert edit is not None
        shape = edit.after[0]
        seen.append(shape.geometry.visibility[0])
    assert seen == [1, 2, 1]
    edit = with_next_visibility(shape, 2)
    assert edit is not None
    assert edit.after[0].geometry.visibility == (1, 0, 2)
    assert edit.title() == "Keypoint 3 visible"


def test_a_point_that_is_not_labelled_is_found_on_selected_shapes(hand: Any, scene: Scene) -> None:
    hand.put((5, Keypoints(CORNERS, (2, 2, 0))))
    assert keypoint_at(scene, 12, 281, 6) is None
    scene.select((5,))
    found = keypoint_at(scene, 12, 281, 6)
    assert found is not None
    assert found[1] == 2


def test_left_and_right_change_places_and_twice_is_nothing() -> None:
    shape = Shape(5, 7, 0, Keypoints(CORNERS, (2, 1, 0)))
    edit = with_sides_swapped([shape], [HAND])
    assert edit is not None
    swapped = edit.after[0]
    assert swapped.geometry == Keypoints((CORNERS[0], CORNERS[2], CORNERS[1]), (2, 0, 1))
    again = with_sides_swapped([swapped], [HAND])
    assert again is not None
    assert again.after[0] == shape
    assert with_sides_swapped([shape], [None]) is None
    assert with_sides_swapped([shape], [KeypointScheme(2, (1, 0))]) is None


def test_sides_of_a_locked_object_stay(hand: Any, scene: Scene) -> None:
    scene.set_shapes([Shape(5, 7, 0, Keypoints(CORNERS, (2, 1, 0)), locked=True)])
    scene.select((5,))
    in_hand, said, made = ToolInHand(scene), list[str](), list[Any]()
    in_hand.notice.connect(said.append)
    in_hand.edit_made.connect(made.append)
    in_hand.swap_keypoints()
    assert made == []
    assert "locked" in said.pop()
    scene.set_shapes([Shape(5, 7, 0, Keypoints(CORNERS, (2, 1, 0)))])
    in_hand.swap_keypoints()
    assert len(made) == 1
    scene.select(())
    in_hand.swap_keypoints()
    assert "left and right" in said.pop()


@pytest.mark.parametrize("count", [1, 2, 5, 17, 33])
def test_a_plain_layout_lies_in_its_box(count: int) -> None:
    points = placed(default_template(count), (10, 20, 110, 220))
    assert len(set(points)) == count
    assert all(10 <= x <= 110 and 20 <= y <= 220 for x, y in points)


def test_a_layout_is_taken_from_whole_objects_only() -> None:
    assert template_of(Keypoints(((0, 0), (10, 0), (5, 20)), (2, 1, 2))) == (
        (0, 0),
        (1, 0),
        (0.5, 1),
    )
    assert template_of(Keypoints(((0, 0), (10, 0), (5, 20)), (2, 0, 2))) is None
    assert template_of(Keypoints(((0, 0), (10, 0)), (2, 2))) is None
