from __future__ import annotations

import math

import pytest
import torch

from engine.ops.boxes import xyxy2xywh
from engine.ops.iou import bbox_iou, box_iou, mask_iou


def _random_boxes(n: int, seed: int) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    corner = torch.rand(n, 2, generator=random) * 50
    return torch.cat((corner, corner + torch.rand(n, 2, generator=random) * 30 + 1), 1)


def test_box_iou_of_known_pairs():
    first = torch.tensor([[0.0, 0, 2, 2], [0, 0, 4, 4]])
    second = torch.tensor([[0.0, 0, 2, 2], [1, 1, 3, 3], [9, 9, 10, 10], [5, 5, 5, 5]])
    expected = torch.tensor([[1, 1 / 7, 0, 0], [0.25, 0.25, 0, 0]])
    torch.testing.assert_close(box_iou(first, second), expected)
    assert box_iou(first[:0], second).shape == (0, 4)


def test_overlap_measures_equal_the_papers_for_a_pair_worked_by_hand():
    a, b = torch.tensor([0.0, 0, 2, 2]), torch.tensor([1.0, 1, 3, 5])
    iou, hull, union = 1 / 11, 15.0, 11.0
    aspect = 4 / math.pi**2 * (math.atan(2 / 4) - math.atan(1)) ** 2
    alpha = aspect / (1 - iou + aspect)
    expected = {"iou": iou, "giou": iou - (hull - union) / hull}
    expected["diou"] = iou - (1**2 + 2**2) / (3**2 + 5**2)  # centres (1, 1) and (2, 3), hull 3 x 5
    expected["ciou"] = expected["diou"] - alpha * aspect
    for kind, value in expected.items():
        assert bbox_iou(a, b, xywh=False, kind=kind).item() == pytest.approx(value, abs=1e-6)
        turned = bbox_iou(xyxy2xywh(a), xyxy2xywh(b), xywh=True, kind=kind)
        assert turned.item() == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("kind", ["iou", "giou", "diou", "ciou"])
def test_equal_boxes_give_one_and_gradients_are_finite(kind):
    boxes = _random_boxes(20, 0)
    torch.testing.assert_close(bbox_iou(boxes, boxes, xywh=False, kind=kind), torch.ones(20))
    degenerate = torch.tensor([[3.0, 3, 3, 3], [0, 0, 5, 0]], requires_grad=True)
    bbox_iou(degenerate, boxes[:2], xywh=False, kind=kind).sum().backward()
    assert degenerate.grad.isfinite().all()


def test_ciou_pulls_a_box_apart_towards_its_target():
    shift = torch.zeros(2, requires_grad=True)
    moving = torch.tensor([[0.0, 20, 4, 24]]) + shift.repeat(2)
    target = torch.tensor([[10.0, 0, 16, 6]])
    (1 - bbox_iou(moving, target, xywh=False, kind="ciou")).sum().backward()
    assert shift.grad[0] < 0  # descending moves it right
    assert shift.grad[1] > 0  # and up


def test_box_iou_is_the_diagonal_of_bbox_iou():
    a, b = _random_boxes(30, 1), _random_boxes(30, 2)
    torch.testing.assert_close(box_iou(a, b).diagonal(), bbox_iou(a, b, xywh=False))


@pytest.mark.parametrize(("n", "m"), [(3, 9), (9, 3), (4, 4)])
@pytest.mark.parametrize("share", [0.05, 0.9])
@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_mask_iou_counts_pixels(n, m, share, dtype):
    random = torch.Generator().manual_seed(n)
    first = torch.rand(n, 12, 15, generator=random) < share
    second = torch.rand(m, 12, 15, generator=random) < share
    expected = torch.tensor(
        [[(a & b).sum().double() / (a | b).sum().clamp(1) for b in second] for a in first]
    )
    torch.testing.assert_close(mask_iou(first.to(dtype), second.to(dtype)), expected)


def test_mask_iou_of_none_and_of_different_sizes():
    assert mask_iou(torch.zeros(0, 4, 4), torch.ones(3, 4, 4)).shape == (0, 3)
    assert mask_iou(torch.zeros(1, 4, 4), torch.zeros(2, 4, 4)).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="one size"):
        mask_iou(torch.ones(1, 4, 4), torch.ones(1, 5, 5))
