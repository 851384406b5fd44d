"""The select tool: choosing, moving, reshaping, and that Escape puts everything back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.data.annotations import Box, Keypoints, Mask, OrientedBox, Polygon
from studio.model.edits import RemoveShapes, ReplaceShapes
from studio.tools.base import Key
from studio.tools.select import SelectTool, State


def square(x: float, y: float, side: float) -> Polygon:
    return Polygon(((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


@pytest.fixture
def hand(new_hand: Callable[..., Any]) -> Any:
    return new_hand(SelectTool)


def after(edit: object) -> list[object]:
    assert isinstance(edit, ReplaceShapes)
    return [s.geometry for s in edit.after]


def test_a_dragged_vertex_goes_to_the_edge_of_another_shape(hand: Any) -> None:
    hand.click(300, 150)  # the box of 250..350
    assert after(hand.drag((250, 100), (200, 110), (172, 120))) == [Box(170, 120, 350, 200)]
    edit = hand.drag(
        (350, 200), (360, 180), (349, 150), ctrl=False
    )  # its own edge does not attract
    assert after(edit) == [Box(170, 120, 349, 150)]


# -- choosing ----------------------------------------------------------------


def test_click_selects_the_smallest_and_the_background_none(hand: Any) -> None:
    hand.click(110, 110)
    assert hand.scene.selection == (2,)
    hand.click(70, 140)
    assert hand.scene.selection == (1,)
    hand.click(220, 250)
    assert hand.scene.selection == ()
    assert hand.edits == []


def test_shift_adds_and_takes_away(hand: Any) -> None:
    hand.click(110, 110)
    hand.click(300, 150, shift=True)
    assert hand.scene.selection == (2, 3)
    hand.click(110, 110, shift=True)
    assert hand.scene.selection == (3,)
    hand.click(220, 250, shift=True)
    assert hand.scene.selection == (3,)


def test_shift_click_on_a_vertex_of_an_unselected_shape_selects_it(hand: Any) -> None:
    hand.click(300, 150)
    hand.click(90, 90, shift=True)
    assert hand.scene.selection == (3, 2)
    assert hand.edits == []


def test_ctrl_goes_through_the_shapes_below(hand: Any) -> None:
    found = []
    for _ in range(3):
        hand.click(110, 110, ctrl=True)
        found.append(hand.scene.selection)
    assert found == [(2,), (1,), (2,)]


def test_a_plain_click_among_many_selected_leaves_that_one(hand: Any) -> None:
    hand.scene.select([1, 2, 3])
    hand.click(300, 150)
    assert hand.scene.selection == (3,)


def test_band_selects_what_it_touches_and_shift_adds(hand: Any) -> None:
    hand.press(10, 10)
    hand.move(60, 60, held=True)
    assert hand.tool.preview().band == (10, 10, 60, 60)
    hand.release(60, 60)
    assert hand.scene.selection == (1,)
    hand.drag((380, 250), (300, 190), (240, 120), shift=True)
    assert hand.scene.selection == (1, 3)
    assert hand.leaves_nothing()


def test_escape_first_ends_the_drag_then_empties_the_selection(hand: Any) -> None:
    hand.press(110, 110)
    hand.move(150, 150, held=True)
    hand.key("escape")
    assert hand.leaves_nothing()
    assert hand.release(150, 150) is None
    assert hand.scene.selection == (2,)
    hand.key("escape")
    assert hand.scene.selection == ()
    assert not hand.tool.wants(Key("escape"))
    assert hand.edits == []


# -- moving ------------------------------------------------------------------


def test_dragging_moves_the_shape_under_the_cursor(hand: Any) -> None:
    hand.press(300, 150)
    hand.move(310, 160, held=True)
    assert hand.tool.preview().shapes[0].geometry == Box(260, 110, 360, 210)
    edit = hand.release(310, 160)
    assert after(edit) == [Box(260, 110, 360, 210)]
    assert edit.label == "Move box"
    assert edit.after[0].id == 3


def test_dragging_moves_all_that_is_selected(hand: Any) -> None:
    hand.scene.select([2, 3])
    edit = hand.drag((110, 110), (112, 115), (120, 130))
    assert after(edit) == [square(100, 110, 40), Box(260, 120, 360, 220)]
    assert edit.label == "Move 2 shapes"
    assert hand.scene.selection == (2, 3)


def test_a_drag_within_the_slip_of_a_hand_moves_nothing(hand: Any) -> None:
    assert hand.drag((300, 150), (301, 151)) is None
    assert hand.scene.selection == (3,)


def test_a_drag_back_to_its_start_is_no_edit(hand: Any) -> None:
    assert hand.drag((300, 150), (350, 150), (300, 150)) is None


def test_shapes_stay_within_the_image(hand: Any) -> None:
    assert after(hand.drag((300, 150), (500, 160), (900, 900))) == [Box(300, 200, 400, 300)]


def test_a_shape_below_the_smallest_can_be_dragged_once_selected(hand: Any) -> None:
    hand.scene.select([1])
    edit = hand.drag((110, 110), (115, 115), (120, 120))
    assert edit.after[0].id == 1


def test_a_mask_moves_by_whole_pixels(hand: Any) -> None:
    mask = Mask.from_array(hand_mask())
    hand.put((9, mask))
    (moved,) = after(hand.drag((30, 30), (40, 40), (50.2, 35.1)))
    assert moved.bounds() == (40, 25, 60, 45)


def hand_mask() -> object:
    import numpy as np

    array = np.zeros((300, 400), np.uint8)
    array[20:40, 20:40] = 1
    return array


# -- vertices ----------------------------------------------------------------


def test_dragging_a_vertex_reshapes(hand: Any) -> None:
    hand.click(70, 140)
    hand.press(170, 170)
    hand.move(190, 180, held=True)
    preview = hand.tool.preview()
    assert preview.handle == (190, 180)
    assert preview.armed[0] == 1
    edit = hand.release(190, 180)
    assert after(edit)[0].exterior[2] == (190, 180)
    assert edit.title() == "Reshape polygon"


def test_a_vertex_of_a_hovered_shape_can_be_taken_without_selecting_first(hand: Any) -> None:
    edit = hand.drag((52, 51), (40, 40), (30, 30))
    assert after(edit)[0].exterior[0] == (30, 30)
    assert hand.scene.selection == (1,)


def test_a_dragged_vertex_stays_in_the_image_and_snaps_to_others(hand: Any) -> None:
    hand.scene.select([3])
    assert after(hand.drag((350, 200), (390, 250), (600, 600))) == [Box(250, 100, 400, 300)]
    hand.scene.select([1])
    edit = hand.drag((170, 50), (200, 60), (247, 98))
    assert after(edit)[0].exterior[1] == (250, 100)


def test_snapping_shows_where_and_ctrl_switches_it_off(hand: Any) -> None:
    hand.scene.select([1])
    hand.press(170, 50)
    hand.move(248, 98, held=True)
    assert hand.tool.preview().snapped == (250, 100)
    hand.move(248, 98, held=True, ctrl=True)
    assert hand.tool.preview().snapped is None
    hand.key("escape")


def test_dragging_the_ghost_on_an_edge_inserts_a_vertex(hand: Any) -> None:
    hand.click(70, 140)
    hand.move(110, 50)
    assert hand.tool.preview().ghost == (110, 50)
    assert hand.tool.preview().cursor == "insert"
    edit = hand.drag((110, 50), (110, 30), (112, 20))
    ring = after(edit)[0].exterior
    assert len(ring) == 5
    assert ring[1] == (112, 20)


def test_a_click_on_a_ghost_changes_nothing(hand: Any) -> None:
    hand.click(70, 140)
    assert hand.click(110, 50) is None


def test_alt_click_on_an_edge_inserts_a_vertex_there(hand: Any) -> None:
    hand.click(70, 140)
    edit = hand.click(140, 52, alt=True)
    assert after(edit)[0].exterior[1] == (140, 52)
    assert edit.label == "Add vertex"


@pytest.mark.parametrize("how", [{"alt": True}, {"shift": True}])
def test_alt_or_shift_click_removes_a_vertex_of_a_selected_shape(
    hand: Any, how: dict[str, bool]
) -> None:
    hand.click(70, 140)
    hand.move(170, 170, **how)
    assert hand.tool.preview().cursor == "remove"
    edit = hand.click(170, 170, **how)
    assert after(edit)[0].exterior == ((50, 50), (170, 50), (50, 170))


def test_backspace_removes_the_vertex_under_the_cursor(hand: Any) -> None:
    hand.click(70, 140)
    hand.move(50, 170)
    assert len(after(hand.key("backspace"))[0].exterior) == 3


def test_backspace_removes_the_vertex_that_was_dragged_last(hand: Any) -> None:
    hand.click(70, 140)
    hand.drag((110, 50), (110, 30), (112, 20))
    hand.move(220, 250)
    assert after(hand.key("backspace"))[0].exterior == square(50, 50, 120).exterior


def test_a_triangle_keeps_its_points_and_says_so(hand: Any) -> None:
    hand.put((5, Polygon(((10, 10), (100, 10), (10, 100)))))
    hand.scene.select([5])
    assert hand.click(100, 10, alt=True) is None
    assert "keeps three points" in hand.tool.notice.take()


def test_a_hole_goes_when_it_would_keep_two_points(hand: Any) -> None:
    hole = ((80, 80), (140, 80), (80, 140))
    hand.put((5, Polygon(square(10, 10, 200).exterior, (hole,))))
    hand.scene.select([5])
    edit = hand.click(140, 80, alt=True)
    assert after(edit)[0].holes == ()


def test_the_vertices_of_a_hole_can_be_dragged(hand: Any) -> None:
    hole = ((80, 80), (140, 80), (80, 140))
    hand.put((5, Polygon(square(10, 10, 200).exterior, (hole,))))
    hand.scene.select([5])
    edit = hand.drag((140, 80), (150, 90), (160, 100))
    assert after(edit)[0].holes[0][1] == (160, 100)


def test_a_shape_dragged_to_nothing_is_kept_and_says_so(hand: Any) -> None:
    hand.scene.select([3])
    assert hand.drag((350, 200), (300, 150), (250, 100)) is None
    assert "less than one pixel" in hand.tool.notice.take()
    assert hand.scene.shape(3).geometry == Box(250, 100, 350, 200)


def test_small_shapes_show_no_handles_and_move_as_a_whole(hand: Any) -> None:
    hand.put((5, square(100, 100, 20)))
    hand.scene.select([5])
    edit = hand.drag((100, 100), (110, 110), (120, 120))
    assert after(edit) == [square(120, 120, 20)]


def test_a_shape_removed_during_its_drag_ends_the_drag(hand: Any) -> None:
    hand.scene.select([3])
    hand.press(350, 200)
    hand.move(360, 210, held=True)
    hand.scene.update((), removed=[3])
    hand.move(370, 220, held=True)
    assert hand.leaves_nothing()
    assert hand.release(370, 220) is None


# -- boxes and points --------------------------------------------------------


def test_a_box_is_resized_by_corner_and_edge(hand: Any) -> None:
    hand.scene.select([3])
    hand.move(250, 100)
    assert hand.tool.preview().cursor == "resize"
    assert after(hand.drag((250, 100), (240, 90), (230, 80))) == [Box(230, 80, 350, 200)]
    assert after(hand.drag((350, 140), (360, 150), (380, 160))) == [Box(230, 80, 380, 200)]
    assert after(hand.drag((305, 200), (305, 210), (311, 220))) == [Box(230, 80, 380, 220)]


def test_a_box_corner_may_cross_the_opposite_one(hand: Any) -> None:
    hand.scene.select([3])
    edit = hand.drag((250, 100), (300, 150), (390, 240), ctrl=False)
    assert after(edit) == [Box(350, 200, 390, 240)]


def test_an_oriented_box_keeps_its_angle(hand: Any) -> None:
    box = OrientedBox(200, 150, 80, 40, math.pi / 6)
    hand.put((5, box))
    hand.scene.select([5])
    corner, opposite = box.corners()[2], box.corners()[0]
    stop = (corner[0] + 20, corner[1] + 15)
    hand.press(*corner)
    hand.move(*stop, held=True, ctrl=True)
    (resized,) = after(hand.release(*stop))
    assert resized.angle_rad == box.angle_rad
    assert resized.corners()[0] == pytest.approx(opposite, abs=0.1)
    assert resized.corners()[2] == pytest.approx(stop, abs=0.1)


def test_an_oriented_box_edge_changes_one_side(hand: Any) -> None:
    box = OrientedBox(200, 150, 80, 60, 0.0)
    hand.put((5, box))
    hand.scene.select([5])
    assert after(hand.drag((240, 150), (250, 150), (260, 155))) == [
        OrientedBox(210, 150, 100, 60, 0.0)
    ]
    assert after(hand.drag((210, 120), (210, 115), (215, 110))) == [
        OrientedBox(210, 145, 100, 70, 0.0)
    ]


def test_keypoints_move_one_by_one_and_can_be_unlabelled(hand: Any) -> None:
    points = Keypoints(((0, 0), (100, 100), (200, 200)), (0, 2, 2))
    hand.put((5, points))
    hand.scene.select([5])
    edit = hand.drag((200, 200), (210, 210), (220, 230))
    assert after(edit) == [Keypoints(((0, 0), (100, 100), (220, 230)), (0, 2, 2))]
    edit = hand.click(100, 100, alt=True)
    assert after(edit)[0].visibility == (0, 0, 2)
    assert hand.click(220, 230, alt=True) is None
    assert "last point" in hand.tool.notice.take()


def test_a_box_keeps_its_corners(hand: Any) -> None:
    hand.scene.select([3])
    assert hand.click(250, 100, alt=True) is None
    assert hand.tool.notice.take() == "A box keeps its corners."


# -- keys --------------------------------------------------------------------


def test_delete_removes_what_is_selected(hand: Any) -> None:
    assert not hand.tool.wants(Key("delete"))
    hand.scene.select([1, 3])
    edit = hand.key("delete")
    assert isinstance(edit, RemoveShapes)
    assert [s.id for s in edit.shapes] == [1, 3]
    assert [s.id for s in hand.scene.shapes()] == [2]


@pytest.mark.parametrize(
    ("how", "step"), [({}, 1.0), ({"shift": True}, 10.0), ({"alt": True}, 0.1)]
)
def test_arrows_nudge(hand: Any, how: dict[str, bool], step: float) -> None:
    hand.scene.select([3])
    edit = hand.key("right", **how)
    assert after(edit)[0].bounds() == pytest.approx((250 + step, 100, 350 + step, 200))
    assert hand.key("up", **how).label == "Nudge box"


def test_arrows_stop_at_the_border(hand: Any) -> None:
    hand.put((5, Box(0, 0, 20, 20)))
    hand.scene.select([5])
    assert hand.key("left") is None
    assert hand.key("down") is not None


def test_arrows_nudge_the_vertex_that_was_taken_last(hand: Any) -> None:
    hand.click(70, 140)
    hand.drag((170, 170), (180, 180), (190, 180))
    edit = hand.key("left")
    assert after(edit)[0].exterior[2] == (189, 180)
    assert hand.key("down", shift=True).after[0].geometry.exterior[2] == (189, 190)


def test_an_undone_vertex_is_no_longer_nudged(hand: Any) -> None:
    hand.click(70, 140)
    hand.drag((170, 170), (180, 180), (190, 180))
    hand.scene.update([replace(hand.scene.shape(1), geometry=square(50, 50, 120))])
    assert hand.key("left").label == "Nudge polygon"


def test_states_return_to_idle(hand: Any) -> None:
    hand.press(110, 110)
    assert hand.tool.state is State.PRESSED
    hand.release(110, 110)
    hand.press(220, 250)
    assert hand.tool.state is State.BAND
    hand.release(220, 250)
    assert hand.tool.state is State.IDLE


def test_leaving_the_canvas_forgets_what_was_hovered(hand: Any) -> None:
    hand.move(110, 110)
    assert hand.scene.hovered == 2
    assert hand.tool.preview().cursor == "point"
    hand.send("leave", 110, 110)
    assert hand.scene.hovered is None
    assert hand.tool.preview().cursor == "arrow"


def test_more_than_a_handful_of_selected_shapes_show_no_handles(hand: Any) -> None:
    hand.put(*((i, square(20 * i, 10, 15)) for i in range(1, 19)))
    hand.scene.select(range(1, 19))
    hand.move(220, 280)
    assert hand.tool.preview().armed == ()
