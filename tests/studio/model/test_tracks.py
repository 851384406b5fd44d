"""Between key frames: geometries mixed, tracks numbered, gaps filled and taken back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.annotations import (
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.annotations.moved import moved
from studio.model.clock import clock_text
from studio.model.edits import AddShapes
from studio.model.edits.arranging import copied
from studio.model.edits.tracks import fill_gaps, number_tracks
from studio.model.errors import EditError
from studio.model.geometry_ops.between import between
from studio.model.project import Project
from studio.model.records import Shape, new_shape
from studio.model.tracks import FILLED_IN, shares, track_of
from studio.storage.image_index import add_folder
from studio.storage.sequences import (
    FrameTimes,
    frames_beside,
    free_track,
    next_key_frame,
    sequence_of,
)

SHARES = st.floats(0.05, 0.95)
WAYS = st.tuples(st.floats(-40, 40), st.floats(-40, 40))
STAR = Polygon(
    tuple(
        (50 + (30 if i % 2 else 14 + i) * math.cos(i * 0.6), 50 + 25 * math.sin(i * 0.6))
        for i in range(10)
    ),
    (((48.0, 48.0), (54.0, 48.0), (54.0, 53.0)),),
)
SHAPES: tuple[Geometry, ...] = (
    Box(10, 20, 40, 60),
    OrientedBox(40, 40, 30, 12, 0.4),
    STAR,
    Polyline(((10, 10), (30, 12), (44, 40))),
    Keypoints(((10, 10), (30, 12), (0, 0)), (2, 1, 0)),
)


@given(st.sampled_from(SHAPES), WAYS, SHARES)
def test_what_only_moved_is_on_its_way(shape: Geometry, way: tuple[float, float], t: float) -> None:
    found = between(shape, shape.translated(*way), t)
    assert type(found) is type(shape)
    expected = shape.translated(way[0] * t, way[1] * t)
    if not isinstance(shape, Keypoints):  # its third point is nowhere and has no way
        assert np.allclose(found.bounds(), expected.bounds(), atol=0.02)
        assert found.area() == pytest.approx(expected.area(), rel=1e-2, abs=0.5)


@given(st.sampled_from(SHAPES), WAYS)
def test_the_ends_are_the_key_frames(shape: Geometry, way: tuple[float, float]) -> None:
    other = shape.translated(*way)
    assert between(shape, other, 0) == shape
    assert between(shape, other, 1) == other


@given(st.integers(0, 9), st.booleans(), SHARES)
def test_where_an_outline_begins_and_which_way_round_does_not_matter(
    shift: int, is_reversed: bool, t: float
) -> None:
    ring = STAR.exterior[shift:] + STAR.exterior[:shift]
    other = Polygon(ring[::-1] if is_reversed else ring, STAR.holes)
    found = between(STAR, other, t)
    assert np.allclose(found.exterior, STAR.exterior, atol=0.01)


def test_outlines_of_different_counts_and_holes() -> None:
    square = Polygon(((0, 0), (40, 0), (40, 40), (0, 40)))
    finer = Polygon(
        ((20, 0), (40, 0), (40, 20), (40, 40), (20, 40), (0, 40), (0, 20), (0, 0)),
        (((18, 18), (22, 18), (22, 22)),),
    ).translated(10, 0)
    found = between(square, finer, 0.25)
    assert isinstance(found, Polygon)
    assert found.bounds() == pytest.approx((2.5, 0, 42.5, 40), abs=0.01)
    assert found.area() == pytest.approx(1600, abs=1)
    assert found.holes == ()
    assert len(between(square, finer, 0.75).holes) == 1
    grown = between(square, moved(finer, np.array([[2, 0, 0], [0, 2, 0]])), 0.5)
    assert grown.bounds() == pytest.approx((10, 0, 70, 60), abs=1.5)


def test_a_turned_box_takes_the_shorter_way() -> None:
    found = between(OrientedBox(0, 0, 4, 2, 3.0), OrientedBox(0, 0, 4, 2, 0.1), 0.5)
    assert isinstance(found, OrientedBox)
    assert math.remainder(found.angle_rad - (3.0 + 0.1 + math.pi) / 2, math.pi) == pytest.approx(0)


def test_masks_grow_and_move_at_once() -> None:
    def disc(x: float, radius: float) -> Mask:
        rows, columns = np.mgrid[:80, :120]
        return Mask.from_array((columns - x) ** 2 + (rows - 40) ** 2 < radius**2)

    found = between(disc(30, 10), disc(90, 20), 0.5)
    assert isinstance(found, Mask)
    a, b = found.to_array() > 0, disc(60, 15).to_array() > 0
    assert (a & b).sum() / (a | b).sum() > 0.95
    with pytest.raises(EditError, match="sizes"):
        between(disc(30, 10), Mask.from_array(np.ones((2, 2))), 0.5)


def test_a_box_and_an_outline_meet_and_strangers_do_not() -> None:
    box = Box(0, 0, 20, 20)
    found = between(box, to_polygon(box.translated(10, 0)), 0.5)
    assert isinstance(found, Polygon)
    assert found.bounds() == pytest.approx((5, 0, 25, 20))
    with pytest.raises(EditError, match="nothing between"):
        between(box, SHAPES[4], 0.5)
    with pytest.raises(EditError, match="keypoints"):
        between(SHAPES[4], Keypoints(((1, 1),), (2,)), 0.5)
    assert between(Tag(), Tag(), 0.5) == Tag()


def to_polygon(box: Box) -> Polygon:
    return Polygon(box.corners())


def test_shares_by_time_and_by_place() -> None:
    assert shares(None, [5, 6, 9]) == [0, 0.5, 1]
    assert shares({5: 0.0, 6: 1.0, 9: 4.0}, [5, 6, 9]) == [0, 0.25, 1]
    assert shares({5: 0.0, 6: 1.0}, [5, 6, 9]) == [0, 0.5, 1]  # not all are known


def test_clock() -> None:
    assert clock_text(64.25) == "1:04.25"
    assert clock_text(3725.5) == "1:02:05.50"


@pytest.fixture
def walk(project: Project, tmp_path: Path, write_photos: Any) -> Iterator[Project]:
    """Twelve images of one folder, with another folder beside and one below."""
    write_photos(tmp_path / "set" / "a", 12)
    write_photos(tmp_path / "set" / "a" / "img5b", 1)
    write_photos(tmp_path / "set" / "b", 2)
    for _ in add_folder(project, tmp_path / "set"):
        pass
    project.add_class("bolt")
    return project


def frames(project: Project) -> list[int]:
    records = project.images(project.image_ids())
    return [r.id for r in records if r.path.parent.name == "a"]


def draw(
    project: Project, image_id: int, box: Box, track: int | None, source: str = "drawn"
) -> Shape:
    given = {} if track is None else {"track_id": track}
    edit = project.apply(AddShapes((new_shape(image_id, 0, box, source, attributes=given),)))
    assert isinstance(edit, AddShapes)
    return edit.shapes[0]


def test_a_folder_is_a_sequence_in_natural_order(walk: Project) -> None:
    ids = frames(walk)
    assert [r.path.name for r in walk.images(ids)][9:] == ["img9.png", "img10.png", "img11.png"]
    assert sequence_of(walk, ids[4]) == ids
    assert list(frames_beside(walk, ids[2], back=True)) == [ids[1], ids[0]]
    assert list(frames_beside(walk, ids[-1])) == []


def test_key_frames_are_found_and_numbers_are_free(walk: Project) -> None:
    ids = frames(walk)
    assert free_track(walk, ids[0]) == 1
    draw(walk, ids[1], Box(0, 0, 5, 5), 7)
    draw(walk, ids[4], Box(0, 0, 5, 5), 7, FILLED_IN)
    draw(walk, ids[8], Box(0, 0, 5, 5), 7)
    other = next(i for i in walk.image_ids() if i not in ids)
    draw(walk, other, Box(0, 0, 5, 5), 70)
    assert free_track(walk, ids[0]) == 8 or walk.image(other).path.parent.name == "img5b"
    assert next_key_frame(walk, ids[1], 7) == ids[8]
    assert next_key_frame(walk, ids[8], 7, back=True) == ids[1]
    assert next_key_frame(walk, ids[8], 7) is None


def test_gaps_are_filled_once_and_taken_back_at_once(walk: Project) -> None:
    ids = frames(walk)[2:8]
    first = draw(walk, ids[0], Box(0, 0, 10, 10), 3)
    kept = draw(walk, ids[2], Box(30, 30, 40, 40), 3)
    last = draw(walk, ids[5], Box(50, 0, 60, 10), 3)

    def fill() -> int:
        edit = fill_gaps([(ids, first, last, {i: walk.shapes(i) for i in ids})])
        assert edit is not None
        walk.apply(edit)
        return sum(len(walk.shapes(i)) for i in ids)

    assert fill() == 6
    assert walk.shapes(ids[2]) == [kept]
    (second,) = walk.shapes(ids[1])
    assert second.geometry == Box(10, 0, 20, 10)
    assert (second.source, track_of(second)) == (FILLED_IN, 3)
    before = {i: [s.geometry for s in walk.shapes(i)] for i in ids}
    assert fill() == 6  # made anew, not twice
    walk.undo()
    assert {i: [s.geometry for s in walk.shapes(i)] for i in ids} == before
    walk.undo()
    assert sum(len(walk.shapes(i)) for i in ids) == 3
    walk.redo()
    assert {i: [s.geometry for s in walk.shapes(i)] for i in ids} == before
    assert fill_gaps([(ids[:2], first, last, {})]) is None


def test_only_shapes_without_a_track_are_numbered(walk: Project) -> None:
    image_id = frames(walk)[0]
    shapes = [draw(walk, image_id, Box(0, 0, 5, 5), track) for track in (None, 4, None)]
    edit = number_tracks(shapes, free_track(walk, image_id))
    assert edit is not None
    walk.apply(edit)
    assert [track_of(shape) for shape in walk.shapes(image_id)] == [5, 4, 6]
    assert number_tracks(walk.shapes(image_id), 9) is None


def test_a_copy_of_what_was_filled_in_is_a_key_frame_of_the_same_track(walk: Project) -> None:
    one, two = frames(walk)[:2]
    shape = draw(walk, one, Box(0, 0, 5, 5), 3, FILLED_IN)
    edit = copied([shape], two, (64, 48), "Copy {shapes}").edit
    assert edit is not None
    walk.apply(edit)
    (copy,) = walk.shapes(two)
    assert (copy.source, track_of(copy)) == ("drawn", 3)
    assert next_key_frame(walk, one, 3) == two


def test_times_are_those_of_the_list_beside_the_frames(tmp_path: Path) -> None:
    times = FrameTimes()
    assert times.of(tmp_path / "x.jpg") is None
    (tmp_path / "sequence.json").write_text("{")
    assert times.of(tmp_path / "x.jpg") is None
