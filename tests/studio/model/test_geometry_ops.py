"""Geometry made of geometry: areas add up, holes and parts are kept, motions can be taken back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
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
    to_mask,
)
from studio.model.errors import EditError
from studio.model.geometry_ops import (
    TARGETS,
    Motion,
    converted,
    facts,
    fit_into,
    intersect,
    perimeter,
    simplified,
    split_parts,
    subtract,
    transformed,
    unite,
    without_holes,
)

SIZE = (120, 100)


def square(x: float, y: float, side: float) -> Polygon:
    return Polygon(((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


def mask_of(*geometries: Geometry) -> Mask:
    arrays = [to_mask(g, SIZE[1], SIZE[0]).to_array() for g in geometries]
    return Mask.from_array(np.bitwise_or.reduce(arrays))


def area(parts: list[Geometry]) -> float:
    return sum(part.area() for part in parts)


coordinate = st.integers(1, 95).map(float)
stars = st.builds(
    lambda cx, cy, radii: Polygon(
        tuple(
            (
                round(cx + r * math.cos(k * math.tau / len(radii)), 1),
                round(cy + r * math.sin(k * math.tau / len(radii)), 1),
            )
            for k, r in enumerate(radii)
        )
    ),
    st.floats(35, 70),
    st.floats(35, 60),
    st.lists(st.floats(10, 30), min_size=4, max_size=12),
)


@given(stars, stars)
def test_outlines_add_up(first: Polygon, second: Polygon) -> None:
    both = area(intersect((first, second), SIZE))
    left = area(subtract(first, (second,), SIZE))
    assert left + both == pytest.approx(first.area(), abs=25)  # tenths of pixels, tiny parts
    together = unite((first, second), SIZE)
    if isinstance(together, Polygon):
        expected = first.area() + second.area() - both
        assert together.area() == pytest.approx(expected, abs=25)
    else:
        assert both == 0


@given(stars, stars)
def test_masks_add_up_to_the_pixel(first: Polygon, second: Polygon) -> None:
    one, two = mask_of(first), mask_of(second)
    together = unite((one, two), SIZE)
    both = area(intersect((one, two), SIZE))
    assert together.area() == one.area() + two.area() - both
    assert area(subtract(one, (two,), SIZE)) == one.area() - both


def test_what_lies_inside_becomes_a_hole() -> None:
    (ring,) = subtract(square(10, 10, 60), [square(20, 20, 20), Box(50, 50, 60, 60)], SIZE)
    assert isinstance(ring, Polygon)
    assert len(ring.holes) == 2
    assert ring.area() == 3600 - 400 - 100
    assert without_holes(ring) == Polygon(ring.exterior)


def test_subtracting_a_strip_gives_parts_and_everything_gives_nothing() -> None:
    parts = subtract(square(10, 10, 60), [Box(0, 30, 100, 40)], SIZE)
    assert [part.area() for part in parts] == [60 * 30, 60 * 20]
    assert subtract(square(10, 10, 10), [Box(0, 0, 50, 50)], SIZE) == []
    assert subtract(mask_of(Box(1, 1, 9, 9)), [Box(0, 0, 50, 50)], SIZE) == []


def test_shapes_that_do_not_touch_become_one_mask_of_two_parts() -> None:
    whole = unite([square(10, 10, 20), square(60, 60, 20)], SIZE)
    assert isinstance(whole, Mask)
    assert whole.area() == 800
    assert [part.area() for part in split_parts(whole)] == [400, 400]


def test_parts_cover_the_pixels_that_each_covers_in_the_whole_image() -> None:
    parts = [
        Polygon(((2.3, 3.7), (17.1, 5.2), (9.9, 21.4))),
        Polygon(((-8.5, 50.5), (12.5, 44.25), (3.1, 70.9))),  # across the border
        Polygon(((60.5, 60.5), (80.5, 60.5), (80.5, 80.5), (60.5, 80.5))),
    ]
    whole = unite(parts, SIZE)
    assert isinstance(whole, Mask)
    drawn = [to_mask(part, SIZE[1], SIZE[0]).to_array() for part in parts]
    assert np.array_equal(whole.to_array(), np.bitwise_or.reduce(drawn))


def test_shapes_with_a_common_side_become_one_outline() -> None:
    whole = unite([Box(10, 10, 30, 30), Box(30, 10, 50, 30)], SIZE)
    assert isinstance(whole, Polygon)
    assert whole.bounds() == (10, 10, 50, 30)
    assert whole.area() == 800


def test_no_overlap_is_nothing() -> None:
    assert intersect([square(1, 1, 5), square(20, 20, 5)], SIZE) == []
    assert intersect([mask_of(square(1, 1, 5)), square(20, 20, 5)], SIZE) == []


@pytest.mark.parametrize(
    "geometries",
    [[Box(1, 1, 2, 2)], [Box(1, 1, 2, 2), Tag()], [Box(1, 1, 2, 2), Polyline(((1, 1), (2, 2)))]],
)
def test_what_covers_no_area_is_refused(geometries: list[Geometry]) -> None:
    for operation in (unite, intersect):
        with pytest.raises(EditError):
            operation(geometries, SIZE)
    with pytest.raises(EditError):
        subtract(geometries[0], geometries[1:], SIZE)


def test_an_outline_that_crosses_itself_is_split_in_its_parts() -> None:
    bow = Polygon(((10, 10), (50, 50), (50, 10), (10, 50)))
    parts = split_parts(bow)
    assert len(parts) == 2
    assert area(parts) == pytest.approx(800)
    assert split_parts(square(1, 1, 9)) == [square(1, 1, 9)]


def test_holes_of_a_mask_are_filled_and_bays_are_not() -> None:
    ring = subtract(mask_of(Box(10, 10, 60, 60)), [Box(20, 20, 40, 40)], SIZE)[0]
    assert without_holes(ring) == mask_of(Box(10, 10, 60, 60))
    bay = subtract(mask_of(Box(10, 10, 60, 60)), [Box(20, 0, 40, 40)], SIZE)[0]
    assert without_holes(bay) == bay
    at_border = subtract(mask_of(Box(0, 0, 60, 60)), [Box(0, 20, 10, 40)], SIZE)[0]
    assert without_holes(at_border) == at_border


@given(stars, st.floats(0, 8))
def test_fewer_points_stay_near(polygon: Polygon, tolerance: float) -> None:
    fewer = simplified(polygon, tolerance)
    assert isinstance(fewer, Polygon)
    assert len(fewer.exterior) <= len(polygon.exterior)
    before, after = (shapely.LinearRing(p.exterior) for p in (polygon, fewer))
    assert shapely.hausdorff_distance(before, after) <= tolerance + 0.2


def test_simplifying_keeps_holes_and_kinds_without_points() -> None:
    ring = subtract(square(10, 10, 60), [square(20, 20, 20)], SIZE)[0]
    assert len(simplified(ring, 2.0).holes) == 1  # type: ignore[union-attr]
    for kept in (Box(1, 1, 5, 5), Tag(), mask_of(Box(1, 1, 5, 5))):
        assert simplified(kept, 5.0) is kept
    line = Polyline(((0, 0), (10, 0.2), (20, 0)))
    assert simplified(line, 1.0) == Polyline(((0, 0), (20, 0)))


CORNERS = (10.0, 20.0, 50.0, 60.0)
KINDS: dict[str, Geometry] = {
    "box": Box(*CORNERS),
    "oriented_box": OrientedBox(30, 40, 40, 20, 0.5),
    "polygon": square(10, 20, 40),
    "mask": mask_of(Box(*CORNERS)),
}


@pytest.mark.parametrize("source", KINDS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_area_becomes_every_other_kind(source: str, target: str) -> None:
    (made,) = converted(KINDS[source], target, SIZE)
    assert made.kind == target
    before = to_mask(KINDS[source], SIZE[1], SIZE[0]).to_array()
    after = to_mask(made, SIZE[1], SIZE[0]).to_array()
    if (source, target) != ("oriented_box", "box"):  # the upright box around is larger
        assert np.logical_xor(before, after).sum() < 0.05 * before.sum()
    assert (after >= before).mean() > 0.97


def test_conversions_that_cannot_be_give_nothing() -> None:
    line = Polyline(((1, 1), (20, 1)))
    for kind in ("polygon", "mask", "oriented_box", "box"):
        assert converted(Tag(), kind, SIZE) == []
        assert converted(line, kind, SIZE) == []
    closed = Polyline(((10, 10), (30, 10), (30, 30)))
    assert converted(closed, "polygon", SIZE) == [Polygon(closed.points)]
    assert converted(closed, "mask", SIZE)[0].area() == pytest.approx(200, abs=25)
    eyes = Keypoints(((10, 10), (30, 20), (0, 0)), (2, 1, 0))
    assert converted(eyes, "box", SIZE) == [Box(10, 10, 30, 20)]


def test_a_mask_of_parts_becomes_an_outline_a_part_within_a_pixel() -> None:
    disc = np.hypot(*(np.mgrid[:100, :120] - np.array([50, 40])[:, None, None])) < 25
    disc[5:10, 100:110] = True
    outlines = converted(Mask.from_array(disc), "polygon", SIZE)
    assert len(outlines) == 2
    assert facts(outlines[0])["points"] < 80
    again = np.bitwise_or.reduce([to_mask(o, 100, 120).to_array() for o in outlines])
    assert np.logical_xor(again, disc).sum() < 0.03 * disc.sum()


motions = st.builds(
    Motion,
    st.tuples(coordinate, coordinate),
    st.sampled_from([-2.0, 0.5, 1.0, 3.0]),
    st.just(1.0),
    st.floats(-math.pi, math.pi),
)


@given(stars, motions)
def test_a_motion_is_taken_back(polygon: Polygon, motion: Motion) -> None:
    turned = transformed(polygon, Motion(motion.about, angle_rad=motion.angle_rad))
    back = transformed(turned, Motion(motion.about, angle_rad=-motion.angle_rad))
    assert np.allclose(back.exterior, polygon.exterior)  # type: ignore[union-attr]
    moved = transformed(polygon, motion)
    assert moved.area() == pytest.approx(polygon.area() * abs(motion.sx), rel=1e-6)


@given(st.floats(5, 40), st.floats(5, 40), st.floats(-3, 3), motions)
def test_turning_a_rotated_box_turns_its_corners(w: float, h: float, a: float, m: Motion) -> None:
    box = OrientedBox(50, 50, w, h, a)
    turn = Motion(m.about, angle_rad=m.angle_rad)
    turned = transformed(box, turn)
    assert isinstance(turned, OrientedBox)
    assert np.allclose(turned.corners(), [turn.point(c) for c in box.corners()])


def test_each_kind_moves_in_its_own_way() -> None:
    quarter = Motion((50.0, 50.0), angle_rad=math.pi / 2)
    assert transformed(Tag(), quarter) == Tag()
    upright = transformed(Box(40, 10, 60, 20), quarter)
    assert np.allclose(upright.bounds(), (75, 45, 95, 55))
    eye = transformed(Keypoints(((60, 50),), (1,)), quarter)
    assert np.allclose(eye.points, ((50, 60),))  # type: ignore[union-attr]
    assert eye.visibility == (1,)  # type: ignore[union-attr]
    pixels = transformed(mask_of(Box(40, 10, 60, 20)), quarter)
    assert np.allclose(pixels.bounds(), (80, 40, 90, 60))
    assert pixels.area() == 200
    double = transformed(mask_of(Box(40, 10, 60, 20)), Motion((40.0, 10.0), 2.0, 2.0))
    assert np.allclose(double.bounds(), (40, 10, 80, 30))


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        (Box(-5, 10, 200, 20), Box(0, 10, 120, 20)),
        (Box(130, 10, 200, 20), None),
        (square(100, 80, 40), Polygon(((100, 100), (120, 100), (120, 80), (100, 80)))),
        (square(130, 80, 40), None),
        (Keypoints(((5, 5), (500, 5)), (2, 2)), Keypoints(((5, 5), (500, 5)), (2, 0))),
        (Keypoints(((500, 5),), (2,)), None),
        (OrientedBox(60, 50, 10, 10, 1), OrientedBox(60, 50, 10, 10, 1)),
        (Polyline(((150, 1), (160, 1))), None),
        (Tag(), Tag()),
    ],
)
def test_what_fits_into_a_smaller_image(geometry: Geometry, expected: Any) -> None:
    fitted = fit_into(geometry, SIZE)
    if isinstance(expected, Polygon):
        assert isinstance(fitted, Polygon)
        assert set(fitted.exterior) == set(expected.exterior)
    else:
        assert fitted == expected


def test_a_mask_of_another_image_is_cut_or_framed() -> None:
    small = Mask.from_array(np.ones((10, 10)))
    fitted = fit_into(small, SIZE)
    assert isinstance(fitted, Mask)
    assert (fitted.width, fitted.height, fitted.area()) == (120, 100, 100)
    assert fit_into(fitted, (5, 200)) == Mask.from_array(
        np.pad(np.ones((10, 5)), ((0, 190), (0, 0)))
    )
    far = Mask.from_array(np.pad(np.ones((2, 2)), ((0, 0), (200, 0))))
    assert fit_into(far, SIZE) is None


def test_lengths_and_counts() -> None:
    assert perimeter(square(10, 10, 20)) == 80
    assert perimeter(mask_of(square(10, 10, 20))) == 80
    assert perimeter(Polyline(((0, 0), (3, 4), (3, 10)))) == 11
    assert facts(Box(1, 2, 4, 6)) == {
        "x": 1, "y": 2, "width": 3, "height": 4, "perimeter": 14, "area": 12, "points": 4,
    }  # fmt: skip
    assert facts(OrientedBox(50, 50, 20, 10, math.pi / 6))["angle"] == pytest.approx(30)
    assert facts(Tag()) == {}
