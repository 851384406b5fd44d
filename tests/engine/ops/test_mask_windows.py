"""Masks as windows: COCO's pixels, run lengths there and back, what two share."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from engine.ops.mask_windows import (
    MaskWindow,
    decode_counts,
    polygon_windows,
    rle_window,
    run_lengths,
)
from engine.ops.raster import polygon2mask


def _polygon(random, height, width):
    count = int(random.integers(3, 24))
    turn = np.sort(random.uniform(0, 2 * np.pi, count))
    centre = random.uniform(-0.1, 1.1, 2) * [width, height]
    reach = random.uniform(1, 70) * random.uniform(0.3, 1, (count, 1))
    points = centre + reach * np.stack((np.cos(turn), np.sin(turn)), 1)
    return points.clip(0, [width, height]).round(int(random.integers(0, 4)))


def _whole(window, size):
    pixels = np.zeros(size, bool)
    height, width = window.pixels.shape
    pixels[window.y : window.y + height, window.x : window.x + width] = window.pixels
    return pixels


@pytest.mark.parametrize("seed", range(60))
def test_pixels_of_a_polygon_are_those_of_pycocotools(seed):
    random = np.random.default_rng(seed)
    size = tuple(int(v) for v in random.integers(20, 200, 2))
    polygon = _polygon(random, *size)
    window = polygon_windows([polygon], size)[0]
    expected = coco_mask.frPyObjects([polygon.reshape(-1).tolist()], *size)[0]
    assert window.area == coco_mask.area(expected)
    encoded = window.encode(size)
    if window.area:
        assert coco_mask.iou([encoded], [expected], [0])[0, 0] == 1
    np.testing.assert_array_equal(_whole(rle_window(encoded), size), _whole(window, size))


def test_run_lengths_of_large_and_falling_numbers():
    runs = [0, 70_000, 3, 1, 900, 2, 40_000, 31, 32, 33, 1000]
    size = (sum(runs) // 7, 7)
    runs[-1] += size[0] * size[1] - sum(runs)
    encoded = coco_mask.frPyObjects({"size": list(size), "counts": runs}, *size)
    assert run_lengths(encoded["counts"]).tolist() == runs
    assert decode_counts(np.array(runs), size).sum() == sum(runs[1::2])
    assert run_lengths(b"").tolist() == []


def test_a_mask_as_high_as_its_image_is_one_run():
    window = MaskWindow(1, 0, np.ones((4, 3), bool))
    encoded = window.encode((4, 6))
    assert run_lengths(encoded["counts"].encode()).tolist() == [4, 12, 8]


def test_shared_pixels_and_outline():
    first, second = MaskWindow(2, 3, np.ones((4, 5), bool)), MaskWindow(5, 5, np.ones((6, 6), bool))
    assert first.shared(second) == second.shared(first) == 2 * 2
    assert first.shared(MaskWindow(7, 3, np.ones((4, 4), bool))) == 0
    outline = first.outline()
    np.testing.assert_array_equal(
        polygon2mask((10, 10), [outline]).astype(bool), _whole(first, (10, 10))
    )


def test_nothing_stays_nothing():
    outside = np.array([[30.0, 30], [40, 30], [40, 40]])
    for window in polygon_windows([np.zeros((2, 2)), outside], (20, 20)):
        assert window.area == 0
        assert window.outline().shape == (0, 2)
        assert rle_window(window.encode((20, 20))).area == 0
