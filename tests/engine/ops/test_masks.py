from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.ops.masks import (
    crop_mask,
    masks2segments,
    process_mask,
    process_mask_native,
    scale_masks,
)
from engine.ops.raster import polygons2masks


def _outputs(n=12, size=(96, 64), grid=(24, 16), seed=0):
    random = torch.Generator().manual_seed(seed)
    small = torch.randn(1, 8, grid[0] // 4, grid[1] // 4, generator=random)
    protos = F.interpolate(small, grid, mode="bicubic")[0]
    rows = torch.randn(n, 8, generator=random)
    centre = torch.rand(n, 2, generator=random) * torch.tensor([size[1], size[0]])
    half = torch.rand(n, 2, generator=random) * 25
    boxes = torch.cat((centre - half, centre + half), 1)
    boxes[0] = boxes[1] + 500  # outside
    boxes[2, 2:] = boxes[2, :2]  # without area
    return protos, rows, boxes


def test_cropping_keeps_pixels_whose_corner_is_inside():
    cropped = crop_mask(torch.ones(2, 4, 5), torch.tensor([[1.0, 0.5, 3, 3], [0, 0, 0, 0]]))
    assert cropped[0].tolist() == [[0] * 5, [0, 1, 1, 0, 0], [0, 1, 1, 0, 0], [0] * 5]
    assert not cropped[1].any()
    assert crop_mask(torch.ones(0, 4, 5), torch.zeros(0, 4)).shape == (0, 4, 5)


@pytest.mark.parametrize("size", [(96, 64), (90, 64), (97, 61), (48, 200)])
def test_enlarging_in_boxes_equals_enlarging_everything(size):
    protos, rows, boxes = _outputs(size=size)
    logits = torch.einsum("nc,chw->nhw", rows, protos)
    large = F.interpolate(logits[None], size, mode="bilinear", align_corners=False)[0]
    expected = crop_mask(large > 0, boxes)
    masks = process_mask(protos, rows, boxes, size, upsample=True)
    assert masks.dtype == torch.uint8
    assert expected.any()
    torch.testing.assert_close(masks.bool(), expected)
    scale = torch.tensor([16 / size[1], 24 / size[0]] * 2)
    small = process_mask(protos, rows, boxes, size)
    torch.testing.assert_close(small.bool(), crop_mask(logits > 0, boxes * scale))


@pytest.mark.parametrize("original", [(192, 128), (150, 77), (60, 100)])
def test_native_masks_equal_enlarging_and_cutting_the_border_off(original):
    protos, rows, _ = _outputs()
    _, _, boxes = _outputs(size=original, seed=1)
    masks = process_mask_native(protos, rows, boxes, original, input_shape=(96, 64))
    logits = torch.einsum("nc,chw->nhw", rows, protos)
    gain = min(96 / original[0], 64 / original[1])
    height, width = round(original[0] * gain), round(original[1] * gain)
    top, left = round((96 - height) / 2 - 0.1), round((64 - width) / 2 - 0.1)
    # the network's input, finely: then the letterbox is cut off and the rest brought to the original
    x = ((torch.arange(original[1]) + 0.5) * width / original[1] + left) / 64 * 2 - 1
    y = ((torch.arange(original[0]) + 0.5) * height / original[0] + top) / 96 * 2 - 1
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None].expand(
        len(rows), -1, -1, -1
    )
    full = F.grid_sample(logits[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    expected = crop_mask(full > 0, boxes)
    assert masks.shape == (12, *original)
    assert expected.any()
    assert (masks.bool() != expected).float().mean() < 1e-4  # rounding at the zero crossing


def test_no_detections():
    protos, rows, boxes = _outputs()
    for upsample, shape in ((False, (0, 24, 16)), (True, (0, 96, 64))):
        assert process_mask(protos, rows[:0], boxes[:0], (96, 64), upsample).shape == shape
    assert process_mask_native(protos, rows[:0], boxes[:0], (50, 40)).shape == (0, 50, 40)


def test_scaling_masks_cuts_the_border_off():
    masks = torch.zeros(1, 2, 40, 40)
    masks[:, :, 10:30] = 1  # the image's part of a letterbox around 20 x 40
    assert scale_masks(masks, (60, 120)).shape == (1, 2, 60, 120)
    assert scale_masks(masks, (60, 120)).min() == 1
    torch.testing.assert_close(scale_masks(masks, (20, 40)), masks[:, :, 10:30])
    told = scale_masks(masks, (20, 40), ratio_pad=((1, 1), (0, 10)))
    torch.testing.assert_close(told, masks[:, :, 10:30])
    assert scale_masks(masks, (80, 80), padding=False).shape == (1, 2, 80, 80)


def _filled(mask):
    """Return a mask without its holes."""
    rings = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]
    return cv2.drawContours(np.zeros_like(mask), rings, -1, 1, -1)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_an_outline_rasterised_gives_the_mask_back(share):
    random = np.random.default_rng(0)
    masks = (random.random((60, 12, 14)) < share).astype(np.uint8)
    back = polygons2masks((12, 14), masks2segments(masks))
    np.testing.assert_array_equal(back, [_filled(mask) for mask in masks])


def test_outlines_run_along_the_pixels_border():
    mask = torch.zeros(1, 10, 10)
    mask[0, 2:5, 3:7] = 1
    (square,) = masks2segments(mask)
    assert sorted(map(tuple, square.tolist())) == [(3, 2), (3, 5), (7, 2), (7, 5)]
    assert square.dtype == np.float32


def test_the_largest_part_or_all_and_none():
    masks = np.zeros((2, 12, 12), bool)
    masks[0, 1:3, 1:3], masks[0, 5:11, 5:11] = True, True
    both, nothing = masks2segments(masks)
    (large, _) = masks2segments(masks, "largest")
    assert polygons2masks((12, 12), [both]).sum() == 40
    assert polygons2masks((12, 12), [large]).sum() == 36
    assert nothing.shape == (0, 2)
    assert masks2segments(np.zeros((0, 5, 5))) == []


def test_the_odd_row_of_a_border_is_below():
    """A 700 x 1024 image is 219 x 320 in a 224 x 320 letterbox, 2 rows above it and 3 below."""
    planes = torch.randn(1, 2, 224, 320, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(planes[:, :, 2:221], (700, 1024), mode="bilinear")
    torch.testing.assert_close(scale_masks(planes, (700, 1024)), expected)


@pytest.mark.parametrize(
    ("original", "inputs", "frame", "rows", "columns"),
    [
        # a border of 8 rows: two whole rows of the prototypes
        ((80, 192), (96, 192), (24, 48), slice(2, 22), slice(0, 48)),
        # 6 columns: whole at twice the prototypes' size
        ((421, 474), (160, 192), (80, 96), slice(0, 80), slice(3, 93)),
        # 12 and 13 columns: whole at the input's size only
        ((131, 204), (128, 224), (128, 224), slice(0, 128), slice(12, 211)),
    ],
)
def test_full_size_masks_are_cut_where_the_border_is_whole(original, inputs, frame, rows, columns):
    generator = torch.Generator().manual_seed(0)
    protos = torch.randn(8, inputs[0] // 4, inputs[1] // 4, generator=generator)
    coefficients = torch.randn(3, 8, generator=generator)
    boxes = torch.tensor([[0.0, 0, original[1], original[0]]] * 3)
    logits = (coefficients @ protos.flatten(1)).view(1, 3, *protos.shape[1:])
    inner = F.interpolate(logits, frame, mode="bilinear")[:, :, rows, columns]
    expected = F.interpolate(inner, original, mode="bilinear")[0] > 0
    found = process_mask_native(protos, coefficients, boxes, original, input_shape=inputs)
    assert (found.bool() != expected).float().mean() < 1e-4
