from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from engine.losses.detection import DetectionLoss
from engine.losses.end_to_end import EndToEndLoss, branch_shares
from engine.losses.segmentation import SegmentationLoss
from engine.ops.anchors import dist2bbox
from engine.ops.iou import bbox_iou

STRIDES, SIZE, NC = (8, 16, 32), 64, 3
GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5)
BRANCHES = ("one2many", "one2one")


def _raw(seed=0, reg_max=1, maps=True):
    random = torch.Generator().manual_seed(seed)
    feats = [torch.zeros(2, 8, SIZE // s, SIZE // s) for s in STRIDES]

    def branch():
        tensors = {
            "boxes": torch.rand(2, 4 * reg_max, 84, generator=random) * 3,
            "scores": torch.randn(2, NC, 84, generator=random),
            "mask_coefficient": torch.randn(2, 6, 84, generator=random),
            "proto": torch.randn(2, 6, 16, 16, generator=random),
            "maps": torch.randn(2, NC, 8, 8, generator=random),
        }
        leaves = {k: v.requires_grad_() for k, v in tensors.items()}
        pair = (leaves["proto"], leaves.pop("maps"))
        return {**leaves, "feats": feats, "proto": pair if maps else pair[0]}

    return {name: branch() for name in BRANCHES}


def _batch():
    masks = torch.zeros(2, 16, 16, dtype=torch.uint8)
    masks[0, 2:10, 2:8], masks[1, 6:14, 4:12] = 1, 1
    return {
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.tensor([[0.0], [2.0]]),
        "bboxes": torch.tensor([[5 / 16, 6 / 16, 6 / 16, 8 / 16], [8 / 16, 10 / 16, 0.5, 0.5]]),
        "masks": masks,
    }


def _loss(kind=SegmentationLoss, reg_max=1):
    return EndToEndLoss(partial(kind, NC, reg_max, STRIDES, GAINS))


def test_shares_move_from_many_to_one_and_stay_a_whole():
    shares = [branch_shares(p) for p in (-1, 0, 0.5, 1, 2)]
    many = [s["one2many"] for s in shares]
    assert many == pytest.approx([0.8, 0.8, 0.45, 0.1, 0.1])
    assert all(sum(s.values()) == pytest.approx(1) for s in shares)


@pytest.mark.parametrize("kind", [DetectionLoss, SegmentationLoss])
def test_total_is_weighted_and_items_are_not(kind):
    loss, raw, batch = _loss(kind), _raw(), _batch()
    parts = {name: loss.branches[name](raw[name], batch) for name in BRANCHES}
    for progress, many in ((0.0, 0.8), (1.0, 0.1)):
        loss.progress = progress
        total, items = loss(raw, batch)
        expected = many * parts["one2many"][0] + (1 - many) * parts["one2one"][0]
        torch.testing.assert_close(total, expected)
        torch.testing.assert_close(items, (parts["one2many"][1] + parts["one2one"][1]) / 2)
        assert len(items) == len(loss.names)
        assert not items.requires_grad


def test_a_branch_takes_many_anchors_and_the_other_one_an_object():
    loss, raw, batch = _loss(), _raw(), _batch()
    found = {n: loss.branches[n]._parts(raw[n], batch)[1].assignment for n in BRANCHES}
    assert torch.bincount(found["one2many"].target).tolist() == [10, 10]
    assert torch.bincount(found["one2one"].target).tolist() == [1, 1]
    # consistent: of equal outputs the single anchor is the best of the many
    same = loss.branches["one2one"]._parts(raw["one2many"], batch)[1].assignment
    best = [found["one2many"].score[found["one2many"].target == t].argmax() for t in (0, 1)]
    anchors = [found["one2many"].anchor[found["one2many"].target == t] for t in (0, 1)]
    assert same.anchor.tolist() == [a[b].item() for a, b in zip(anchors, best, strict=True)]


def test_gradients_reach_every_tensor_of_both_branches():
    raw = _raw()
    _loss()(raw, _batch())[0].backward()
    for name in BRANCHES:
        for key in ("boxes", "scores", "mask_coefficient"):
            assert raw[name][key].grad.any(), (name, key)
        for part in raw[name]["proto"]:
            assert part.grad.any(), name


def test_what_is_left_of_a_fused_model_has_the_whole_weight():
    loss, raw, batch = _loss(), _raw(maps=False), _batch()
    for name in BRANCHES:
        alone = loss.branches[name](raw[name], batch)
        torch.testing.assert_close(loss({name: raw[name]}, batch), alone)
        assert alone[1][4] == 0  # no map of classes


@pytest.mark.parametrize("reg_max", [1, 8])
def test_descending_leads_both_branches_to_the_labels(reg_max):
    loss, raw, batch = _loss(reg_max=reg_max), _raw(reg_max=reg_max), _batch()
    leaves = [raw[n][k] for n in BRANCHES for k in ("boxes", "scores", "mask_coefficient")]
    leaves += [part for n in BRANCHES for part in raw[n]["proto"]]
    optimizer = torch.optim.Adam(leaves, lr=0.1)
    first = loss(raw, batch)[0].item()
    for step in range(150):
        loss.progress = step / 150
        optimizer.zero_grad()
        total, items = loss(raw, batch)
        total.backward()
        optimizer.step()
    assert total.item() < 0.3 * first
    assert items[0] < 0.6
    if reg_max > 1:
        return
    branch = loss.branches["one2one"]
    points, strides = branch._anchor_points(raw["one2one"]["feats"])
    boxes = dist2bbox(raw["one2one"]["boxes"], points.T, xywh=False, dim=1) * strides.T
    targets = branch._targets(batch, (SIZE, SIZE), torch.device("cpu"))
    for image, label, box in zip(*targets, strict=True):
        overlap = bbox_iou(boxes[image].T, box, xywh=False)
        score = raw["one2one"]["scores"][image, label].sigmoid()
        assert overlap[score.argmax()] > 0.7
        assert (score > 0.5).sum() == 1  # nothing to suppress
