from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.losses.classes import class_targets, sparse_bce

SHAPE = (2, 3, 5)


def _positives():
    image, anchor = torch.tensor([0, 1, 1]), torch.tensor([4, 0, 3])
    return image, anchor, torch.tensor([2, 0, 1]), torch.tensor([0.9, 0.25, 0.5])


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_equals_the_dense_cross_entropy_and_its_gradient(smoothing):
    image, anchor, label, score = _positives()
    dense = torch.zeros(SHAPE)
    dense[image, label, anchor] = score * (1 - smoothing)
    dense[image, :, anchor] += (score * smoothing / 3)[:, None]
    logits = (torch.randn(SHAPE) * 8).requires_grad_()
    places, values = class_targets(image, anchor, label, score, SHAPE, smoothing)
    loss = sparse_bce(logits, places, values)
    (gradient,) = torch.autograd.grad(loss * 3, logits)
    expected = F.binary_cross_entropy_with_logits(logits, dense, reduction="sum")
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient, torch.autograd.grad(expected * 3, logits)[0])


def test_smoothing_changes_the_target_but_not_its_mass():
    positives = _positives()
    places, values = class_targets(*positives, SHAPE, 0.3)
    assert len(places.unique()) == 9
    torch.testing.assert_close(values.view(3, 3).sum(1), positives[3])
    assert values.max() == pytest.approx(0.9 * 0.8)


def test_gradient_by_differences_and_without_targets():
    logits = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    places, values = torch.tensor([3, 17]), torch.tensor([0.2, 1.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: sparse_bce(x, places, values), logits)
    nothing = torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: sparse_bce(x, *nothing), logits)
