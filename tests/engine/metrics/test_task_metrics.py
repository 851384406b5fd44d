from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from engine.metrics.detection import DetectionMetrics
from engine.metrics.segmentation import SegmentationMetrics

NAMES = {0: "nut", 1: "bolt", 2: "gear"}


def _right(*rows):
    return np.array(rows, dtype=bool).reshape(-1, 1).repeat(10, 1)


def test_detection_gathers_images():
    metrics = DetectionMetrics(NAMES)
    metrics.update(
        _right(1, 0), torch.tensor([0.9, 0.6]), torch.tensor([0, 1]), torch.tensor([0, 0])
    )
    metrics.update(_right(1), np.array([0.8]), np.array([2]), np.array([2]))
    metrics.update(_right(), np.zeros(0), np.zeros(0), np.zeros(0))
    metrics.process()
    assert metrics.keys == [f"metrics/{m}(B)" for m in ("precision", "recall", "mAP50", "mAP50-95")]
    assert list(metrics.results_dict) == [*metrics.keys, "fitness"]
    nut = 51 / 101  # recall reaches 0.5: the recalls 0 to 0.5 read 1
    assert metrics.results_dict["metrics/mAP50(B)"] == pytest.approx((nut + 1) / 2)
    assert metrics.fitness == metrics.box.map == pytest.approx((nut + 1) / 2)
    rows = metrics.per_class()
    assert [(r["class_id"], r["name"], r["images"], r["instances"]) for r in rows] == [
        (0, "nut", 1, 2), (2, "gear", 1, 1),
    ]  # fmt: skip
    assert rows[1]["box"] == {"precision": 1.0, "recall": 1.0, "ap50": 1.0, "ap": 1.0}
    assert rows[1]["mask"] is None
    assert metrics.maps[1] == pytest.approx(metrics.box.map)
    json.dumps([rows, metrics.curves, metrics.results_dict])


def test_segmentation_is_judged_by_its_masks():
    metrics = SegmentationMetrics(NAMES)
    metrics.update(_right(1), np.array([0.9]), np.array([1]), np.array([1]), tp_m=_right(0))
    metrics.process()
    assert metrics.keys[4:] == [
        f"metrics/{m}(M)" for m in ("precision", "recall", "mAP50", "mAP50-95")
    ]
    assert metrics.results_dict["metrics/mAP50-95(B)"] == 1
    assert metrics.results_dict["metrics/mAP50-95(M)"] == metrics.fitness == 0
    assert len(metrics.class_result(0)) == 8
    assert metrics.per_class()[0]["mask"]["ap50"] == 0
    assert set(metrics.curves) == {"box", "mask"}
    with pytest.raises(ValueError, match="tp_m"):
        metrics.update(_right(1), [0.9], [1], [1])


@pytest.mark.parametrize("kind", [DetectionMetrics, SegmentationMetrics])
def test_no_image_at_all_and_a_fresh_start(kind):
    metrics = kind(NAMES)
    metrics.process()
    assert metrics.fitness == 0
    assert metrics.per_class() == []
    masks = {"tp_m": _right(1)} if kind is SegmentationMetrics else {}
    metrics.update(_right(1), [0.9], [1], [1], **masks)
    metrics.process()
    assert metrics.fitness == 1
    metrics.clear()
    assert metrics.fitness == 0
    metrics.process()
    assert metrics.fitness == 0
