"""Decoding, suppression, scaling and masks together, against what the field's library computed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from engine.nn.checkpoint import load_checkpoint
from engine.ops.boxes import scale_boxes
from engine.ops.masks import masks2segments, process_mask
from engine.ops.nms import non_max_suppression
from tests.recorded import read_arrays


def _letterbox(image, size=320):
    height, width = image.shape[:2]
    gain = min(size / height, size / width)
    inner_w, inner_h = round(width * gain), round(height * gain)
    x, y = (size - inner_w) % 32 / 2, (size - inner_h) % 32 / 2
    inner = cv2.resize(image, (inner_w, inner_h), interpolation=cv2.INTER_LINEAR)
    border = round(y - 0.1), round(y + 0.1), round(x - 0.1), round(x + 0.1)
    return cv2.copyMakeBorder(inner, *border, cv2.BORDER_CONSTANT, value=(114, 114, 114))


@pytest.mark.parametrize("name", ["000000000036", "000000000042", "000000000049", "000000000061"])
def test_predictions_equal_the_recorded_ones(shared_dir, name):
    model = load_checkpoint(shared_dir / "vectors" / "yolo11n-seg.pt").model.float().eval()
    model.fuse()  # as the library does before it predicts
    recorded = read_arrays(shared_dir / "vectors" / "yolo11n-seg.npz")
    expected = {k: recorded[f"pred.c1e5_{name}.{k}"] for k in ("xyxy", "conf", "cls", "mask_area")}
    image = cv2.imread(str(shared_dir / "datasets" / "coco8" / "images" / "val" / f"{name}.jpg"))
    small = _letterbox(image)
    batch = torch.from_numpy(small[..., ::-1].transpose(2, 0, 1).copy())[None].float() / 255
    with torch.no_grad():
        (decoded, protos), _ = model(batch)
    (rows,) = non_max_suppression(decoded, conf=1e-5, iou=0.7, nc=80)
    masks = process_mask(protos[0], rows[:, 6:], rows[:, :4], batch.shape[2:], upsample=True)
    seen = masks.flatten(1).any(1).bool()
    rows, masks = rows[seen], masks[seen]
    boxes = scale_boxes(small.shape[:2], rows[:, :4], image.shape[:2])
    np.testing.assert_allclose(boxes, expected["xyxy"], atol=2e-3)
    np.testing.assert_allclose(rows[:, 4], expected["conf"], rtol=1e-3, atol=1e-7)
    np.testing.assert_array_equal(rows[:, 5], expected["cls"])
    np.testing.assert_array_equal(masks.sum((1, 2)), expected["mask_area"])
    assert all(len(outline) >= 4 for outline in masks2segments(masks))
