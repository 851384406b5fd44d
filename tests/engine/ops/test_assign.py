from __future__ import annotations

import math

import pytest
import torch

from engine.ops import assign
from engine.ops.anchors import make_anchors
from engine.ops.assign import RotatedAssigner, TaskAlignedAssigner
from engine.ops.iou import bbox_iou
from engine.ops.rotated import probiou


def _scene(seed: int, images: int = 2, per_image: int = 5, nc: int = 3):
    random = torch.Generator().manual_seed(seed)
    points, strides = make_anchors([torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 4, 4)], [8, 16])
    points = points * strides
    logits = torch.randn(images, nc, len(points), generator=random)
    side = torch.rand(images, len(points), 4, generator=random) * 20 + 2
    boxes = torch.cat((points - side[..., :2], points + side[..., 2:]), -1)
    count = images * per_image
    centre = torch.rand(count, 2, generator=random) * 64
    half = torch.rand(count, 2, generator=random) * 15 + 3
    targets = torch.cat((centre - half, centre + half), 1)
    image = torch.arange(images).repeat_interleave(per_image)
    labels = torch.randint(0, nc, (count,), generator=random)
    return logits, boxes, points, image, labels, targets


def _slowly(topk, alpha, beta, logits, boxes, points, image, labels, targets):
    """Follow the paper's words, one pair after another."""
    first = _round(topk, alpha, beta, logits, boxes, points, image, labels, targets, {}, range(99))
    lost = set(range(len(targets))) - {-minus_t for _, minus_t, _ in first.values()}
    again = _round(topk, alpha, beta, logits, boxes, points, image, labels, targets, first, lost)
    pairs = {**first, **again}
    result = {}
    for place, (_, minus_t, metric) in pairs.items():
        mine = [p for p in pairs.values() if p[1] == minus_t]
        best_metric, best_iou = max(p[2] for p in mine), max(p[0] for p in mine)
        result[place] = (-minus_t, metric / (best_metric + 1e-9) * best_iou)
    return result


def _round(topk, alpha, beta, logits, boxes, points, image, labels, targets, gone, who):
    wishes = {}
    for t, (b, label, box) in enumerate(zip(image.tolist(), labels.tolist(), targets, strict=True)):
        if t not in who:
            continue
        found = []
        for a, (x, y) in enumerate(points.tolist()):
            free = (b, a) not in gone
            if free and box[0] <= x <= box[2] and box[1] <= y <= box[3]:
                iou = bbox_iou(boxes[b, a], box, xywh=False).item()
                found.append((logits[b, label, a].sigmoid().item() ** alpha * iou**beta, iou, a))
        for metric, iou, a in sorted(found, reverse=True)[:topk]:
            wishes.setdefault((b, a), []).append((iou, -t, metric))
    return {place: max(wish) for place, wish in wishes.items()}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("pieces", [1, 4])
def test_assignment_follows_the_paper(seed, pieces, monkeypatch):
    scene = _scene(seed)
    if pieces > 1:
        monkeypatch.setattr(assign, "_PAIRS_AT_ONCE", len(scene[2]) * 3)
    found = TaskAlignedAssigner(topk=4)(*scene)
    expected = _slowly(4, 0.5, 6.0, *scene)
    got = {
        (b, a): (t, s)
        for b, a, t, s in zip(*(x.tolist() for x in found), strict=True)
    }  # fmt: skip
    assert got.keys() == expected.keys()
    for place, (target, score) in expected.items():
        assert got[place][0] == target
        assert got[place][1] == pytest.approx(score, abs=1e-5)
    assert (found.target.diff() >= 0).all()


def test_no_objects_at_all_and_none_in_one_image():
    logits, boxes, points, image, labels, targets = _scene(0)
    none = TaskAlignedAssigner()(logits, boxes, points, image[:0], labels[:0], targets[:0])
    assert [len(x) for x in none] == [0, 0, 0, 0]
    second = image == 1
    some = TaskAlignedAssigner()(
        logits, boxes, points, image[second], labels[second], targets[second]
    )
    assert len(some.image)
    assert (some.image == 1).all()


def test_an_object_smaller_than_a_cell_has_an_anchor_with_min_side():
    logits, boxes, points, image, labels, _ = _scene(1, per_image=20)
    random = torch.Generator().manual_seed(9)
    corner = torch.rand(40, 2, generator=random) * 62 + 1
    tiny = torch.cat((corner, corner + 0.5), 1)
    without = TaskAlignedAssigner(topk=1)(logits, boxes, points, image, labels, tiny)
    spread = points[None] - (tiny[:, None, :2] + 0.25)
    assert len(without.target) < 5
    for t in range(40):  # one by one, so that none takes another's anchor
        only = slice(t, t + 1)
        found = TaskAlignedAssigner(topk=1)(
            logits, boxes, points, image[only], labels[only], tiny[only], min_side=8.0
        )
        assert len(found.anchor) == 1
        assert spread[t, found.anchor[0]].abs().max() <= 4


def test_no_object_is_left_out_while_its_anchors_are_free():
    logits, boxes, points, _, _, _ = _scene(3)
    nested = torch.tensor([[8.0, 8, 56, 56], [16, 16, 48, 48], [20, 20, 44, 44]])
    boxes[0] = nested[0]  # every anchor predicts the outer box, so it wins all that two want
    found = TaskAlignedAssigner()(
        logits, boxes, points, torch.zeros(3).long(), torch.zeros(3).long(), nested
    )
    assert set(found.target.tolist()) == {0, 1, 2}
    assert len(found.anchor.unique()) == len(found.anchor)
    assert (found.target.diff() >= 0).all()


def test_equal_objects_share_no_anchor():
    logits, boxes, points, _, _, targets = _scene(3)
    twice = targets[:1].repeat(2, 1)
    found = TaskAlignedAssigner(topk=2)(
        logits, boxes, points, torch.zeros(2).long(), torch.zeros(2).long(), twice
    )
    assert len(found.anchor.unique()) == len(found.anchor)
    assert set(found.target.tolist()) == {0, 1}


def _turned_scene(seed: int):
    """Anchors, predictions and objects as rotated boxes, two images."""
    logits, boxes, points, image, labels, targets = _scene(seed)
    random = torch.Generator().manual_seed(seed)

    def turned(corners):
        centre, size = (
            (corners[..., :2] + corners[..., 2:]) / 2,
            corners[..., 2:] - corners[..., :2],
        )
        angle = torch.rand(*corners.shape[:-1], 1, generator=random) * math.pi
        return torch.cat((centre, size, angle), -1)

    return logits, turned(boxes), points, image, labels, turned(targets)


@pytest.mark.parametrize("seed", range(3))
def test_turned_objects_take_anchors_inside_them_by_their_probiou(seed):
    logits, boxes, points, image, labels, targets = _turned_scene(seed)
    found = RotatedAssigner(topk=4)(logits, boxes, points, image, labels, targets)
    assert len(found.anchor) > 20
    assert len(set(zip(found.image.tolist(), found.anchor.tolist(), strict=True))) == len(
        found.anchor
    )
    mine = targets[found.target]
    away = points[found.anchor] - mine[:, :2]
    cos, sin = mine[:, 4].cos(), mine[:, 4].sin()
    along, across = away[:, 0] * cos + away[:, 1] * sin, away[:, 1] * cos - away[:, 0] * sin
    assert (along.abs() <= mine[:, 2] / 2 + 1e-4).all()
    assert (across.abs() <= mine[:, 3] / 2 + 1e-4).all()
    overlap = probiou(boxes[found.image, found.anchor], mine)[:, 0]
    for target in range(len(targets)):
        of = found.target == target
        if of.any():  # the best anchor scores what the best overlap is
            assert found.score[of].max() == pytest.approx(float(overlap[of].max()), rel=1e-3)


def test_turning_everything_changes_no_assignment():
    logits, boxes, points, image, labels, targets = _turned_scene(7)
    angle = 0.6
    turn = torch.tensor(((math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))))

    def turned(x):
        return torch.cat((x[..., :2] @ turn, x[..., 2:4], x[..., 4:] + angle), -1)

    before = RotatedAssigner()(logits, boxes, points, image, labels, targets)
    after = RotatedAssigner()(logits, turned(boxes), points @ turn, image, labels, turned(targets))
    assert after.anchor.tolist() == before.anchor.tolist()
    assert after.target.tolist() == before.target.tolist()
    torch.testing.assert_close(after.score, before.score, atol=1e-4, rtol=1e-3)


def test_a_turned_object_smaller_than_a_cell_has_an_anchor_with_min_side():
    logits, boxes, points, *_ = _turned_scene(0)
    targets = torch.tensor([[16.2, 16.3, 3.0, 2.0, 0.7]])
    image, labels = torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)
    assert not len(RotatedAssigner()(logits, boxes, points, image, labels, targets).anchor)
    found = RotatedAssigner()(logits, boxes, points, image, labels, targets, min_side=16)
    assert len(found.anchor) >= 4
