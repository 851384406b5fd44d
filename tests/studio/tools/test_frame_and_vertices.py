"""The frame that stretches and turns the selection, vertices chosen together, and shapes that are locked or hidden."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.annotations import Box, Keypoints, Mask, OrientedBox, Polygon, Polyline, Tag
from studio.model.edits import RemoveShapes, ReplaceShapes
from studio.model.records import Shape
from studio.tools.frame import Frame, FrameDrag, changed_by, frame_of
from studio.tools.select import SelectTool
from studio.tools.snapping import find_snap

SIZE = (400, 300)
TOLERANCE = 6.0


def square(x: float, y: float, side: float) -> Polygon:
    return Polygon(((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


@pytest.fixture
def hand(new_hand: Callable[..., Any]) -> Any:
    """Polygon 1 at 50..170, polygon 2 within it at 90..130, box 3 at 250..350 x 100..200; tolerance 6."""
    return new_hand(SelectTool)


def handle(hand: Any, part: str) -> tuple[float, float]:
    frame = hand.tool.preview().frame
    assert frame is not None
    return frame.handles(TOLERANCE)[part]


def bounds(hand: Any, shape_id: int) -> tuple[float, ...]:
    return hand.scene.shape(shape_id).geometry.bounds()


# -- the frame ---------------------------------------------------------------


def test_a_polygon_has_a_frame_and_a_box_has_none(hand: Any) -> None:
    hand.click(110, 110)
    assert hand.tool.preview().frame == Frame(110, 110, 40, 40)
    hand.click(300, 150)
    assert hand.tool.preview().frame is None
    hand.click(110, 110, shift=True)
    assert hand.tool.preview().frame == Frame(220, 145, 260, 110)


def test_a_corner_stretches_about_the_opposite_one(hand: Any) -> None:
    hand.click(110, 110)
    x, y = handle(hand, "se")
    edit = hand.drag((x, y), (x + 20, y + 40))
    assert isinstance(edit, ReplaceShapes)
    assert edit.title() == "Resize polygon"
    assert bounds(hand, 2) == (90, 90, 150, 170)


def test_shift_keeps_the_proportions_and_alt_the_middle(hand: Any) -> None:
    hand.click(110, 110)
    x, y = handle(hand, "e")
    hand.drag((x, y), (x + 20, y), shift=True)
    assert bounds(hand, 2) == (90, 80, 150, 140)
    x, y = handle(hand, "s")
    hand.drag((x, y), (x, y + 10), alt=True)
    assert bounds(hand, 2) == (90, 70, 150, 150)


def test_a_side_pushed_through_the_other_keeps_a_pixel(hand: Any) -> None:
    hand.click(110, 110)
    x, y = handle(hand, "e")
    hand.drag((x, y), (x - 300, y))
    x1, _, x2, _ = bounds(hand, 2)
    assert x1 == 90
    assert x2 == pytest.approx(91)


def test_the_knob_turns_and_shift_turns_in_steps(hand: Any) -> None:
    hand.put((1, square(100, 100, 100)))
    hand.click(150, 150)
    x, y = handle(hand, "turn")
    edit = hand.drag((x, y), (260, 150))
    assert edit.title() == "Turn polygon"
    assert np.allclose(hand.scene.shape(1).geometry.exterior[0], (200, 100))
    x, y = handle(hand, "turn")
    hand.drag((x, y), (x + 31, y), shift=True)
    (x1, y1), (x2, y2) = hand.scene.shape(1).geometry.exterior[:2]
    degrees = math.degrees(math.atan2(y2 - y1, x2 - x1))
    assert degrees % 15 == pytest.approx(0, abs=0.1) or degrees % 15 == pytest.approx(15, abs=0.1)


def test_a_rotated_box_has_the_knob_alone_and_stays_a_rectangle(hand: Any) -> None:
    hand.put((1, OrientedBox(200, 150, 100, 40, 0.0)))
    hand.click(200, 150)
    frame = hand.tool.preview().frame
    assert list(frame.handles(TOLERANCE)) == ["turn"]
    hand.drag(handle(hand, "turn"), (300, 150))
    turned = hand.scene.shape(1).geometry
    assert (turned.w, turned.h) == (100, 40)
    assert turned.angle_rad == pytest.approx(math.pi / 2)


def test_a_group_turns_together_and_a_box_stays_upright(hand: Any) -> None:
    hand.put((1, square(100, 100, 40)), (2, Box(200, 100, 240, 120)))
    hand.scene.select((1, 2))
    hand.move(300, 250)
    middle = hand.tool.preview().frame
    hand.drag(handle(hand, "turn"), (middle.cx + 90, middle.cy))
    box = hand.scene.shape(2).geometry
    assert (box.x2 - box.x1, box.y2 - box.y1) == pytest.approx((40, 20))
    assert ((box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2) == pytest.approx((180, 170), abs=0.2)


def test_a_mask_is_shown_by_its_outline_and_turned_by_its_pixels(hand: Any) -> None:
    array = np.zeros((300, 400), np.uint8)
    array[100:120, 100:200] = 1
    hand.put((1, Mask.from_array(array)))
    hand.scene.select((1,))
    hand.move(300, 250)
    x, y = handle(hand, "turn")
    hand.press(x, y)
    hand.move(230, 110, held=True)
    preview = hand.tool.preview()
    assert isinstance(preview.shapes[0].geometry, Polygon)
    assert preview.label == "90.0°"
    hand.release(230, 110)
    turned = hand.scene.shape(1).geometry
    assert isinstance(turned, Mask)
    assert turned.area() == pytest.approx(2000, abs=20)
    assert turned.bounds() == pytest.approx((140, 60, 160, 160), abs=1)


def test_escape_puts_a_turned_selection_back(hand: Any) -> None:
    hand.click(110, 110)
    before = hand.scene.shapes()
    hand.press(*handle(hand, "turn"))
    hand.move(200, 110, held=True)
    assert hand.tool.preview().shapes
    hand.key("escape")
    hand.release(200, 110)
    assert hand.scene.shapes() == before
    assert hand.edits == []


def test_what_is_turned_out_of_the_image_is_brought_back(hand: Any) -> None:
    hand.put((1, Polygon(((0, 10), (200, 10), (200, 20), (0, 20)))))
    hand.scene.select((1,))
    hand.move(300, 250)
    frame = hand.tool.preview().frame
    drag = FrameDrag(frame, "turn", (frame.cx, frame.cy - 30))
    (after,) = changed_by(hand.scene.selected(), drag.motion(frame.cx + 30, frame.cy), SIZE)
    x1, y1, x2, y2 = after.geometry.bounds()
    assert (y1, y2 - y1) == pytest.approx((0, 200))
    assert x2 - x1 == pytest.approx(10)


@pytest.mark.parametrize(
    "geometry",
    [Tag(), Box(1, 1, 90, 90), Keypoints(((5, 5),), (2,)), square(5, 5, 3)],
    ids=["tag", "box", "one point", "too small"],
)
def test_there_is_no_frame_where_it_would_do_nothing(geometry: Any) -> None:
    assert frame_of([Shape(1, 7, 0, geometry)], TOLERANCE) is None


@given(
    st.sampled_from(["nw", "n", "ne", "e", "se", "s", "sw", "w"]),
    st.floats(-30, 60),
    st.floats(-30, 60),
    st.booleans(),
)
def test_the_side_that_is_not_dragged_stays(part: Any, dx: float, dy: float, even: bool) -> None:
    frame = Frame(100, 100, 80, 60)
    start = frame.handles(TOLERANCE)[part]
    motion = FrameDrag(frame, part, start).motion(start[0] + dx, start[1] + dy, even)
    x1, y1 = motion.point((60, 70))
    x2, y2 = motion.point((140, 130))
    if "e" in part:
        assert x1 == pytest.approx(60)
    if "w" in part:
        assert x2 == pytest.approx(140)
    if "s" in part:
        assert y1 == pytest.approx(70)
    if "n" in part:
        assert y2 == pytest.approx(130)
    assert x2 > x1
    assert y2 > y1


# -- several vertices --------------------------------------------------------


def test_ctrl_drag_chooses_vertices_and_a_drag_moves_all_of_them(hand: Any) -> None:
    hand.click(110, 110)
    hand.drag((80, 80), (140, 100), ctrl=True)
    assert hand.scene.selection == (2,)
    assert set(hand.tool.preview().chosen) == {(90, 90), (130, 90)}
    edit = hand.drag((130, 90), (135, 80), (140, 70), ctrl=False)
    assert edit.title() == "Move vertices"
    assert hand.scene.shape(2).geometry.exterior == ((100, 70), (140, 70), (130, 130), (90, 130))
    assert set(hand.tool.preview().chosen) == {(100, 70), (140, 70)}


def test_a_band_within_a_shape_chooses_of_all_selected_shapes(hand: Any) -> None:
    hand.scene.select((1, 2))
    hand.drag((100, 60), (180, 180), ctrl=True)
    assert set(hand.tool.preview().chosen) == {(130, 90), (130, 130), (170, 170)}
    hand.drag((40, 40), (60, 60), ctrl=True, shift=True)
    assert len(hand.tool.preview().chosen) == 4


def test_arrows_and_backspace_mean_the_chosen_vertices(hand: Any) -> None:
    hand.click(110, 110)
    hand.drag((120, 80), (140, 140), ctrl=True)
    hand.key("right", shift=True)
    assert bounds(hand, 2) == (90, 90, 140, 130)
    hand.key("backspace")
    assert hand.scene.shape(2) is not None
    assert len(hand.scene.shape(2).geometry.exterior) == 4  # two left would be no polygon
    assert "too few" in hand.tool.notice.take()
    hand.key("escape")
    assert hand.tool.preview().chosen == ()
    assert hand.scene.selection == (2,)


def test_delete_takes_chosen_vertices_before_it_takes_shapes(hand: Any) -> None:
    ring = tuple((200 + 80 * math.cos(k), 150 + 80 * math.sin(k)) for k in range(6))
    hand.put((1, Polygon(ring)))
    hand.scene.select((1,))
    hand.drag((340, 290), (140, 150), ctrl=True)
    count = len(hand.tool.preview().chosen)
    assert 1 < count < 4
    edit = hand.key("delete")
    assert edit.title() == "Remove vertices"
    assert len(hand.scene.shape(1).geometry.exterior) == 6 - count
    assert isinstance(hand.key("delete"), RemoveShapes)


def test_ctrl_click_adds_a_vertex_and_takes_it_away(hand: Any) -> None:
    hand.click(110, 110)
    hand.click(90, 90, ctrl=True)
    hand.click(130, 130, ctrl=True)
    assert set(hand.tool.preview().chosen) == {(90, 90), (130, 130)}
    hand.click(90, 90, ctrl=True)
    assert hand.tool.preview().chosen == ((130, 130),)
    hand.click(130, 90)  # taking another vertex in hand lets go of the chosen ones
    assert hand.tool.preview().chosen == ()


def test_chosen_vertices_stop_at_the_border_together(hand: Any) -> None:
    hand.put((1, Polyline(((20, 20), (60, 40), (100, 20)))))
    hand.scene.select((1,))
    hand.drag((10, 10), (70, 50), ctrl=True)
    for _ in range(5):
        hand.key("left", shift=True)
    assert hand.scene.shape(1).geometry.points == ((0, 20), (40, 40), (100, 20))


def test_chosen_vertices_that_an_undo_took_away_are_forgotten(hand: Any) -> None:
    hand.click(110, 110)
    hand.drag((80, 120), (140, 140), ctrl=True)
    triangle = Polygon(((90, 90), (130, 90), (110, 130)))
    hand.scene.update([replace(hand.scene.shape(2), geometry=triangle)])
    assert hand.tool.preview().chosen == ((110, 130),)


# -- locked and hidden -------------------------------------------------------


def mark(hand: Any, shape_id: int, **values: bool) -> None:
    hand.scene.update([replace(hand.scene.shape(shape_id), **values)])


def test_a_locked_shape_lets_clicks_through(hand: Any) -> None:
    mark(hand, 2, locked=True)
    hand.click(110, 110)
    assert hand.scene.selection == (1,)
    hand.drag((240, 90), (360, 210))
    assert hand.scene.selection == (3,)
    assert find_snap(hand.scene, 91, 91, TOLERANCE).point == (90, 90)


def test_a_locked_shape_that_the_list_selected_is_not_changed(hand: Any) -> None:
    mark(hand, 3, locked=True)
    hand.scene.select((3,))
    assert hand.tool.preview().armed == ()
    for key in ("left", "delete"):
        assert hand.key(key) is None
        assert "locked" in hand.tool.notice.take()
    assert bounds(hand, 3) == (250, 100, 350, 200)


def test_of_a_mixed_selection_the_free_shapes_change(hand: Any) -> None:
    mark(hand, 3, locked=True)
    hand.scene.select((2, 3))
    hand.key("right")
    assert (bounds(hand, 2)[0], bounds(hand, 3)[0]) == (91, 250)
    edit = hand.key("delete")
    assert [shape.id for shape in edit.shapes] == [2]


def test_a_hidden_shape_is_neither_hit_nor_selected_nor_snapped_to(hand: Any) -> None:
    hand.click(110, 110)
    mark(hand, 2, hidden=True)
    assert hand.scene.selection == ()
    hand.click(110, 110)
    assert hand.scene.selection == (1,)
    assert find_snap(hand.scene, 91, 91, TOLERANCE).shape_id != 2
    hand.scene.select((2,))
    assert hand.scene.selection == ()
