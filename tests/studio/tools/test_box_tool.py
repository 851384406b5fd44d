"""The box tool: drag, two clicks, and that Escape leaves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from engine.data.annotations import Box
from studio.model.edits import AddShapes
from studio.tools.base import Key
from studio.tools.box import BoxTool, State


@pytest.fixture
def hand(new_hand: Callable[..., Any]) -> Any:
    return new_hand(BoxTool)


def box_of(edit: object) -> Box:
    assert isinstance(edit, AddShapes)
    (made,) = edit.shapes
    assert isinstance(made.geometry, Box)
    return made.geometry


def test_corners_go_to_the_edges_of_other_shapes(hand: Any) -> None:
    """The shapes next to it are a square of 50..170 and a box of 250..350."""
    assert box_of(hand.drag((172, 75), (200, 100), (248, 150))) == Box(170, 75, 250, 150)
    assert box_of(hand.drag((172, 205), (200, 210), (248, 220), alt=True)) == Box(
        172, 205, 248, 220
    )


@pytest.mark.parametrize("stop", [(80, 270), (20, 210)])
def test_drag_in_any_direction(hand: Any, stop: tuple[float, float]) -> None:
    start = (20, 210) if stop == (80, 270) else (80, 270)
    assert box_of(hand.drag(start, (50, 240), stop)) == Box(20, 210, 80, 270)
    assert hand.tool.state is State.IDLE


def test_two_clicks(hand: Any) -> None:
    assert hand.click(20, 210) is None
    assert hand.tool.state is State.OPEN
    hand.move(50, 240)
    preview = hand.tool.preview()
    assert preview.shapes[0].geometry == Box(20, 210, 50, 240)
    assert box_of(hand.click(80, 270)) == Box(20, 210, 80, 270)
    assert hand.leaves_nothing()


def test_enter_finishes_at_the_cursor(hand: Any) -> None:
    hand.click(20, 210)
    hand.move(60, 260)
    assert box_of(hand.key("enter")) == Box(20, 210, 60, 260)


def test_shift_makes_a_square(hand: Any) -> None:
    assert box_of(hand.drag((20, 210), (40, 230), (60, 230), shift=True)) == Box(20, 210, 60, 250)


@pytest.mark.parametrize("key", ["escape", "backspace"])
def test_escape_leaves_nothing(hand: Any, key: str) -> None:
    hand.click(20, 210)
    hand.key(key)
    assert hand.leaves_nothing()
    hand.press(20, 210)
    hand.move(60, 260, held=True)
    hand.key(key)
    assert hand.release(60, 260) is None
    assert hand.leaves_nothing()
    assert hand.edits == []
    assert not hand.tool.wants(Key("escape"))


def test_box_is_cut_at_the_border(hand: Any) -> None:
    assert box_of(hand.drag((350, 250), (420, 320), (450, 350))) == Box(350, 250, 400, 300)


def test_too_small_or_outside_is_refused_with_a_reason(hand: Any) -> None:
    hand.click(20, 210)
    assert hand.click(20.5, 260) is None
    assert "smaller than one pixel" in hand.tool.notice.take()
    assert hand.drag((410, 10), (430, 30), (480, 90)) is None
    assert hand.edits == []


def test_corner_snaps_unless_ctrl_is_held(hand: Any) -> None:
    assert box_of(hand.drag((348, 202), (370, 220), (380, 240))).x1 == 350
    assert box_of(hand.drag((10, 10), (20, 20), (30, 31.27), ctrl=True)) == Box(10, 10, 30, 31.3)


def test_quick_second_drag_counts_as_a_press(hand: Any) -> None:
    hand.drag((20, 210), (50, 240), (80, 270))
    hand.send("double", 20, 20, held=True)
    hand.move(60, 40, held=True)
    assert box_of(hand.release(60, 40)) == Box(20, 20, 60, 40)


def test_leaving_the_canvas_keeps_an_open_box(hand: Any) -> None:
    hand.click(20, 210)
    hand.move(60, 260)
    hand.send("leave", 60, 260)
    assert hand.tool.preview().shapes
    hand.key("escape")
    hand.send("leave", 60, 260)
    assert hand.tool.preview().crosshair is None
