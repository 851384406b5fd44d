"""The polygon tool: each state and event, and that Escape anywhere leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.data.annotations import Polygon
from studio.model.edits import AddShapes
from studio.tools.base import Key
from studio.tools.polygon import PolygonTool, State

CORNERS = [(10, 220), (60, 220), (60, 280), (12, 280)]


@pytest.fixture
def hand(new_hand: Callable[..., Any]) -> Any:
    return new_hand(PolygonTool)


def geometry_of(edit: object) -> Polygon:
    assert isinstance(edit, AddShapes)
    (made,) = edit.shapes
    assert isinstance(made.geometry, Polygon)
    return made.geometry


def test_clicking_the_first_point_closes(hand: Any) -> None:
    for corner in CORNERS:
        assert hand.click(*corner) is None
    edit = hand.click(13, 222)
    assert geometry_of(edit).exterior == tuple(CORNERS)
    assert edit.shapes[0].image_id == 7
    assert edit.shapes[0].id == 0
    assert hand.tool.state is State.IDLE
    assert hand.leaves_nothing()


def test_the_shape_gets_the_class_that_is_current_when_it_is_closed(hand: Any) -> None:
    for corner in CORNERS:
        hand.click(*corner)
    hand.scene.class_id = 1
    assert hand.key("enter").shapes[0].class_id == 1


def test_double_click_sets_the_last_point_and_closes(hand: Any) -> None:
    for corner in CORNERS[:3]:
        hand.click(*corner)
    hand.click(*CORNERS[3])
    edit = hand.send("double", *CORNERS[3])
    assert len(geometry_of(edit).exterior) == 4
    hand.release(*CORNERS[3])
    assert hand.leaves_nothing()


def test_a_double_click_with_too_few_points_keeps_drawing(hand: Any) -> None:
    hand.click(10, 220)
    assert hand.send("double", 10, 220) is None
    assert len(hand.tool.points) == 1


def test_enter_with_two_points_explains_itself(hand: Any) -> None:
    hand.click(10, 220)
    hand.click(60, 220)
    assert hand.key("enter") is None
    assert "three points" in hand.tool.notice.take()
    assert hand.tool.notice.take() == ""
    assert len(hand.tool.points) == 2


def test_backspace_takes_the_last_point(hand: Any) -> None:
    hand.click(10, 220)
    hand.click(60, 220)
    hand.key("backspace")
    assert hand.tool.points == [(10, 220)]
    hand.key("backspace")
    assert hand.tool.state is State.IDLE
    assert not hand.tool.wants(Key("backspace"))


@pytest.mark.parametrize("clicks", [0, 1, 2, 3, 4])
def test_escape_leaves_nothing_at_any_point(hand: Any, clicks: int) -> None:
    for corner in CORNERS[:clicks]:
        hand.click(*corner)
    hand.key("escape")
    assert hand.leaves_nothing()
    assert hand.tool.state is State.IDLE
    assert hand.edits == []


def test_escape_while_the_button_is_down_leaves_nothing(hand: Any) -> None:
    hand.press(10, 220)
    hand.move(40, 240, held=True)
    hand.key("escape")
    hand.move(60, 260, held=True)
    assert hand.release(60, 260) is None
    assert hand.leaves_nothing()


def test_dragging_draws_freehand_and_closes_at_the_first_point(hand: Any) -> None:
    stops = [(10 + 4 * n, 220) for n in range(1, 12)]
    stops += [(54, 220 + 4 * n) for n in range(1, 12)]
    stops += [(54 - 4 * n, 264) for n in range(1, 12)]
    stops += [(10, 264 - 4 * n) for n in range(1, 11)]
    edit = hand.drag((10, 220), *stops)
    assert geometry_of(edit).area() == pytest.approx(44 * 44, rel=0.05)


def test_freehand_and_clicks_can_be_mixed(hand: Any) -> None:
    hand.drag((10, 220), (30, 220), (34, 240), (60, 220))
    assert hand.tool.state is State.DRAWING
    drawn = len(hand.tool.points)
    assert drawn >= 3
    hand.click(60, 280)
    assert len(hand.tool.points) == drawn + 1
    assert geometry_of(hand.key("enter")).area() > 0


def test_a_small_slip_of_the_hand_is_still_a_click(hand: Any) -> None:
    hand.drag((10, 220), (14, 223))
    assert hand.tool.points == [(10, 220)]


def test_points_snap_to_other_shapes_unless_ctrl_is_held(hand: Any) -> None:
    hand.click(252, 98)
    assert hand.tool.points == [(250, 100)]
    hand.key("escape")
    hand.click(252, 98, ctrl=True)
    assert hand.tool.points == [(252, 98)]


def test_coordinates_keep_a_tenth_of_a_pixel(hand: Any) -> None:
    hand.click(200.4321, 20.1499)
    assert hand.tool.points == [(200.4, 20.1)]


def test_what_leaves_the_image_is_cut_off(hand: Any) -> None:
    for corner in [(350, 250), (450, 250), (450, 350), (350, 350)]:
        hand.click(*corner)
    polygon = geometry_of(hand.key("enter"))
    assert polygon.bounds() == (350, 250, 400, 300)
    assert polygon.area() == 2500


def test_a_shape_that_the_border_cuts_apart_becomes_two(hand: Any) -> None:
    # A fork that opens to the right edge: its handle lies outside.
    for corner in [
        (380, 10),
        (440, 10),
        (440, 90),
        (380, 90),
        (380, 60),
        (420, 60),
        (420, 40),
        (380, 40),
    ]:
        hand.click(*corner, ctrl=True)
    edit = hand.key("enter")
    assert isinstance(edit, AddShapes)
    assert sorted(s.geometry.bounds() for s in edit.shapes) == [
        (380, 10, 400, 40),
        (380, 60, 400, 90),
    ]


def test_a_shape_outside_the_image_is_refused_with_a_reason(hand: Any) -> None:
    for corner in [(450, 10), (490, 10), (490, 60)]:
        hand.click(*corner)
    assert hand.key("enter") is None
    assert "less than one pixel" in hand.tool.notice.take()
    assert hand.leaves_nothing()


def test_a_line_is_refused(hand: Any) -> None:
    for corner in [(200, 20), (210, 20), (220, 20)]:
        hand.click(*corner)
    assert hand.key("enter") is None
    assert hand.edits == []


def test_a_crossing_outline_is_cut_without_failing(hand: Any) -> None:
    for corner in [(380, 210), (440, 290), (440, 210), (380, 290)]:
        hand.click(*corner)
    edit = hand.key("enter")
    assert isinstance(edit, AddShapes)
    assert all(s.geometry.bounds()[2] <= 400 for s in edit.shapes)


def test_the_tool_stays_for_the_next_shape(hand: Any) -> None:
    for _ in range(2):
        for corner in CORNERS:
            hand.click(*corner, ctrl=True)
        hand.key("enter")
    assert len(hand.edits) == 2


def test_preview_shows_band_and_growing_first_point(hand: Any) -> None:
    for corner in CORNERS:
        hand.click(*corner)
    hand.move(30, 250)
    preview = hand.tool.preview()
    assert preview.path == tuple(CORNERS)
    assert preview.rubber == (30, 250)
    assert not preview.closing
    hand.move(11, 221)
    assert hand.tool.preview().closing
    assert hand.tool.preview().rubber == CORNERS[0]
    hand.send("leave", 0, 0)
    assert hand.tool.preview().rubber is None
    assert hand.tool.preview().crosshair is None
