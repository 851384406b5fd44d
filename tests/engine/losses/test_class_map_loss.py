"""The loss of class maps: against plain formulas, the peer's figures, differences, and empty images."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.losses.class_maps import ClassMapLoss, cross_entropy, dice_loss
from engine.nn.tasks import build_model


def wave(*shape: int, step: float) -> torch.Tensor:
    count = torch.Size(shape).numel()
    return 3 * torch.sin(torch.arange(1, 1 + count) * step).reshape(shape)


def maps() -> torch.Tensor:
    truth = (torch.arange(2 * 64 * 96) // 37 % 7).reshape(2, 64, 96)
    truth[:, :20] = 255
    truth[0, 30:40] = 18
    return truth.to(torch.uint8)


def test_parts_are_those_that_the_peer_computes():
    """Recorded from version 8.4.190 for the same tensors."""
    raw = wave(2, 19, 8, 12, step=0.37), wave(2, 19, 4, 6, step=0.61)
    total, items = ClassMapLoss()(raw, {"masks": maps()})
    expected = [3.9827511310577393, 0.9668915271759033, 1.5092374086380005]
    assert items.tolist() == pytest.approx(expected, rel=1e-5)
    assert float(total) == pytest.approx(12.9178, abs=1e-3)


def test_parts_by_plain_formulas():
    logits, truth = wave(2, 5, 16, 16, step=0.7), torch.randint(0, 5, (2, 64, 64))
    truth[:, ::3] = 255
    _, items = ClassMapLoss()(logits, {"masks": truth.to(torch.uint8)})
    large = F.interpolate(logits, (64, 64), mode="bilinear")
    assert float(items[0]) == pytest.approx(
        float(F.cross_entropy(large, truth, ignore_index=255)), rel=1e-5
    )
    known = truth != 255
    shares = large.softmax(1).transpose(0, 1)[:, known]
    target = F.one_hot(truth[known], 5).T
    dice = 1 - (2 * (shares * target).sum(1) + 1) / (shares.sum(1) + target.sum(1) + 1)
    assert float(items[1]) == pytest.approx(float(dice.mean()), rel=1e-5)
    assert float(items[2]) == 0


def test_smoothing_is_that_of_torch():
    logits, truth = torch.randn(2, 6, 8, 8), torch.randint(0, 6, (2, 8, 8))
    truth[0, :3] = 255
    ours = cross_entropy(logits.log_softmax(1), truth, 0.2)
    theirs = F.cross_entropy(logits, truth, ignore_index=255, label_smoothing=0.2)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
    assert float(ours) != pytest.approx(float(cross_entropy(logits.log_softmax(1), truth)))


def test_gradient_agrees_with_differences():
    torch.manual_seed(0)
    logits = torch.randn(1, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    truth = torch.tensor([[[0, 1, 2, 255], [2, 2, 1, 0], [255, 0, 0, 1]]])

    def loss(x: torch.Tensor) -> torch.Tensor:
        shares = x.log_softmax(1)
        return cross_entropy(shares, truth, 0.1) + dice_loss(shares.exp(), truth)

    assert torch.autograd.gradcheck(loss, (logits,))


def test_images_of_which_nothing_is_known_cost_and_teach_nothing():
    logits = torch.randn(2, 4, 8, 8, requires_grad=True)
    total, items = ClassMapLoss(0.1)(
        (logits, logits[:, :, ::2, ::2]), {"masks": torch.full((2, 32, 32), 255)}
    )
    assert items.tolist() == [0, 0, 0]
    total.backward()
    assert float(logits.grad.abs().sum()) == 0


def test_ignored_pixels_change_nothing():
    logits, truth = torch.randn(1, 4, 16, 16), torch.randint(0, 4, (1, 16, 16))
    truth[:, 8:] = 255
    other = logits.clone()
    other[:, :, 8:] += 5 * torch.randn(1, 4, 8, 16)
    loss = ClassMapLoss()
    assert torch.allclose(loss(logits, {"masks": truth})[1], loss(other, {"masks": truth})[1])


@pytest.mark.parametrize("name", ["yolo26n-sem.yaml", "yolo11n-semseg.yaml"])
def test_models_of_both_heads_learn_one_picture(name):
    """A few steps on one batch bring all three parts down."""
    torch.manual_seed(0)
    model = build_model(name, nc=3, verbose=False).train()
    truth = torch.full((2, 64, 64), 1, dtype=torch.uint8)
    truth[:, :32], truth[:, :, 40:] = 0, 2
    images = torch.rand(3, 3)[truth.long()].permute(0, 3, 1, 2).contiguous()
    batch = {"img": images, "masks": truth}
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    seen = []
    for _ in range(8):
        total, items = model(batch)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        seen.append(items)
    assert (seen[-1] < 0.6 * seen[0]).tolist()[0]
    assert (seen[-1] < seen[0]).all()
    assert all(p.grad is not None for p in model.parameters())
