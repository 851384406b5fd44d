"""Lines, the knife, and outlines that snap to a neighbour and follow its border."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.annotations import Box, Mask, Point, Polygon, Polyline
from studio.model.edits import AddShapes, Batch, ReplaceShapes
from studio.model.records import Shape
from studio.tools.cutting import cut_apart
from studio.tools.knife import KnifeTool
from studio.tools.polygon import PolygonTool
from studio.tools.polyline import PolylineTool
from studio.tools.scene import Scene
from studio.tools.snapping import Snap, border_between, find_snap


@pytest.fixture
def line(new_hand: Any) -> Any:
    """A hand with the line tool."""
    return new_hand(PolylineTool)


@pytest.fixture
def outline(new_hand: Any) -> Any:
    """A hand with the polygon tool."""
    return new_hand(PolygonTool)


@pytest.fixture
def knife(new_hand: Any) -> Any:
    """A hand with the knife."""
    return new_hand(KnifeTool)


def geometry_of(edit: Any) -> Any:
    """Return the one shape that an edit adds."""
    assert isinstance(edit, AddShapes)
    (shape,) = edit.shapes
    return shape.geometry


# -- lines


def test_clicks_and_enter_make_a_line(line: Any) -> None:
    for place in ((10, 220), (60, 240), (90, 280)):
        line.click(*place)
    assert not line.tool.preview().filled
    assert geometry_of(line.key("enter")) == Polyline(((10, 220), (60, 240), (90, 280)))
    assert line.leaves_nothing()


def test_a_double_click_ends_a_line(line: Any) -> None:
    line.click(10, 220)
    line.click(60, 240)
    assert len(geometry_of(line.send("double", 60, 240, held=True)).points) == 2


def test_a_line_does_not_close_at_its_first_point(line: Any) -> None:
    for place in ((10, 220), (60, 240), (90, 280), (11, 221)):
        line.click(*place)
    assert not line.tool.preview().closing
    assert len(geometry_of(line.key("enter")).points) == 4


def test_a_line_ends_at_the_border_of_the_image(line: Any) -> None:
    line.click(10, 220)
    line.click(-50, 350)
    assert geometry_of(line.key("enter")).points == ((10, 220), (0, 300))


def test_a_line_of_one_point_is_refused(line: Any) -> None:
    line.click(10, 220)
    assert line.key("enter") is None
    assert "two points" in line.tool.notice.take()


def test_freehand_is_thinned_while_it_is_drawn(line: Any) -> None:
    stops = [(10 + 2 * step, 220 + 0.5 * (step % 2)) for step in range(1, 60)]
    line.press(10, 220)
    for stop in stops:
        line.move(*stop, held=True)
    assert len(line.tool.points) < 4  # straight but for the shaking of the hand
    line.release(*stops[-1])
    assert line.key("enter") is not None


def test_without_smoothing_every_step_is_kept(line: Any, scene: Scene) -> None:
    scene.options.set("smoothing", 0)
    line.drag((10, 220), *[(10 + 10 * step, 220) for step in range(1, 10)])
    assert len(line.tool.points) == 10


def test_a_very_long_trace_keeps_its_bends(line: Any) -> None:
    stops = [(20 + 3 * (step % 100), 210 + 4 * (step // 100)) for step in range(1, 900)]
    line.drag((20, 210), *stops)
    points = line.tool.points
    assert points[0] == (20, 210)
    assert max(x for x, _ in points) == 317
    assert 10 < len(points) < 100


# -- snapping


def test_a_vertex_attracts_before_an_edge_and_an_edge_before_the_border(scene: Scene) -> None:
    assert find_snap(scene, 53, 52, 6.0).kind == "vertex"
    on_edge = find_snap(scene, 110.04, 53, 6.0)
    assert (on_edge.point, on_edge.kind, on_edge.shape_id) == ((110.0, 50.0), "edge", 1)
    assert find_snap(scene, 2, 20.27, 6.0) == Snap((0.0, 20.3), "border")
    assert find_snap(scene, 20, 20, 6.0).kind == "free"


def test_nothing_attracts_where_snapping_is_off_or_the_shape_is_a_mask(scene: Scene) -> None:
    assert find_snap(scene, 53, 52, 6.0, ignore=(1,)).kind == "free"
    assert find_snap(scene, 53, 52, 0.0).kind == "free"
    scene.snapping = False
    assert find_snap(scene, 53, 52, 6.0).kind == "free"


def test_a_mask_attracts_nothing(new_hand: Any, scene: Scene) -> None:
    hand = new_hand(PolygonTool)
    hand.put((1, Mask.from_window([[1] * 20] * 20, (50, 50), 300, 400)))
    assert find_snap(scene, 52, 52, 6.0).kind == "free"


def test_points_of_an_outline_lie_on_the_neighbours_edge_unless_alt_is_held(outline: Any) -> None:
    outline.click(173, 110)
    assert outline.tool.points == [(170, 110)]
    outline.click(173, 130, alt=True)
    assert outline.tool.points[1] == (173, 130)


# -- borders


@pytest.mark.parametrize(
    ("start", "stop", "between"),
    [
        ((100, 50), (170, 100), [(170, 50)]),
        ((170, 100), (100, 50), [(170, 50)]),
        ((60, 170), (60, 50), [(50, 170), (50, 50)]),
        ((100, 50), (120, 50), []),
        ((50, 50), (170, 50), []),
    ],
)
def test_the_way_along_a_border_is_the_shorter_one(
    start: Point, stop: Point, between: list[Point], scene: Scene
) -> None:
    first, second = (find_snap(scene, *place, 6.0) for place in (start, stop))
    assert [snap.point for snap in border_between(scene, first, second)] == between


def test_two_shapes_have_no_border_in_common(scene: Scene) -> None:
    first, second = find_snap(scene, 170, 100, 6.0), find_snap(scene, 250, 120, 6.0)
    assert second.shape_id == 3
    assert border_between(scene, first, second) == []


def test_a_line_can_be_followed_but_not_round_its_ends(new_hand: Any, scene: Scene) -> None:
    new_hand(PolygonTool).put((1, Polyline(((10, 10), (60, 10), (60, 60), (10, 60)))))
    first, second = find_snap(scene, 10, 10, 6.0), find_snap(scene, 10, 60, 6.0)
    between = border_between(scene, first, second)
    assert [snap.point for snap in between] == [(60, 10), (60, 60)]
    assert [snap.point for snap in border_between(scene, second, first)] == [(60, 60), (60, 10)]


def test_shift_follows_the_neighbours_border(outline: Any) -> None:
    outline.click(170, 60)
    outline.move(170, 160, shift=True)
    assert outline.tool.preview().trail == ()  # a straight edge lies between
    outline.move(120, 170, shift=True)
    assert outline.tool.preview().trail == ((170, 170),)
    outline.click(120, 170, shift=True)
    assert outline.tool.points == [(170, 60), (170, 170), (120, 170)]
    outline.click(240, 240)
    shared = geometry_of(outline.key("enter"))
    assert shared == Polygon(((170, 60), (170, 170), (120, 170), (240, 240)))


def test_the_switch_follows_without_shift_and_closes_along_the_border(
    outline: Any, scene: Scene
) -> None:
    scene.options.set("follow", True)
    outline.click(170, 60)
    outline.click(240, 60)
    outline.click(240, 240)
    outline.click(120, 170)
    polygon = geometry_of(outline.click(170, 60))
    assert polygon.exterior == ((170, 60), (240, 60), (240, 240), (120, 170), (170, 170))


def test_a_followed_border_is_forgotten_with_the_shape(outline: Any, scene: Scene) -> None:
    outline.click(170, 60)
    scene.update((), [1])
    outline.move(120, 170, shift=True)
    assert outline.tool.preview().trail == ()


# -- the knife


def test_a_swipe_cuts_every_shape_that_it_crosses(knife: Any, scene: Scene) -> None:
    edit = knife.drag((30, 110), (100, 110), (380, 110))
    assert isinstance(edit, Batch)
    assert edit.title() == "Cut 3 shapes into 6 parts"
    replaced, added = edit.edits
    assert isinstance(replaced, ReplaceShapes)
    assert isinstance(added, AddShapes)
    assert [shape.id for shape in replaced.after] == [1, 2, 3]
    assert {shape.id for shape in added.shapes} == {0}
    assert [shape.class_id for shape in added.shapes] == [0, 0, 1]
    for shape_id, (kept, new) in zip(
        (1, 2, 3), zip(replaced.after, added.shapes, strict=True), strict=True
    ):
        before = scene.entry(shape_id)
        assert before is not None
        assert kept.geometry.area() + new.geometry.area() == pytest.approx(before.area)
        assert kept.geometry.area() >= new.geometry.area()


def test_only_the_selected_shape_is_cut(knife: Any, scene: Scene) -> None:
    scene.select((2,))
    edit = knife.drag((30, 110), (100, 110), (380, 110))
    assert [shape.id for shape in edit.edits[0].after] == [2]
    assert edit.title() == "Cut polygon into 2 parts"


def test_clicks_cut_along_several_lines(knife: Any) -> None:
    for place in ((300, 80), (300, 150), (380, 150)):
        knife.click(*place)
    edit = knife.key("enter")
    areas = sorted(
        shape.geometry.area()
        for part in edit.edits
        for shape in getattr(part, "after", None) or part.shapes
    )
    assert areas == [2500, 7500]


def test_a_line_that_does_not_go_through_cuts_nothing(knife: Any) -> None:
    assert knife.drag((240, 150), (270, 150), (300, 150)) is None
    assert "side to side" in knife.tool.notice.take()


def test_a_locked_shape_stays_whole(knife: Any, scene: Scene) -> None:
    locked = [replace(shape, locked=True) for shape in scene.shapes()[:2]]
    scene.update(locked)
    edit = knife.drag((30, 110), (100, 110), (380, 110))
    assert [shape.id for shape in edit.edits[0].after] == [3]
    scene.update([replace(scene.shapes()[2], locked=True)])
    assert knife.drag((30, 110), (100, 110), (380, 110)) is None
    assert "locked" in knife.tool.notice.take()
    assert knife.drag((240, 150), (270, 150), (300, 150)) is None
    assert "side to side" in knife.tool.notice.take()


def test_of_the_parts_the_largest_alone_keeps_the_track(knife: Any, scene: Scene) -> None:
    scene.set_shapes([Shape(1, 7, 0, Box(50, 50, 150, 150), attributes={"track_id": 4, "own": 1})])
    replaced, added = knife.drag((80, 30), (80, 100), (80, 170)).edits
    assert replaced.after[0].attributes == {"track_id": 4, "own": 1}
    assert replaced.after[0].geometry.area() == 7000
    assert added.shapes[0].attributes == {"own": 1}


def test_a_mask_is_cut_between_its_pixels(knife: Any) -> None:
    whole = np.zeros((300, 400), np.uint8)
    whole[50:150, 50:150] = 1
    whole[10:20, 10:20] = 1  # another part, which the line does not reach
    knife.put((1, Mask.from_array(whole)))
    replaced, added = knife.drag((30, 81), (100, 84), (170, 87)).edits
    parts = [shape.geometry.to_array() for shape in (*replaced.after, *added.shapes)]
    assert len(parts) == 2
    assert (parts[0] + parts[1] == whole).all()
    assert parts[0][15, 15]
    assert parts[0][90:150, 50:150].all()
    assert parts[1][50:80, 50:150].all()
    assert not parts[1][90:].any()


def test_a_line_that_ends_within_a_mask_does_not_cut_it() -> None:
    whole = np.zeros((60, 60), np.uint8)
    whole[10:50, 10:50] = 1
    mask = Mask.from_array(whole)
    assert cut_apart(mask, [(5, 30), (40, 30)]) == [mask]
    assert cut_apart(mask, [(0, 5), (60, 5)]) == [mask]
    assert cut_apart(Mask((3600,), 60, 60), [(0, 5), (60, 5)]) == [Mask((3600,), 60, 60)]
    corner = cut_apart(mask, [(5, 30), (30, 30), (30, 55)])
    assert [part.area() for part in corner] == pytest.approx([1200, 400], abs=45)
    whole[20:50, 20:40] = 0  # two legs, each cut through
    assert len(cut_apart(Mask.from_array(whole), [(0, 40), (60, 40)])) == 3


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 9999),
    line=st.lists(st.tuples(*[st.floats(-5, 35)] * 2), min_size=2, max_size=5),
)
def test_parts_of_a_mask_are_the_mask(seed: int, line: list[Point]) -> None:
    pixels = (np.random.default_rng(seed).random((20, 30)) < 0.7).astype(np.uint8)
    parts = [part.to_array() for part in cut_apart(Mask.from_array(pixels), line)]
    assert (np.sum(parts, axis=0) == pixels).all()
    assert all(part.any() for part in parts)


def test_parts_keep_holes() -> None:
    ring = Polygon(
        ((0, 0), (90, 0), (90, 90), (0, 90)), (((30, 30), (60, 30), (60, 60), (30, 60)),)
    )
    parts = cut_apart(ring, [(-5, 10), (95, 10)])
    assert [part.area() for part in parts] == [90 * 80 - 900, 900]
    assert len(cut_apart(ring, [(45, -5), (45, 95)])) == 2
    halves = cut_apart(Polyline(((0, 0), (100, 0))), [(30, -5), (30, 5)])
    assert halves == [Polyline(((30, 0), (100, 0))), Polyline(((0, 0), (30, 0)))]
    crossed = Polygon(((0, 0), (50, 50), (50, 0), (0, 50)))
    assert sum(part.area() for part in cut_apart(crossed, [(10, -5), (10, 60)])) == pytest.approx(
        1250, rel=0.01
    )
    box = Box(0, 0, 10, 10)
    assert cut_apart(box, [(20, 0), (20, 10)]) == [box]
