"""Circles, ellipses, rotated rectangles, points."""

from __future__ import annotations

from math import cos, dist, pi, radians, sin
from typing import Any

import pytest

from engine.data.annotations import Keypoints, OrientedBox, Polygon
from studio.model.edits import AddShapes
from studio.tools.ellipse import CircleTool, EllipseTool, ellipse_polygon, vertex_count
from studio.tools.oriented_box import OrientedBoxTool, State, box_on_side
from studio.tools.point import PointTool


def geometry_of(edit: Any) -> Any:
    """Return the one shape that an edit adds."""
    assert isinstance(edit, AddShapes)
    (shape,) = edit.shapes
    return shape.geometry


@pytest.mark.parametrize("radius", [1, 5, 30, 200, 900])
def test_a_circle_has_as_many_vertices_as_it_needs(radius: float) -> None:
    polygon = ellipse_polygon((1000.0, 1000.0), radius, radius)
    assert polygon.area() == pytest.approx(pi * radius**2, rel=0.12 if radius < 10 else 0.02)
    count = len(polygon.exterior)
    assert radius * (1 - cos(pi / count)) <= 0.25
    assert count <= max(8, vertex_count(900))


def test_a_circle_is_dragged_from_its_middle_or_clicked(new_hand: Any) -> None:
    hand = new_hand(CircleTool)
    dragged = geometry_of(hand.drag((200, 240), (215, 240), (240, 240)))
    assert isinstance(dragged, Polygon)
    assert dragged.bounds() == (160, 200, 240, 280)
    hand.click(200, 240, ctrl=True)
    assert hand.tool.preview().shapes == () or hand.tool.preview().shapes[0].geometry.area() == 0
    hand.move(220, 240, ctrl=True)
    assert hand.tool.preview().shapes[0].geometry.bounds() == (180, 220, 220, 260)
    assert geometry_of(hand.click(220, 240, ctrl=True)).bounds() == (180, 220, 220, 260)
    assert hand.leaves_nothing()


def test_a_circle_is_cut_at_the_border_and_refused_outside(new_hand: Any) -> None:
    hand = new_hand(CircleTool)
    assert geometry_of(hand.drag((10, 260), (20, 260), (50, 260), ctrl=True)).bounds()[0] == 0
    assert hand.drag((-100, 260), (-90, 260), (-80, 260), ctrl=True) is None
    assert "circle" in hand.tool.notice.take()


def test_an_ellipse_fills_its_box_and_shift_makes_a_circle(new_hand: Any) -> None:
    hand = new_hand(EllipseTool)
    ellipse = geometry_of(hand.drag((200, 210), (230, 230), (300, 250), ctrl=True))
    assert ellipse.bounds() == (200, 210, 300, 250)
    assert ellipse.area() == pytest.approx(pi * 50 * 20, rel=0.02)
    circle = geometry_of(hand.drag((200, 210), (230, 230), (280, 250), ctrl=True, shift=True))
    assert circle.bounds() == (200, 210, 280, 290)


def test_three_clicks_make_a_rotated_box(new_hand: Any) -> None:
    hand = new_hand(OrientedBoxTool)
    turn = radians(30)
    far = (200 + 80 * cos(turn), 220 + 80 * sin(turn))
    hand.click(200, 220, ctrl=True)
    assert hand.tool.state is State.SIDE
    hand.click(*far, ctrl=True)
    assert hand.tool.state is State.WIDTH
    box = geometry_of(hand.click(far[0] - 30 * sin(turn), far[1] + 30 * cos(turn), ctrl=True))
    assert isinstance(box, OrientedBox)
    assert (box.w, box.h, box.angle_rad) == pytest.approx((80, 30, turn), abs=0.1)
    assert hand.leaves_nothing()


def test_the_first_side_may_be_dragged_and_backspace_goes_back(new_hand: Any) -> None:
    hand = new_hand(OrientedBoxTool)
    hand.drag((200, 220), (220, 220), (280, 220), ctrl=True)
    assert hand.tool.state is State.WIDTH
    hand.key("backspace")
    hand.click(260, 220, ctrl=True)
    box = geometry_of(hand.click(240, 250, ctrl=True))
    assert (box.w, box.h) == pytest.approx((60, 30))
    hand.click(200, 220)
    hand.key("backspace")
    assert hand.leaves_nothing()


def test_shift_turns_the_side_to_a_multiple_of_15_degrees(new_hand: Any) -> None:
    hand = new_hand(OrientedBoxTool)
    hand.click(200, 220, ctrl=True)
    hand.click(280, 224, ctrl=True, shift=True)
    assert geometry_of(hand.click(240, 260, ctrl=True)).angle_rad == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("far", [(100, 160), (100, 40), (170, 131)])
def test_a_box_has_its_side_and_reaches_the_far_point(far: tuple[float, float]) -> None:
    first, second = (60.0, 100.0), (160.0, 120.0)
    box = box_on_side(first, second, far)
    corners = box.corners()
    for end in (first, second):
        assert min(dist(end, corner) for corner in corners) < 1e-6
    x, y = far[0] - box.cx, far[1] - box.cy
    across = y * cos(box.angle_rad) - x * sin(box.angle_rad)
    assert abs(across) == pytest.approx(box.h / 2)


def test_a_flat_box_and_one_outside_are_refused(new_hand: Any) -> None:
    hand = new_hand(OrientedBoxTool)
    for far, word in (((240, 220.2), "smaller"), ((240, 500), "")):
        hand.click(200, 220, ctrl=True)
        hand.click(280, 220, ctrl=True)
        edit = hand.click(*far, ctrl=True)
        assert (edit is None) == bool(word)
        assert word in hand.tool.notice.take()
    for place in ((500, 20), (560, 20), (560, 60)):
        edit = hand.click(*place, ctrl=True)
    assert edit is None
    assert "outside" in hand.tool.notice.take()


def test_a_click_is_a_point(new_hand: Any) -> None:
    hand = new_hand(PointTool)
    assert geometry_of(hand.click(200.44, 20)) == Keypoints(((200.4, 20.0),), (2,))
    assert geometry_of(hand.click(252, 98)).points == ((250, 100),)  # the corner of the box
    hand.press(20, 20)
    assert hand.tool.preview().shapes[0].geometry.points == ((20, 20),)
    hand.key("escape")
    assert hand.release(20, 20) is None
    assert hand.click(500, 20) is None
    assert "outside" in hand.tool.notice.take()
