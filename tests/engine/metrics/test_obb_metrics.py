from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from engine.metrics import obb
from engine.metrics.matching import match_predictions
from engine.metrics.obb import OBBMetrics, rotated_overlaps
from engine.ops.rotated import probiou


def _boxes(count: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    values = torch.rand(count, 5, generator=random)
    return values * torch.tensor([80.0, 80, 30, 12, math.pi]) + torch.tensor([0.0, 0, 6, 4, 0])


@pytest.mark.parametrize("pieces", [1, 3])
def test_overlaps_are_those_of_the_pairs(pieces, monkeypatch):
    truth, found = _boxes(7), _boxes(9, seed=1)
    monkeypatch.setattr(obb, "_PAIRS_AT_ONCE", 7 * 9 // pieces)
    overlaps = rotated_overlaps(truth, found)
    assert overlaps.shape == (7, 9)
    for i in range(7):
        for k in range(9):
            assert float(overlaps[i, k]) == pytest.approx(
                float(probiou(truth[i], found[k])), abs=1e-6
            )


def test_overlaps_of_nothing():
    assert rotated_overlaps(_boxes(0), _boxes(3)).shape == (0, 3)
    assert rotated_overlaps(_boxes(3), _boxes(0)).shape == (3, 0)


def test_a_box_told_another_way_is_found():
    truth = _boxes(12)
    found = truth[:, [0, 1, 3, 2, 4]] + torch.tensor([0, 0, 0, 0, math.pi / 2])
    classes, metrics = np.zeros(12), OBBMetrics({0: "ship"})
    hits = match_predictions(rotated_overlaps(truth, found), classes, classes)
    metrics.update(hits, np.linspace(0.9, 0.1, 12), classes, classes)
    metrics.process()
    assert metrics.box.map == pytest.approx(1)
    assert metrics.keys == [f"metrics/{k}(B)" for k in ("precision", "recall", "mAP50", "mAP50-95")]


def test_a_box_turned_too_far_is_not_found():
    truth = torch.tensor([[50.0, 50, 40, 8, 0.3]])
    for angle, expected in ((0.02, True), (0.8, False)):
        found = truth + torch.tensor([0, 0, 0, 0, angle])
        hits = match_predictions(rotated_overlaps(truth, found), np.zeros(1), np.zeros(1))
        assert bool(hits[0, 0]) is expected
