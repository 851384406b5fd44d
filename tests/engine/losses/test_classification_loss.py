from __future__ import annotations

import math

import pytest
import torch

from engine.losses.classification import ClassificationLoss

LOGITS = [[2.0, 0.0, -1.0], [0.5, 0.5, 0.5]]


def by_hand(logits, target, smoothing=0.0):
    total = math.log(sum(math.exp(v) for v in logits))
    wanted = [smoothing / len(logits) + (1 - smoothing) * (i == target) for i in range(len(logits))]
    return sum(w * (total - v) for w, v in zip(wanted, logits, strict=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_mean_cross_entropy(smoothing):
    logits = torch.tensor(LOGITS, requires_grad=True)
    loss, items = ClassificationLoss(smoothing)(logits, {"cls": torch.tensor([0, 2])})
    expected = (by_hand(LOGITS[0], 0, smoothing) + by_hand(LOGITS[1], 2, smoothing)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-6)
    assert items.tolist() == [loss.item()]
    assert not items.requires_grad
    loss.backward()
    soft = torch.tensor(LOGITS).softmax(1)
    wanted = torch.full((2, 3), smoothing / 3)
    wanted[0, 0] += 1 - smoothing
    wanted[1, 2] += 1 - smoothing
    torch.testing.assert_close(logits.grad, (soft - wanted) / 2)


def test_smoothing_is_for_learning_only():
    batch = {"cls": torch.tensor([0, 2])}
    plain, smoothed = (ClassificationLoss(s)(torch.tensor(LOGITS), batch)[0] for s in (0.0, 0.3))
    assert plain == smoothed


def test_half_precision_is_summed_in_full():
    logits = torch.zeros(1, 1000, dtype=torch.float16, requires_grad=True)
    loss, _ = ClassificationLoss()(logits, {"cls": torch.tensor([5])})
    assert loss.dtype is torch.float32
    assert loss.item() == pytest.approx(math.log(1000), rel=1e-6)
