from __future__ import annotations

import numpy as np
import pytest

from engine.ops import polygons
from engine.ops.raster import polygon2mask, polygons2masks, polygons2masks_overlap

SQUARE = np.array([[1.0, 1], [5, 1], [5, 5], [1, 5]])


def _circle(x: float, y: float, radius: float, n: int = 60) -> np.ndarray:
    angle = np.arange(n) * 2 * np.pi / n
    return np.stack((x + radius * np.cos(angle), y + radius * np.sin(angle)), 1)


def _even_odd(points: np.ndarray, x: float, y: float) -> bool:
    inside = False
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if (x0 <= x) != (x1 <= x) and y >= y0 + (x - x0) * (y1 - y0) / (x1 - x0):
            inside = not inside
    return inside


def test_area_is_signed():
    assert polygons.polygon_area(SQUARE) == 16
    assert polygons.polygon_area(SQUARE[::-1]) == -16
    assert polygons.polygon_area(SQUARE[:2]) == 0


def test_boxes_around_polygons():
    boxes = polygons.segments2boxes([SQUARE, _circle(10, 20, 4, 4)])
    np.testing.assert_allclose(boxes, [[3, 3, 4, 4], [10, 20, 8, 8]])
    assert boxes.dtype == np.float32
    assert polygons.segments2boxes([]).shape == (0, 4)


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        (SQUARE, [1, 1, 5, 5]),
        (SQUARE - 3, [0, 0, 2, 2]),
        (SQUARE + 100, [0, 0, 0, 0]),
        (np.array([[-10.0, 5], [30, 5], [30, 7], [-10, 7]]), [0, 5, 20, 7]),  # no corner inside
        (np.array([[-4.0, 2], [4, 2], [4, 10]]), [0, 2, 4, 10]),
    ],
)
def test_the_box_of_a_polygon_cut_by_the_image(polygon, expected):
    np.testing.assert_allclose(polygons.segment2box(polygon, 20, 12), expected, atol=1e-6)


def test_resampling_spreads_points_evenly_and_keeps_the_shape():
    ring = polygons.resample_segments([SQUARE], 16)[0]
    steps = np.hypot(*np.diff(np.concatenate((ring, ring[:1])), axis=0).T)
    np.testing.assert_allclose(steps, 1, atol=1e-6)
    assert polygons.polygon_area(ring) == pytest.approx(16)
    same = polygons.resample_segments([SQUARE], 4)[0]
    np.testing.assert_array_equal(same, SQUARE)
    assert polygons.resample_segments([], 10).shape == (0, 10, 2)


@pytest.mark.parametrize("tolerance", [0.1, 0.5, 2.0])
def test_simplifying_stays_within_the_tolerance(tolerance):
    ring = _circle(50, 50, 30, 200) + np.random.default_rng(0).normal(0, 0.05, (200, 2))
    small = polygons.simplify(ring, tolerance)
    assert 3 <= len(small) < len(ring)
    ends = np.roll(small, -1, axis=0)
    gaps = np.min(
        [polygons._distance_to_line(ring, a, b) for a, b in zip(small, ends, strict=True)], 0
    )
    assert gaps.max() <= tolerance + 1e-9
    np.testing.assert_array_equal(polygons.simplify(SQUARE, 0.5), SQUARE)
    assert len(polygons.simplify(_circle(0, 0, 0.1), 5)) == 3


def test_joined_rings_enclose_what_the_rings_enclose():
    rings = [_circle(10, 10, 6), _circle(30, 12, 5), _circle(20, 28, 7)]
    joined = polygons.join_rings(rings)
    areas = [polygons.polygon_area(ring) for ring in rings]
    assert polygons.polygon_area(joined) == pytest.approx(sum(areas))
    np.testing.assert_array_equal(
        polygon2mask((40, 40), [joined]), polygons2masks((40, 40), rings).max(0)
    )


@pytest.mark.parametrize("seed", range(6))
def test_pixels_belong_where_their_centre_lies(seed):
    random = np.random.default_rng(seed)
    shapes = [
        random.uniform(-4, 24, (n, 2)) for n in (3, 4, 9)
    ]  # crossing themselves and the border
    shapes.append(random.integers(0, 20, (6, 2)).astype(float) + 0.5)  # corners on centre lines
    masks = polygons2masks((18, 21), shapes)
    for shape, mask in zip(shapes, masks, strict=True):
        expected = [[_even_odd(shape, x + 0.5, y + 0.5) for x in range(21)] for y in range(18)]
        np.testing.assert_array_equal(mask.astype(bool), expected)


def test_neighbours_share_no_pixel_and_leave_none():
    left = np.array([[0.0, 0], [7.3, 0], [3.1, 10], [0, 10]])
    right = np.array([[7.3, 0], [12.0, 0], [12, 10], [3.1, 10]])
    assert (polygons2masks((10, 12), [left, right]).sum(0) == 1).all()


def test_smaller_masks_and_colours():
    mask = polygon2mask((40, 40), [_circle(20, 20, 12).ravel()], color=255, downsample_ratio=4)
    assert mask.shape == (10, 10)
    assert set(np.unique(mask)) == {0, 255}
    assert (mask > 0).sum() == pytest.approx(np.pi * 9, abs=4)


def test_an_x_without_its_y_is_refused():
    with pytest.raises(ValueError, match="received 5 numbers"):
        polygon2mask((40, 40), [np.array([1, 1, 5, 1, 5])])


def test_overlapping_objects_stack_by_size():
    shapes = [_circle(20, 20, 3), _circle(20, 20, 15), np.zeros((3, 2)), _circle(28, 20, 6)]
    index, order = polygons2masks_overlap((40, 40), shapes)
    assert order.tolist() == [1, 3, 0, 2]
    assert index.dtype == np.uint8
    assert index[20, 20] == 3
    assert index[20, 10] == 1
    assert index[20, 30] == 2
    assert index[0, 0] == 0
    many = [_circle(*np.random.default_rng(i).uniform(2, 38, 2), 2, 6) for i in range(300)]
    assert polygons2masks_overlap((40, 40), many)[0].dtype == np.int32


@pytest.mark.parametrize("function", [polygons2masks, polygon2mask])
def test_no_polygons(function):
    assert not function((8, 8), []).any()
    assert not function((8, 8), [np.zeros((0, 2))]).any()
    index, order = polygons2masks_overlap((8, 8), [])
    assert index.shape == (8, 8)
    assert not index.any()
    assert len(order) == 0
