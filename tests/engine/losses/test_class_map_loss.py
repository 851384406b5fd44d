"""The loss of class maps: against plain formulas, the peer's figures, differences, and empty images."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.losses.class_maps import ClassMapLoss
from engine.losses.pixels import _add_at, pixel_losses
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


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_losses_and_gradients_are_those_of_torchs_own_steps(smoothing):
    torch.manual_seed(0)
    logits = (4 * torch.randn(3, 6, 8, 10)).requires_grad_()
    truth = torch.randint(0, 6, (3, 30, 50))
    truth[0, :9] = 255
    entropy, dice = pixel_losses(logits, truth, smoothing)
    (2 * entropy + 3 * dice).backward()
    ours, logits.grad = logits.grad, None
    large = F.interpolate(logits, (30, 50), mode="bilinear", align_corners=False)
    expected = F.cross_entropy(large, truth, ignore_index=255, label_smoothing=smoothing)
    known = truth != 255
    shares = large.softmax(1) * known[:, None]
    target = F.one_hot(truth.where(known, 0), 6).permute(0, 3, 1, 2) * known[:, None]
    hit, both = (shares * target).sum((0, 2, 3)), (shares + target).sum((0, 2, 3))
    expected_dice = (1 - (2 * hit + 1) / (both + 1)).mean()
    (2 * expected + 3 * expected_dice).backward()
    assert float(entropy.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)
    assert float(dice.detach()) == pytest.approx(float(expected_dice.detach()), rel=1e-5)
    assert torch.allclose(ours, logits.grad, atol=1e-7, rtol=1e-4)


@pytest.mark.parametrize("dice", [True, False])
def test_gradient_agrees_with_differences(dice):
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    truth = torch.randint(0, 3, (2, 4, 5))
    truth[0, 1] = 255
    assert torch.autograd.gradcheck(lambda x: pixel_losses(x, truth, 0.1, dice), (logits,))


def test_amounts_are_added_to_the_true_class():
    torch.manual_seed(0)
    values, amount = torch.randn(2, 5, 3, 4), torch.randn(2, 1, 3, 4)
    number = torch.randint(0, 5, (2, 1, 3, 4))
    ours = values.clone()
    _add_at(ours, number, amount)
    channels = torch.arange(5)[:, None, None]
    assert torch.allclose(ours, values + (channels == number) * amount)


def test_the_first_use_may_be_a_prediction():
    """What is kept of it serves a training afterwards."""
    truth = torch.zeros(1, 23, 29, dtype=torch.long)
    with torch.inference_mode():
        pixel_losses(torch.zeros(1, 2, 7, 5), truth)
    logits = torch.zeros(1, 2, 7, 5, requires_grad=True)
    pixel_losses(logits, truth)[0].backward()
    assert float(logits.grad.abs().sum()) > 0


def test_far_apart_logits_have_a_finite_loss_and_gradient():
    logits = torch.zeros(1, 2, 2, 2)
    logits[:, 0] = 500.0
    logits.requires_grad_()
    entropy, dice = pixel_losses(logits, torch.ones(1, 4, 4, dtype=torch.long))
    (entropy + dice).backward()
    assert float(entropy.detach()) == pytest.approx(500)
    assert logits.grad.isfinite().all()
    assert (logits.grad[:, 0] > 0).all()


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
