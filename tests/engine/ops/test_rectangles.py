from __future__ import annotations

import math

import numpy as np
import pytest

from engine.ops.rectangles import LEAST_ANGLE, rectangles_around, with_angles_from
from engine.ops.rotated import xywhr2xyxyxyxy


def _random_boxes(count: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    places, sizes = random.random((count, 2)) * 500, random.random((count, 2)) * 80 + 4
    return np.concatenate((places, sizes, random.uniform(-4, 4, (count, 1))), 1)


def _corner_sets(boxes: np.ndarray) -> np.ndarray:
    """Return the corners of boxes in an order that does not hang on what is called the width."""
    corners = xywhr2xyxyxyxy(boxes.astype(float))
    order = np.lexsort((corners[..., 1].round(1), corners[..., 0].round(1)), axis=1)
    return np.take_along_axis(corners, order[..., None], 1)


def test_rectangles_are_found_again_from_their_corners():
    boxes = _random_boxes(200)
    found = rectangles_around(list(xywhr2xyxyxyxy(boxes)))
    np.testing.assert_allclose(_corner_sets(found), _corner_sets(boxes), atol=0.01)
    assert (found[:, 4] > LEAST_ANGLE).all()
    assert (found[:, 4] <= LEAST_ANGLE + math.pi / 2 + 1e-6).all()


def test_no_rectangle_around_the_points_is_smaller():
    random = np.random.default_rng(1)
    outline = random.random((12, 2)) * (60, 25)
    (box,) = rectangles_around([outline])
    assert np.allclose(rectangles_around([random.permutation(outline)]), box, atol=1e-3)
    areas = []
    for angle in np.radians(np.arange(0, 90, 0.5)):
        axes = np.array(((math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))))
        areas.append(np.ptp(outline @ axes.T, axis=0).prod())
    assert box[2] * box[3] <= min(areas) * 1.0001
    cos, sin = math.cos(box[4]), math.sin(box[4])
    inside = (outline - box[:2]) @ np.array(((cos, -sin), (sin, cos)))
    assert (np.abs(inside) <= box[2:4] / 2 + 1e-3).all()


@pytest.mark.parametrize("degrees", [0, 90, -90, 180])
def test_what_is_turned_by_a_hair_keeps_its_width(degrees):
    angles = np.radians(degrees + np.array([-3, -1e-3, 0, 1e-3, 3]))
    boxes = np.array([(50, 50, 30, 10, angle) for angle in angles])
    found = rectangles_around(list(xywhr2xyxyxyxy(boxes)))
    np.testing.assert_allclose(found[:, 2:4], np.tile(found[0, 2:4], (5, 1)), atol=1e-3)
    np.testing.assert_allclose(np.diff(found[:, 4]), np.diff(angles), atol=1e-4)


def test_an_outline_without_area_or_points_has_a_rectangle_without_area():
    line = np.array(((0.0, 0), (3, 4), (6, 8)))
    found = rectangles_around([line, np.zeros((0, 2))])
    assert found[0, 2:4].max() == pytest.approx(10, abs=1e-4)
    assert found[0, 2:4].min() == pytest.approx(0, abs=1e-4)
    assert not found[1, :4].any()
    assert rectangles_around([]).shape == (0, 5)


@pytest.mark.parametrize("least", [-math.pi / 4, 0.0, 1.0])
def test_another_angle_tells_the_same_rectangle(least):
    boxes = _random_boxes(100, seed=2)
    told = with_angles_from(boxes, least)
    assert (told[:, 4] > least - 1e-9).all()
    assert (told[:, 4] <= least + math.pi / 2 + 1e-9).all()
    np.testing.assert_allclose(_corner_sets(told), _corner_sets(boxes), atol=1e-6)
