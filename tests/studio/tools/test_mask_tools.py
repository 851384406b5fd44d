"""Brush, eraser and wand, and the board that they paint on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.annotations import Box, Keypoints, Mask, OrientedBox, Polygon, to_mask
from studio.model.edits import AddShapes, RemoveShapes, ReplaceShapes
from studio.model.records import Shape
from studio.tools.alike import alike, colour_distance
from studio.tools.brush import BrushTool, EraserTool
from studio.tools.paint_board import PaintBoard, brush_place, enclosed, window_of
from studio.tools.scene import Scene
from studio.tools.wand import WandTool, _around


@pytest.fixture
def brush(new_hand: Any, scene: Scene) -> Any:
    """A hand with a brush of 9 pixels."""
    scene.options.set("brush_size", 9)
    return new_hand(BrushTool)


@pytest.fixture
def eraser(new_hand: Any, scene: Scene) -> Any:
    """A hand with an eraser of 9 pixels."""
    scene.options.set("brush_size", 9)
    return new_hand(EraserTool)


@pytest.fixture
def wand(new_hand: Any, scene: Scene) -> Any:
    """A hand with the wand, over a picture with a bright square of 200..260 x 20..60 and another one apart."""
    pixels = np.full((300, 400, 3), 40, np.uint8)
    pixels[20:60, 200:260] = 200
    pixels[220:240, 20:50] = 204
    pixels[20:60, 260:280] = (150, 200, 200)
    scene.pixels = lambda x1, y1, x2, y2: pixels[y1:y2, x1:x2].copy()
    scene.options.set("tolerance", 10)
    return new_hand(WandTool)


def mask_of(edit: Any) -> np.ndarray:
    """Return the pixels of the one mask that an edit makes."""
    shapes = edit.shapes if isinstance(edit, AddShapes) else edit.after
    (shape,) = shapes
    assert isinstance(shape.geometry, Mask)
    return shape.geometry.to_array()


# -- the board


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        (1, ["#"]),
        (2, ["##", "##"]),
        (3, ["###", "###", "###"]),
        (5, [".###.", "#####", "#####", "#####", ".###."]),
    ],
)
def test_small_brushes_are_round_and_even(size: int, rows: list[str]) -> None:
    board = PaintBoard((40, 30))
    place = brush_place(20.3, 15.8, size)
    board.stroke(place, place, size)
    window, _ = board.mask().window()
    # A disc of three pixels has its corners 1.41 from the middle, less than 1.5: it is a square.
    assert ["".join(".#"[v] for v in row) for row in window] == rows


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.floats(-20, 80), st.floats(-20, 60)),
    st.tuples(st.floats(-20, 80), st.floats(-20, 60)),
    st.integers(1, 25),
)
def test_a_stroke_paints_the_pixels_near_its_line(start: Any, end: Any, size: int) -> None:
    board = PaintBoard((60, 40))
    start, end = brush_place(*start, size), brush_place(*end, size)
    board.stroke(start, end, size)
    rows, columns = np.mgrid[:40, :60] + 0.5
    along = np.array(end) - start
    share = (columns - start[0]) * along[0] + (rows - start[1]) * along[1]
    share = np.clip(share / max(along @ along, 1e-9), 0, 1)
    away = np.hypot(columns - start[0] - share * along[0], rows - start[1] - share * along[1])
    painted = board.mask().to_array() != 0
    assert painted[away < size / 2 - 0.01].all()
    assert not painted[away > size / 2 + 0.01].any()


def test_the_board_grows_and_keeps_what_is_there() -> None:
    board = PaintBoard((4000, 3000))
    board.stroke((100, 100), (100, 100), 10)
    first = board.mask().area()
    assert board.pixels.size < 1_000_000  # no room for the whole image is taken
    board.stroke((3500, 2500), (3500, 2500), 10)
    assert board.mask().area() == 2 * first
    board.stroke((100, 100), (100, 100), 12, 0)
    assert board.mask().area() == first


def test_what_changed_is_told_with_another_revision() -> None:
    board = PaintBoard((400, 300))
    board.stroke((100, 100), (100, 100), 10)
    one = board.paint(0)
    board.stroke((200, 100), (210, 100), 10)
    two = board.paint(0)
    assert one != two
    assert two.changed == (195, 95, 215, 105)


def test_holes_are_background_that_does_not_reach_the_border() -> None:
    ring = np.array([[0, 1, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 0]], np.uint8)
    assert enclosed(ring).sum() == 1
    ring[2, 3] = 0
    assert enclosed(ring).sum() == 1  # a diagonal step does not let it out
    ring[1, 3] = 0
    assert enclosed(ring).sum() == 0


@pytest.mark.parametrize(
    "geometry",
    [
        Box(10.2, 20.7, 60, 45),
        OrientedBox(50, 40, 30, 12, 0.6),
        Polygon(((380, 280), (420, 290), (390, 330))),
        Box(500, 10, 520, 20),
    ],
)
def test_a_window_has_the_pixels_of_the_whole_image(geometry: Any) -> None:
    window, (x, y) = window_of(geometry, (400, 300))
    whole = to_mask(geometry, 300, 400).to_array()
    assert window.sum() == whole.sum()
    assert (whole[y : y + window.shape[0], x : x + window.shape[1]] == window).all()


# -- the brush


def test_a_stroke_makes_a_mask_of_the_current_class(brush: Any, scene: Scene) -> None:
    scene.class_id = 1
    edit = brush.drag((200, 250), (230, 250), (260, 250))
    pixels = mask_of(edit)
    assert edit.shapes[0].class_id == 1
    assert pixels[250, 200:260].all()
    assert int(pixels.sum()) == pytest.approx(9 * 60 + 64, rel=0.05)
    assert brush.leaves_nothing()


def test_the_canvas_sees_the_stroke_while_it_is_painted(brush: Any) -> None:
    brush.press(200, 250)
    first = brush.tool.preview()
    brush.move(220, 250, held=True)
    second = brush.tool.preview()
    assert first.paint.pixels is second.paint.pixels  # the canvas draws only what changed
    assert first.paint != second.paint
    assert second.brush == (220.5, 250.5, 4.5)
    brush.key("escape")
    assert brush.tool.preview().paint is None
    assert brush.release(220, 250) is None


def test_the_next_stroke_goes_on_with_the_shape_until_enter(brush: Any, scene: Scene) -> None:
    brush.drag((200, 250), (210, 250))
    brush.move(205, 260)
    made = max(shape.id for shape in scene.shapes())
    assert scene.hovered == made
    second = brush.drag((220, 250), (230, 250))
    assert isinstance(second, ReplaceShapes)
    assert second.after[0].id == made
    brush.key("enter")
    assert isinstance(brush.drag((300, 250), (310, 250)), AddShapes)


def test_another_class_begins_another_shape(brush: Any, scene: Scene) -> None:
    brush.drag((200, 250), (210, 250))
    scene.class_id = 1
    edit = brush.drag((220, 250), (230, 250))
    assert isinstance(edit, AddShapes)
    assert edit.shapes[0].class_id == 1


def test_the_selected_shape_is_painted_on(brush: Any, scene: Scene) -> None:
    scene.select((2,))
    brush.press(140, 110)
    assert brush.tool.preview().hidden == (2,)
    edit = brush.release(140, 110)
    assert isinstance(edit, ReplaceShapes)
    assert edit.title() == "Paint pixels"
    assert mask_of(edit).sum() > 40 * 40
    assert mask_of(edit)[90:130, 90:130].all()


def test_ctrl_erases_and_shift_goes_straight_on(brush: Any) -> None:
    brush.click(200, 250)
    edit = brush.click(260, 250, shift=True)
    assert mask_of(edit)[250, 200:260].all()
    edit = brush.click(230, 250, ctrl=True)
    assert not mask_of(edit)[250, 228:233].any()
    assert edit.title() == "Erase pixels"


def test_what_a_stroke_encloses_is_filled_where_that_is_asked_for(brush: Any, scene: Scene) -> None:
    ring = [(220, 220), (260, 220), (260, 260), (220, 260), (220, 220)]
    assert not mask_of(brush.drag(*ring))[240, 240]
    brush.key("enter")
    scene.options.set("fill_holes", True)
    assert mask_of(brush.drag(*ring))[240, 240]


def test_a_hole_that_was_there_stays(brush: Any, scene: Scene) -> None:
    pixels = np.zeros((300, 400), np.uint8)
    pixels[200:260, 200:260] = 1
    pixels[220:240, 220:240] = 0
    brush.put((5, Mask.from_array(pixels)))
    scene.select((5,))
    scene.options.set("fill_holes", True)
    edit = brush.drag((270, 210), (290, 210), (290, 250), (255, 250), (255, 210), (270, 210))
    assert not mask_of(edit)[230, 230]
    assert mask_of(edit)[230, 275]


def test_what_cannot_be_painted_is_said(brush: Any, scene: Scene) -> None:
    scene.select((1, 2))
    assert brush.click(100, 100) is None
    assert "one shape" in brush.tool.notice.take()
    scene.update([Shape(2, 7, 0, Box(10, 10, 50, 50), z=2, locked=True)])
    scene.select((2,))
    assert brush.click(20, 20) is None
    assert "locked" in brush.tool.notice.take()
    scene.select(())
    assert brush.click(-50, -50) is None
    assert "outside" in brush.tool.notice.take()


def test_points_that_are_selected_are_not_painted_on(brush: Any, scene: Scene) -> None:
    brush.put((5, Keypoints(((30, 30),), (2,))))
    scene.select((5,))
    assert isinstance(brush.click(30, 30), AddShapes)


# -- the eraser


def test_the_eraser_takes_from_the_shape_under_the_cursor(eraser: Any) -> None:
    edit = eraser.drag((95, 110), (110, 110))
    assert isinstance(edit, ReplaceShapes)
    assert edit.after[0].id == 2  # the small one, which lies on the large one
    assert not mask_of(edit)[110, 95:110].any()


def test_a_shape_that_is_erased_whole_is_removed(eraser: Any, scene: Scene) -> None:
    scene.options.set("brush_size", 100)
    edit = eraser.click(110, 110)
    assert isinstance(edit, RemoveShapes)
    assert edit.title() == "Erase shape"


def test_erasing_beside_a_shape_changes_nothing(eraser: Any, scene: Scene) -> None:
    assert eraser.click(380, 20) is None
    assert "nothing to erase" in eraser.tool.notice.take()
    scene.select((3,))
    assert eraser.click(380, 20) is None
    assert eraser.edits == []


# -- the wand


def test_a_click_takes_what_hangs_together(wand: Any) -> None:
    pixels = mask_of(wand.click(230, 40))
    assert pixels.sum() == 40 * 60
    assert pixels[20:60, 200:260].all()


def test_not_connected_takes_alike_pixels_everywhere(wand: Any, scene: Scene) -> None:
    scene.options.set("contiguous", False)
    assert mask_of(wand.click(230, 40)).sum() == 40 * 60 + 20 * 30


def test_dragging_takes_more_and_the_tolerance_stays(wand: Any, scene: Scene) -> None:
    wand.press(230, 40)
    wand.move(330, 40, held=True)
    assert wand.tool.preview().label == "Tolerance 60"
    assert wand.tool.preview().paint.bounds()[2] >= 280
    assert mask_of(wand.release(330, 40)).sum() == 40 * 80
    assert scene.options.tolerance == 60


def test_shift_adds_and_ctrl_takes_away(wand: Any) -> None:
    wand.click(230, 40)
    edit = wand.click(30, 230, shift=True)
    assert isinstance(edit, ReplaceShapes)
    assert mask_of(edit).sum() == 40 * 60 + 20 * 30
    assert mask_of(wand.click(230, 40, ctrl=True)).sum() == 20 * 30


def test_escape_drops_the_click(wand: Any) -> None:
    wand.press(230, 40)
    wand.key("escape")
    assert wand.release(230, 40) is None
    assert wand.tool.preview().paint is None


def test_enclosed_pixels_are_taken_where_that_is_asked_for(wand: Any, scene: Scene) -> None:
    pixels = np.full((300, 400, 3), 40, np.uint8)
    pixels[20:60, 200:260] = 200
    pixels[30:40, 220:230] = 90
    scene.pixels = lambda x1, y1, x2, y2: pixels[y1:y2, x1:x2].copy()
    scene.options.set("fill_holes", True)
    assert mask_of(wand.click(205, 25)).sum() == 40 * 60


@pytest.mark.parametrize(("most", "taken", "said"), [(10**6, 400, ""), (2 * 80 * 80, 0, "80")])
def test_the_wand_looks_farther_where_its_pixels_go_on(
    most: int, taken: int, said: str, wand: Any, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.tools.wand._FIRST", 40 * 40)
    monkeypatch.setattr("studio.tools.wand._MOST", most)
    monkeypatch.setattr("studio.tools.wand._STRIP", 7)
    pixels = np.full((300, 400, 3), 40, np.uint8)
    pixels[100:110] = 200
    scene.pixels = lambda x1, y1, x2, y2: pixels[y1:y2, x1:x2].copy()
    found = mask_of(wand.click(230, 105))
    assert found[100:110, 230 - 20 : 230 + 20].all()
    assert found.sum() == 10 * (taken or np.flatnonzero(found.any(0)).size)
    notice = wand.tool.notice.take()
    assert ("stopped there" in notice) == bool(said)
    wand.tool.let_go()
    scene.options.set("contiguous", False)
    pixels[5, 5] = 200
    assert mask_of(wand.click(230, 105))[5, 5] == bool(taken)
    assert ("stopped there" in wand.tool.notice.take()) == bool(said)


def test_what_ends_near_the_click_is_looked_for_there_alone(
    wand: Any, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.tools.wand._FIRST", 120 * 120)
    asked: list[tuple[int, ...]] = []
    pixels = scene.pixels
    scene.pixels = lambda *place: (asked.append(place), pixels(*place))[1]
    assert mask_of(wand.click(230, 40)).sum() == 40 * 60
    assert wand.tool.notice.take() == ""
    assert max(x2 - x1 for x1, _, x2, _ in asked) <= 120


@pytest.mark.parametrize("size", [(400, 300), (50, 9000), (9000, 50), (3000, 3000)])
def test_the_part_around_a_click_is_as_large_as_may_be(size: tuple[int, int]) -> None:
    for most in (50 * 50, 150_000, 10**8):
        x1, y1, x2, y2 = _around(30, 40, size, most)
        assert 0 <= x1 <= 30 < x2 <= size[0]
        assert 0 <= y1 <= 40 < y2 <= size[1]
        assert (x2 - x1) * (y2 - y1) <= most
        if size[0] * size[1] <= most:
            assert (x2 - x1, y2 - y1) == size


def test_the_wand_says_why_it_takes_nothing(wand: Any, scene: Scene) -> None:
    assert wand.click(-5, 10) is None
    assert "Click on the picture" in wand.tool.notice.take()
    assert wand.click(230, 40, ctrl=True) is None
    assert "no shape in hand" in wand.tool.notice.take()
    scene.pixels = lambda *_: None
    assert wand.click(230, 40) is None
    assert "still being read" in wand.tool.notice.take()


def test_a_distance_is_the_largest_of_the_channels() -> None:
    pixels = np.array([[[10, 10, 10], [12, 9, 60], [200, 10, 10]]], np.uint8)
    assert colour_distance(pixels, pixels[0, 0]).tolist() == [[0, 50, 190]]
    assert alike(colour_distance(pixels, pixels[0, 0]), 0, 0, 50, contiguous=True).tolist() == [
        [1, 1, 0]
    ]
