"""Outlines: inside, near, touching."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.data.annotations import Box, Keypoints, Mask, OrientedBox, Polygon, Tag, to_polygons
from engine.ops.polygons import polygon_area
from studio.tools.rings import (
    area_points,
    covers,
    is_inside,
    midpoints,
    nearest_edge,
    nearest_point,
    outline,
    polygon_from,
    touches,
)

SQUARE = np.array([[0, 0], [10, 0], [10, 10], [0, 10]], float)
HOLE = np.array([[4, 4], [6, 4], [6, 6], [4, 6]], float)
L_SHAPE = np.array([[0, 0], [10, 0], [10, 3], [3, 3], [3, 10], [0, 10]], float)


@pytest.mark.parametrize(
    ("rings", "point", "inside"),
    [
        ([SQUARE], (5, 5), True),
        ([SQUARE], (11, 5), False),
        ([SQUARE], (-1, 5), False),
        ([SQUARE, HOLE], (5, 5), False),
        ([SQUARE, HOLE], (2, 5), True),
        ([L_SHAPE], (1, 9), True),
        ([L_SHAPE], (8, 8), False),
        ([], (0, 0), False),
    ],
)
def test_is_inside(rings: list[np.ndarray], point: tuple[float, float], inside: bool) -> None:
    assert is_inside(rings, *point) is inside


def test_is_inside_agrees_with_the_area_of_a_random_star() -> None:
    rng = np.random.default_rng(3)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 30))
    radii = rng.uniform(5, 50, 30)
    star = np.c_[50 + radii * np.cos(angles), 50 + radii * np.sin(angles)]
    points = rng.uniform(0, 100, (4000, 2))
    share = np.mean([is_inside([star], *point) for point in points])
    x, y = star.T
    area = abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    assert share == pytest.approx(area / 10_000, abs=0.025)


def test_nearest_edge_knows_ring_and_edge() -> None:
    assert nearest_edge([SQUARE, HOLE], 5, -2) == (2.0, 0, 0)
    distance, ring, edge = nearest_edge([SQUARE, HOLE], 6.5, 5)
    assert (distance, ring, edge) == (0.5, 1, 1)
    assert nearest_edge([SQUARE], 13, 14)[0] == pytest.approx(5.0)  # from a corner
    assert nearest_edge([], 0, 0)[0] == math.inf


def test_nearest_point() -> None:
    assert nearest_point(SQUARE, 9, 1) == (pytest.approx(math.sqrt(2)), 1)
    assert nearest_point(np.empty((0, 2)), 0, 0) == (math.inf, -1)


@pytest.mark.parametrize(
    ("rect", "expected"),
    [
        ((2, 2, 3, 3), True),  # wholly inside
        ((-5, -5, 20, 20), True),  # around it
        ((8, 8, 20, 20), True),
        ((-5, 4, 20, 5), True),  # across, no vertex inside
        ((11, 0, 20, 5), False),
        ((4.5, 4.5, 5.5, 5.5), False),  # within the hole
    ],
)
def test_touches(rect: tuple[float, float, float, float], expected: bool) -> None:
    assert touches([SQUARE, HOLE], rect) is expected


def test_touches_is_false_in_the_notch_of_an_l() -> None:
    assert not touches([L_SHAPE], (5, 5, 9, 9))


def test_outlines_of_every_kind() -> None:
    assert len(outline(Polygon.of(SQUARE, [HOLE]))) == 2
    assert outline(Box(0, 0, 2, 1))[0].tolist() == [[0, 0], [2, 0], [2, 1], [0, 1]]
    turned = outline(OrientedBox(5, 5, 4, 2, math.pi / 2))[0]
    assert turned.min(axis=0) == pytest.approx([4, 3])
    mask = np.zeros((4, 5), np.uint8)
    mask[1:3, 1:4] = 1
    assert outline(Mask.from_array(mask))[0].max(axis=0).tolist() == [4, 3]
    assert outline(Tag()) == []
    keypoints = Keypoints(((1, 1), (2, 2)), (2, 0))
    assert outline(keypoints) == []
    assert area_points(keypoints).tolist() == [[1, 1]]
    assert area_points(Tag()).shape == (0, 2)
    assert area_points(Mask.from_array(mask)).shape == (0, 2)


def test_midpoints_and_back_to_a_polygon() -> None:
    assert midpoints(SQUARE).tolist() == [[5, 0], [10, 5], [5, 10], [0, 5]]
    polygon = polygon_from([[(0, 0), (9, 0), (0, 9)], [(1, 1), (2, 1), (1, 2)]])
    assert len(polygon.holes) == 1


def test_a_large_masks_outline_is_a_sketch_of_few_vertices() -> None:
    rows, columns = np.mgrid[:700, :900] + 0.5
    away = np.hypot((columns - 450) / 1.2, rows - 350)
    mask = Mask.from_array((away < 300) & (away > 100))
    rings = outline(mask)
    assert len(rings) == 2
    assert sum(map(len, rings)) < 250
    exact = [np.array(ring) for polygon in to_polygons(mask) for ring in polygon.rings()]
    assert sum(map(len, exact)) > 1000
    for ring in exact:
        assert max(nearest_edge(rings, x, y)[0] for x, y in ring[::7].tolist()) < 2.5
    area = sum(
        abs(polygon_area(ring)) * sign
        for ring, sign in zip(sorted(rings, key=len)[::-1], (1, -1), strict=True)
    )
    assert area == pytest.approx(mask.area(), rel=0.01)


def test_a_point_is_looked_up_in_the_pixels_of_a_mask() -> None:
    pixels = np.random.default_rng(0).random((13, 17)) < 0.5
    mask = Mask.from_array(pixels)
    found = [[covers(mask, x + 0.5, y + 0.99) for x in range(17)] for y in range(13)]
    assert (np.array(found) == pixels).all()
    assert not covers(mask, -0.1, 3)
    assert not covers(mask, 3, 13)
