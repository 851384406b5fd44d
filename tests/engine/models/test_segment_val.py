from __future__ import annotations

import numpy as np
import torch

from engine.metrics.matching import THRESHOLDS
from engine.models.yolo.segment.val import masks_of, sparse_mask_iou
from engine.ops.iou import mask_iou


def _scene(predictions: int = 150, size: int = 64):
    generator = torch.Generator().manual_seed(3)
    truth = torch.zeros(6, size, size, dtype=torch.uint8)
    corners = torch.tensor([[4, 4], [20, 6], [36, 8], [6, 30], [26, 34], [40, 40]])
    for mask, (x, y) in zip(truth, corners.tolist(), strict=True):
        mask[y : y + 14, x : x + 16] = 1
    low = corners[torch.randint(0, 6, (predictions,), generator=generator)].float()
    low = low + torch.randn(predictions, 2, generator=generator) * 3
    found = {
        "bboxes": torch.cat((low, low + 15 + torch.randn(predictions, 2, generator=generator)), 1),
        "conf": torch.linspace(0.9, 0.01, predictions),
        "cls": torch.randint(0, 2, (predictions,), generator=generator).float(),
        "extra": torch.randn(predictions, 8, generator=generator),
        "proto": torch.randn(8, size // 4, size // 4, generator=generator) + 0.5,
    }
    return truth, np.array([0, 1, 0, 1, 0, 1]), found, (size, size)


def test_what_is_left_out_could_not_have_matched():
    truth, classes, found, shape = _scene()
    sparse = sparse_mask_iou(truth, classes, found, shape)
    whole = mask_iou(truth, masks_of(found, np.arange(150), shape)).numpy()
    whole = np.where(classes[:, None] == found["cls"].numpy()[None], whole, 0)
    counts = whole >= THRESHOLDS[0]
    assert counts.any()
    np.testing.assert_allclose(sparse[counts], whole[counts], rtol=1e-6)
    assert not (sparse[~counts] >= THRESHOLDS[0]).any()


def test_nothing_to_compare_gives_an_empty_table():
    truth, classes, found, shape = _scene()
    none = {k: v[:0] if k != "proto" else v for k, v in found.items()}
    assert sparse_mask_iou(truth, classes, none, shape).shape == (6, 0)
    assert sparse_mask_iou(truth[:0], classes[:0], found, shape).shape == (0, 150)
