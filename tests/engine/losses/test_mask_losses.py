from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from engine.losses import masks as mask_losses
from engine.losses.masks import MaskTargets, mask_loss, numbers_in_image, resize_nearest

SIZES = [(24, 16), (11, 19)]  # whole tiles, and not


def _scene(size, dtype=torch.float64, per_image=(3, 0, 2), each=(2, 0, 3, 1, 2)):
    random = torch.Generator().manual_seed(0)
    height, width = size
    image = torch.repeat_interleave(torch.arange(len(per_image)), torch.tensor(per_image))
    corner = torch.rand(5, 2, generator=random) * torch.tensor([width, height]) * 0.6
    side = torch.rand(5, 2, generator=random) * torch.tensor([width, height]) * 0.5 + 0.3
    side[4] = 0.2  # under a pixel
    index = torch.randint(0, 4, (3, height, width), generator=random)
    targets = MaskTargets(
        index.to(torch.uint8), image, numbers_in_image(image), torch.cat((corner, corner + side), 1)
    )
    owner = torch.repeat_interleave(torch.arange(5), torch.tensor(each))
    protos = torch.randn(3, 4, height, width, generator=random, dtype=dtype)
    rows = torch.randn(len(owner), 4, generator=random, dtype=dtype)
    return protos, rows, owner, targets


def _slowly(protos, rows, owner, targets):
    """Follow the definition, one positive anchor after another."""
    height, width = protos.shape[2:]
    y, x = torch.arange(height)[:, None] + 0.5, torch.arange(width)[None] + 0.5
    total = 0 * protos.sum() + 0 * rows.sum()
    for row, t in zip(rows, owner.tolist(), strict=True):
        x1, y1, x2, y2 = targets.boxes[t]
        inside = (x >= x1) & (x < x2) & (y >= y1) & (y < y2)
        if targets.number is None:
            truth = targets.masks[t] > 0
        else:
            truth = targets.masks[targets.image[t]] == targets.number[t]
        logits = torch.einsum("c,chw->hw", row, protos[targets.image[t]])
        bce = F.binary_cross_entropy_with_logits(logits, truth.to(logits.dtype), reduction="none")
        total = total + bce[inside].sum() / ((x2 - x1) * (y2 - y1)).clamp(min=1)
    return total / len(owner)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("overlap", [True, False])
@pytest.mark.parametrize("piece", [3, 1000])
def test_equals_the_definition_and_its_gradient(size, overlap, piece, monkeypatch):
    monkeypatch.setattr(mask_losses, "_PAIRS_ON_CPU", piece)
    protos, rows, owner, targets = _scene(size)
    if not overlap:
        own = torch.rand(5, *size, generator=torch.Generator().manual_seed(1)) < 0.5
        targets = targets._replace(masks=own.float(), number=None)
    protos.requires_grad_()
    rows.requires_grad_()
    loss, expected = mask_loss(protos, rows, owner, targets), _slowly(protos, rows, owner, targets)
    torch.testing.assert_close(loss, expected)
    got = torch.autograd.grad(loss * 2.5, (protos, rows))
    torch.testing.assert_close(got, torch.autograd.grad(expected * 2.5, (protos, rows)))


def test_gradient_by_differences():
    protos, rows, owner, targets = _scene((9, 10))
    protos.requires_grad_()
    rows.requires_grad_()
    assert torch.autograd.gradcheck(lambda p, r: mask_loss(p, r, owner, targets), (protos, rows))


def test_no_positive_anchor_gives_zero_and_a_gradient_of_zeros():
    protos, rows, owner, targets = _scene((8, 8))
    protos.requires_grad_()
    none = rows[:0].requires_grad_()
    loss = mask_loss(protos, none, owner[:0], targets)
    loss.backward()
    assert loss == 0
    assert not protos.grad.any()
    nothing = MaskTargets(targets.masks, *(x[:0] for x in targets[1:]))
    assert mask_loss(protos, none, owner[:0], nothing) == 0


def test_wild_logits_stay_finite():
    protos, rows, owner, targets = _scene((16, 16), torch.float32)
    protos = (protos * 1e4).requires_grad_()
    loss = mask_loss(protos, rows, owner, targets)
    loss.backward()
    assert loss.isfinite()
    assert protos.grad.isfinite().all()


def test_numbers_count_within_an_image_in_any_order_of_images():
    assert numbers_in_image(torch.tensor([0, 0, 2, 2, 2])).tolist() == [1, 2, 1, 2, 3]
    assert numbers_in_image(torch.tensor([3, 0, 3, 0])).tolist() == [1, 1, 2, 2]
    assert numbers_in_image(torch.zeros(0).long()).tolist() == []


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.float32])
def test_masks_take_the_nearest_pixel(dtype):
    small = torch.tensor([[[1, 2], [3, 4]]], dtype=dtype)
    large = resize_nearest(small, (4, 6))
    assert large[0].tolist() == [[1] * 3 + [2] * 3] * 2 + [[3] * 3 + [4] * 3] * 2
    assert resize_nearest(large, (2, 2)).tolist() == small.tolist()
    assert large.dtype == dtype
