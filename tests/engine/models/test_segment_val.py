"""Which masks are made and compared: leaving out the hopeless changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.metrics.matching import THRESHOLDS
from engine.models.yolo.segment.overlaps import PredictedMasks, sparse_overlaps
from engine.ops.mask_windows import polygon_windows
from engine.ops.masks import process_mask_native

SIZE = (120, 160)  # of the original image
FRAME = {"ori_shape": SIZE, "input_shape": (64, 96), "ratio_pad": None}


def _scene(predictions=200, seed=3):
    random = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    corners = random.uniform(0, 100, (9, 2))
    sides = random.uniform(6, 60, (9, 2))
    outlines = [
        (c + s * [[0, 0], [1, 0.1], [0.9, 1], [0.1, 0.8]]).clip(0, [160, 120])
        for c, s in zip(corners, sides, strict=True)
    ]
    labels = {
        **FRAME,
        "cls": random.integers(0, 2, 9),
        "masks": polygon_windows(outlines, SIZE),
        "crowd": np.arange(9) == 4,
    }
    near = random.integers(0, 9, predictions)
    low = corners[near] + random.normal(0, 4, (predictions, 2))
    boxes = np.concatenate((low, low + sides[near] * random.uniform(0.5, 2, (predictions, 2))), 1)
    protos = torch.randn(8, 16, 24, generator=generator) + 0.5
    masks = PredictedMasks(
        protos, torch.randn(predictions, 8, generator=generator), boxes.clip(0, 160), labels
    )
    return labels, random.integers(0, 2, predictions), masks


def _full(window):
    pixels = np.zeros(SIZE, bool)
    height, width = window.pixels.shape
    pixels[window.y : window.y + height, window.x : window.x + width] = window.pixels
    return pixels


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_out_could_not_have_matched(seed):
    labels, classes, masks = _scene(seed=seed)
    sparse = sparse_overlaps(labels, classes, masks)
    truth = np.array([_full(mask) for mask in labels["masks"]]).reshape(9, -1).astype(float)
    found = np.array([_full(masks.window(i)) for i in range(len(classes))]).reshape(200, -1)
    shared = truth @ found.T
    union = truth.sum(1)[:, None] + found.sum(1)[None] - shared
    union[labels["crowd"]] = found.sum(1)
    whole = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    whole *= labels["cls"][:, None] == classes[None]
    counts = whole >= THRESHOLDS[0]
    assert counts[~labels["crowd"]].any()
    assert counts[labels["crowd"]].any()
    np.testing.assert_allclose(sparse[counts], whole[counts], rtol=1e-12)
    assert not (sparse[~counts] >= THRESHOLDS[0]).any()


def test_masks_that_are_far_too_large_are_never_made():
    labels, classes, masks = _scene()
    labels["crowd"][:] = False
    whole = np.tile([0.0, 0, 160, 120], (200, 1))
    large = PredictedMasks(torch.ones(8, 16, 24), torch.ones(200, 8), whole, labels)
    assert not sparse_overlaps(labels, classes, large).any()
    assert not large._made
    sparse_overlaps(labels, classes, masks)
    assert masks._made


def test_areas_are_exact_near_the_limits_of_size():
    _, classes, masks = _scene()
    areas = masks.areas()
    exact = np.array([masks.window(i).area for i in range(len(classes))])
    for limit in (32**2, 96**2):
        np.testing.assert_array_equal(areas > limit, exact > limit)
    assert (areas != exact).any()  # the others are estimates, and close
    large = exact > 100
    assert np.median(np.abs(areas - exact)[large] / exact[large]) < 0.2


def test_nothing_to_compare_gives_an_empty_table():
    labels, classes, masks = _scene()
    none = PredictedMasks(torch.zeros(8, 16, 24), torch.zeros(0, 8), np.zeros((0, 4)), labels)
    assert sparse_overlaps(labels, classes[:0], none).shape == (9, 0)
    assert none.areas().shape == (0,)
    empty = {**labels, "cls": labels["cls"][:0], "masks": [], "crowd": labels["crowd"][:0]}
    assert sparse_overlaps(empty, classes, masks).shape == (0, 200)


def test_masks_are_those_of_prediction_at_full_size():
    generator = torch.Generator().manual_seed(0)
    protos, coefficients = (torch.randn(s, generator=generator) for s in ((8, 16, 16), (20, 8)))
    low = torch.rand(20, 2, generator=generator) * 80
    boxes = torch.cat((low, low + 40), 1)
    frame = {"ori_shape": (96, 128), "input_shape": (64, 64), "ratio_pad": ((0.5, 0.5), (0, 8))}
    masks = PredictedMasks(protos, coefficients, boxes.numpy(), frame)
    native = process_mask_native(
        protos, coefficients, boxes, (96, 128), (64, 64), frame["ratio_pad"]
    )
    for i in range(20):
        window, whole = masks.window(i), np.zeros((96, 128), bool)
        height, width = window.pixels.shape
        whole[window.y : window.y + height, window.x : window.x + width] = window.pixels
        np.testing.assert_array_equal(whole, native[i].numpy().astype(bool))
