from __future__ import annotations

import json
import math

import numpy as np
import pytest

from engine.data.annotations import (
    Annotation,
    Box,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
    geometry_from_dict,
    to_box,
    to_mask,
    to_oriented_box,
    to_polygons,
)
from engine.data.annotations.contours import mask_to_rings
from engine.ops.polygons import polygon_area
from engine.runtime.errors import DatasetError

RING = Polygon(((0, 0), (10, 0), (10, 10), (0, 10)), (((2, 2), (8, 2), (8, 8), (2, 8)),))
ALL = [
    Box(1, 2, 5, 9),
    OrientedBox(10, 20, 6, 4, 0.3),
    RING,
    Mask((1, 2, 3), 2, 3),
    Keypoints(((1, 2), (3, 4)), (2, 0)),
    Polyline(((1, 2), (3, 4.5), (1, 2))),
    Tag(),
]


@pytest.mark.parametrize("geometry", ALL, ids=lambda g: g.kind)
def test_every_kind_survives_json(geometry):
    text = json.dumps(geometry.to_dict())
    assert geometry_from_dict(json.loads(text)) == geometry


@pytest.mark.parametrize(
    ("geometry", "bounds", "area"),
    [
        (Box(1, 2, 5, 9), (1, 2, 5, 9), 28),
        (Box(5, 5, 1, 9), (5, 5, 1, 9), 0),
        (OrientedBox(10, 20, 6, 4, math.pi / 2), (8, 17, 12, 23), 24),
        (RING, (0, 0, 10, 10), 64),
        (Polyline(((4, 1), (1, 3), (2, 9))), (1, 1, 4, 9), 0),
        (Polygon(()), (0, 0, 0, 0), 0),
        (Keypoints(((1, 2), (30, 40)), (2, 0)), (1, 2, 1, 2), 0),
        (Tag(), (0, 0, 0, 0), 0),
    ],
)
def test_bounds_and_area(geometry, bounds, area):
    assert geometry.bounds() == pytest.approx(bounds)
    assert geometry.area() == pytest.approx(area)


@pytest.mark.parametrize("geometry", ALL[:3] + ALL[4:5], ids=lambda g: g.kind)
def test_moving_and_scaling_move_the_bounds(geometry):
    x1, y1, x2, y2 = geometry.bounds()
    assert geometry.translated(3, -2).bounds() == pytest.approx((x1 + 3, y1 - 2, x2 + 3, y2 - 2))
    assert geometry.scaled(2, 2).bounds() == pytest.approx((2 * x1, 2 * y1, 2 * x2, 2 * y2))


def test_scaling_an_upright_oriented_box_unequally_is_exact():
    assert OrientedBox(10, 10, 4, 2, 0).scaled(2, 3) == OrientedBox(20, 30, 8, 6, 0)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"kind": "circle"},
        {"kind": "box", "xyxy": [1, 2, 3]},
        {"kind": "box", "xyxy": [1, 2, 3, float("nan")]},
        {"kind": "box"},
        {"kind": "polygon", "exterior": [[1, 2, 3]]},
        {"kind": "polygon", "exterior": 3},
        {"kind": "mask", "counts": [1], "height": 9, "width": 9},
        {"kind": "keypoints", "points": [[1, 2]], "visibility": []},
    ],
)
def test_unusable_geometry_is_an_error_that_names_the_kind(values):
    with pytest.raises(DatasetError):
        geometry_from_dict(values)


def test_annotation_round_trip_keeps_score_and_attributes():
    annotation = Annotation(Box(0, 0, 1, 1), 3, 0.5, {"crowd": True})
    assert Annotation.from_dict(json.loads(json.dumps(annotation.to_dict()))) == annotation
    assert set(Annotation(Tag(), 1).to_dict()) == {"class_id", "geometry"}


@pytest.mark.parametrize("seed", range(6))
def test_mask_runs_are_the_pixels(seed):
    array = (np.random.default_rng(seed).random((9, 13)) > 0.5).astype(np.uint8)
    mask = Mask.from_array(array)
    assert np.array_equal(mask.to_array(), array)
    assert mask.area() == array.sum()
    ys, xs = np.nonzero(array)
    assert mask.bounds() == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_mask_runs_equal_the_coco_api():
    from pycocotools import mask as coco

    array = (np.random.default_rng(1).random((20, 30)) > 0.6).astype(np.uint8)
    ours = Mask.from_array(array)
    rle = coco.frPyObjects({"counts": list(ours.counts), "size": [20, 30]}, 20, 30)
    assert rle["counts"] == coco.encode(np.asfortranarray(array))["counts"]


@pytest.mark.parametrize("value", [0, 1])
def test_mask_of_one_value(value):
    array = np.full((4, 5), value, dtype=np.uint8)
    mask = Mask.from_array(array)
    assert np.array_equal(mask.to_array(), array)
    assert mask.bounds() == ((0, 0, 5, 4) if value else (0, 0, 0, 0))


def test_mask_moves_by_pixels_and_is_cut():
    array = np.zeros((5, 5), dtype=np.uint8)
    array[1:3, 1:3] = 1
    assert Mask.from_array(array).translated(3, 0).bounds() == (4, 1, 5, 3)
    assert Mask.from_array(array).translated(9, 0).area() == 0
    assert Mask.from_array(array).scaled(2, 2).area() == 16


def test_mask_with_wrong_runs_is_refused():
    with pytest.raises(ValueError, match="add up"):
        Mask((3, 4), 2, 2)


@pytest.mark.parametrize("seed", range(20))
def test_outlines_of_a_random_mask_rasterise_to_the_same_mask(seed):
    array = (np.random.default_rng(seed).random((12, 17)) > 0.45).astype(np.uint8)
    rings = mask_to_rings(array)
    assert sum(polygon_area(r) for r in rings) == pytest.approx(array.sum())
    polygons = to_polygons(Mask.from_array(array))
    assert sum(len(p.rings()) for p in polygons) == len(rings)
    assert [p.area() for p in polygons] == sorted((p.area() for p in polygons), reverse=True)
    together = sum(to_mask(p, 12, 17).to_array() for p in polygons)
    assert np.array_equal(together, array)


def test_pixels_that_touch_at_a_corner_are_two_objects():
    polygons = to_polygons(Mask.from_array(np.eye(2)))
    assert [p.area() for p in polygons] == [1, 1]


def test_empty_mask_has_no_outline():
    assert to_polygons(Mask.from_array(np.zeros((3, 3)))) == []
    assert to_polygons(Tag()) == []


def test_conversion_to_mask_and_box():
    mask = to_mask(RING, 12, 12)
    assert mask.area() == 64
    assert to_box(RING) == Box(0, 0, 10, 10)
    assert to_mask(mask, 12, 12) is mask
    assert to_mask(Keypoints(((1, 1),), (2,)), 3, 4).area() == 0
    with pytest.raises(ValueError, match="mask of 5 x 5"):
        to_mask(mask, 5, 5)


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, -0.7])
def test_the_smallest_rotated_box_of_its_own_outline_is_the_box(angle: float) -> None:
    box = OrientedBox(40, 30, 20, 8, angle)
    found = to_oriented_box(Polygon(box.corners()))
    assert found is not None
    corners, expected = np.array(found.corners()), np.array(box.corners())
    gaps = np.abs(corners[:, None] - expected[None]).sum(-1)
    assert gaps.min(0).max() < 1e-3
    assert to_oriented_box(box) is box


def test_rotated_boxes_of_other_kinds() -> None:
    assert to_oriented_box(Box(10, 20, 30, 60)) == OrientedBox(20, 40, 20, 40, 0.0)
    mask = np.zeros((20, 20), np.uint8)
    mask[4:10, 2:14] = 1
    found = to_oriented_box(Mask.from_array(mask))
    assert found is not None
    np.testing.assert_allclose(found.bounds(), (2, 4, 14, 10), atol=1e-4)
    assert to_oriented_box(Tag()) is None
    assert to_oriented_box(Keypoints(((1.0, 2.0),), (2,))) is None


def _random_masks() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    shares = (0.0, 0.3, 0.7, 1.0)
    return [
        (rng.random(rng.integers(1, 9, 2)) < shares[number % 4]).astype(np.uint8)
        for number in range(200)
    ]


def test_a_mask_comes_back_whole_and_by_its_window():
    for pixels in _random_masks():
        mask = Mask.from_array(pixels)
        assert (mask.to_array() == pixels).all()
        window, (x, y) = mask.window()
        height, width = window.shape
        assert window.sum() == pixels.sum()
        assert (pixels[y : y + height, x : x + width] == window).all()
        assert Mask.from_window(window, (x, y), *pixels.shape) == mask


@pytest.mark.parametrize("share", [0.0005, 0.02, 0.5])
def test_runs_are_found_in_windows_with_few_and_with_many_borders(share: float):
    pixels = np.random.default_rng(5).random((70, 131)) < share
    pixels[3, 5] = pixels[69, 130] = True
    down_the_columns = pixels.T.ravel()
    runs = np.diff(np.flatnonzero(np.diff(down_the_columns)) + 1, prepend=0, append=pixels.size)
    assert Mask.from_array(pixels).counts == tuple([0] * int(pixels[0, 0]) + runs.tolist())


def test_runs_of_a_mask_go_on_into_the_next_column():
    assert Mask.from_array(np.ones((3, 2))).counts == (0, 6)
    assert Mask.from_array(np.array([[0, 1], [1, 1], [1, 0]])).counts == (1, 4, 1)


def test_a_window_beyond_the_image_is_refused():
    with pytest.raises(ValueError, match="expected a part of 4 x 3"):
        Mask.from_window(np.ones((2, 2)), (3, 0), 3, 4)


def test_outlines_of_a_mask_cover_exactly_its_pixels():
    for pixels in _random_masks():
        polygons = to_polygons(Mask.from_array(pixels))
        assert sum(polygon.area() for polygon in polygons) == pixels.sum()


def test_a_line_knows_its_length_and_covers_nothing():
    line = Polyline.of([[0, 0], [3, 4], [3, 10]])
    assert line.length() == 11
    assert line.scaled(2, 3).points == ((0, 0), (6, 12), (6, 30))
    assert line.translated(1, -1).bounds() == (1, -1, 4, 9)
    assert to_polygons(line) == []
    assert to_oriented_box(line) is None
    assert to_mask(line, 4, 5).area() == 0
    assert to_box(line) == Box(0, 0, 3, 10)
