"""Which shapes say the same: of one class and kind, each of their points within half a pixel."""

from __future__ import annotations

import math
from dataclasses import replace

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
from studio.model.records import Shape, new_shape
from studio.storage.alike import unlike

SQUARE = ((10.0, 10.0), (30.0, 10.0), (30.0, 30.0), (10.0, 30.0))
HOLE = ((15.0, 15.0), (20.0, 15.0), (20.0, 20.0))
SLIT = ((22.0, 22.0), (28.0, 22.0), (28.0, 28.0))
PIXELS = np.pad(np.ones((4, 5), np.uint8), 3)
ONES: list[Geometry] = [
    Box(10, 20, 30, 40),
    OrientedBox(50, 40, 30, 10, 0.3),
    Polygon(SQUARE),
    Polygon(SQUARE, (HOLE,)),
    Polyline(SQUARE),
    Keypoints(SQUARE, (2, 2, 1, 2)),
]


def shape(geometry: Geometry, class_id: int = 0) -> Shape:
    return new_shape(1, class_id, geometry)


@pytest.mark.parametrize("geometry", ONES, ids=lambda one: one.kind)
def test_half_a_pixel_is_the_same_and_more_is_not(geometry: Geometry) -> None:
    present = [shape(Box(0, 0, 5, 5)), shape(geometry)]
    near, far = shape(geometry.translated(0.4, -0.4)), shape(geometry.translated(0.0, 0.7))
    assert unlike(present, [near]) == []
    assert unlike(present, [far, near]) == [far]
    assert unlike([], [near, near]) == [near, near]  # nothing is there: they are not compared


@pytest.mark.parametrize("geometry", [*ONES, Mask.from_array(PIXELS), Tag()], ids=lambda g: g.kind)
def test_another_class_is_another_shape(geometry: Geometry) -> None:
    present = [shape(geometry)]
    assert unlike(present, [shape(geometry)]) == []
    other = shape(geometry, 1)
    assert unlike(present, [other]) == [other]
    assert unlike(present, [replace(shape(geometry), attributes={"occluded": True})]) == []


def test_kinds_holes_and_numbers_of_points_differ() -> None:
    ring = shape(Polygon(SQUARE))
    others = [shape(Polygon(SQUARE, (HOLE,))), shape(Polyline(SQUARE)), shape(Polygon(SQUARE[:3]))]
    assert unlike([ring], others) == others
    other_mask = shape(Mask.from_array(np.roll(PIXELS, 1, 0)))
    assert unlike([shape(Mask.from_array(PIXELS))], [other_mask]) == [other_mask]


def test_a_ring_may_begin_anywhere_and_run_either_way() -> None:
    present = [shape(Polygon(SQUARE, (HOLE, SLIT)))]
    for start in range(4):
        for step in (1, -1):
            ring = tuple(SQUARE[(start + step * n) % 4] for n in range(4))
            near = Polygon(ring, (SLIT[::-1], HOLE[1:] + HOLE[:1])).translated(0.4, -0.4)
            assert unlike(present, [shape(near)]) == []
            far = shape(Polygon(ring, (SLIT, HOLE)).translated(0.0, 0.7))
            assert unlike(present, [far]) == [far]
    closed = Polygon((*SQUARE, SQUARE[0]), (HOLE, SLIT))
    assert unlike(present, [shape(closed)]) == []


def test_rings_within_the_same_bounds_differ() -> None:
    crossed = (SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3])  # the same vertices in another order
    other_hole = tuple((x + 5, y) for x, y in HOLE)
    present = [shape(Polygon(SQUARE, (HOLE,)))]
    others = [shape(Polygon(crossed, (HOLE,))), shape(Polygon(SQUARE, (other_hole,)))]
    assert unlike(present, others) == others
    twice = [shape(Polygon(SQUARE, (HOLE, HOLE)))]
    assert unlike(twice, [shape(Polygon(SQUARE, (HOLE, other_hole)))])


@given(
    points=st.lists(
        st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=12, unique=True
    ),
    start=st.integers(0, 11),
    back=st.booleans(),
    noise=st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=12, max_size=12),
)
def test_any_ring_is_known_however_it_is_told(
    points: list[tuple[int, int]],
    start: int,
    back: bool,
    noise: list[tuple[int, int]],
) -> None:
    ring = tuple((float(x), float(y)) for x, y in points)
    moved = [
        (x + dx / 10, y + dy / 10) for (x, y), (dx, dy) in zip(ring, noise, strict=False)
    ]  # by less than half a pixel each
    turned = moved[start % len(moved) :] + moved[: start % len(moved)]
    told = Polygon(tuple(turned[::-1] if back else turned))
    assert unlike([shape(Polygon(ring))], [shape(told)]) == []


def test_a_box_may_be_told_from_any_corner() -> None:
    present = [shape(Box(10, 20, 30, 40))]
    for box in (Box(30, 40, 10, 20), Box(10, 40, 30, 20), Box(30, 20, 10, 40)):
        assert unlike(present, [shape(box)]) == []


def test_a_line_has_a_direction() -> None:
    backward = shape(Polyline(SQUARE[::-1]))
    assert unlike([shape(Polyline(SQUARE))], [backward]) == [backward]


def test_a_rotated_box_may_be_told_from_another_side() -> None:
    box = OrientedBox(50, 40, 30, 10, 0.3)
    turned = OrientedBox(50, 40, 10, 30, 0.3 + math.pi / 2)
    assert unlike([shape(box)], [shape(turned)]) == []
    upright = shape(OrientedBox(50, 40, 10, 30, 0.3))
    assert unlike([shape(box)], [upright]) == [upright]


def test_points_that_nobody_labelled_mean_nothing() -> None:
    present = shape(Keypoints(((1, 1), (0, 0)), (2, 0)))
    assert unlike([present], [shape(Keypoints(((1, 1), (90, 90)), (2, 0)))]) == []
    hidden = shape(Keypoints(((1, 1), (0, 0)), (2, 1)))
    assert unlike([present], [hidden]) == [hidden]


def test_among_many_the_near_ones_are_found() -> None:
    places = np.random.default_rng(0).integers(0, 40, (600, 4)) / 4
    boxes = [shape(Box(x, y, x + w + 1, y + h + 1)) for x, y, w, h in places.tolist()]
    present, others = boxes[:300], boxes[300:]

    def is_near(one: Shape, other: Shape) -> bool:
        pairs = zip(one.geometry.bounds(), other.geometry.bounds(), strict=True)
        return all(abs(a - b) <= 0.5 for a, b in pairs)

    wanted = [one for one in others if not any(is_near(one, other) for other in present)]
    assert 0 < len(wanted) < len(others)
    assert unlike(present, others) == wanted
