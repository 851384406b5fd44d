"""The loss of poses: by formula, by differences, and beside the peer's values on the same raw tensors."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.losses.detection import DetectionLoss
from engine.losses.end_to_end import EndToEndLoss
from engine.losses.keypoints import likelihood_loss, similarity_loss, visibility_loss
from engine.losses.pose import LikelihoodPoseLoss, PoseLoss
from engine.nn.modules.flow import RealNVP
from engine.nn.tasks import PoseModel
from engine.ops.anchors import make_anchors

STRIDES, SIZE = (8, 16, 32), 64
FEATS = [torch.zeros(1, 8, SIZE // s, SIZE // s) for s in STRIDES]
GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, pose=12.0, kobj=1.0, rle=1.0)

# Keypoints, values to each, seed, bins, unit of the errors, their spread; then the peer's pose, visibility and
# likelihood parts, measured as a black box (version 8.4.190). Errors are alike at every anchor in this unit,
# so that parts in this unit do not depend on which anchors are taken; None: the likelihood in pixels does.
PEER = [
    ((17, 3, 0, 16, "pixels", 3.0), (6.17086124, 0.79423541, None)),
    ((5, 3, 1, 16, "pixels", 3.0), (0.25292546, 1.03217852, None)),
    ((5, 2, 2, 16, "pixels", 4.0), (0.16417837, 0.0, None)),
    ((17, 3, 3, 1, "pixels", 2.0), (4.31623983, 1.48847222, None)),
    ((17, 3, 4, 1, "cells", 0.3), (3.37442207, 1.21229434, 4.06537628)),
    ((4, 3, 5, 1, "cells", 0.2), (0.10157490, 0.37963784, 2.57834911)),
    ((4, 2, 6, 1, "cells", 1.0), (1.41486716, 0.0, 230.74092102)),
]


def _flow():
    """A flow whose weights any library can be given: drawn by numpy in the order of their names."""
    flow, random = RealNVP(), np.random.default_rng(5)
    state = flow.state_dict()
    for name in sorted(state):
        if name.startswith(("s.", "t.")):
            values = random.standard_normal(tuple(state[name].shape)).astype(np.float32)
            state[name] = torch.tensor(values * 0.2)
    flow.load_state_dict(state)
    return flow


def _case(count, values, seed, reg_max, unit, spread):
    """Raw tensors and a batch of one object in which every anchor errs alike, in pixels or cells."""
    random = np.random.default_rng(seed)
    truth = torch.tensor(random.uniform(0.3, 0.7, (count, 2)).astype(np.float32))
    visible = torch.tensor(random.integers(0, 3, count).astype(np.float32))
    error = torch.tensor(random.normal(0, spread, (count, 2)).astype(np.float32))
    sigma = torch.tensor(random.normal(0, 1, (count, 2)).astype(np.float32))
    logit = torch.tensor(random.normal(0, 2, count).astype(np.float32))
    points, strides = make_anchors(FEATS, STRIDES)
    points, stride = points[:, None], strides[:, None]
    placed = truth * SIZE / stride + error / (stride if unit == "pixels" else 1)
    kpts = torch.zeros(84, count, values)
    kpts[..., :2] = placed - points if reg_max == 1 else (placed - points + 0.5) / 2
    kpts[..., 2:] = logit[:, None]
    raw = {
        "boxes": torch.ones(1, 4 * reg_max, 84),
        "scores": torch.zeros(1, 1, 84),
        "feats": FEATS,
        "kpts": kpts.view(84, -1).T[None],
        "kpts_sigma": sigma.expand(84, count, 2).reshape(84, -1).T[None],
    }
    return raw, _batch(torch.cat((truth, visible[:, None]), 1)[None])


def _batch(keypoints):
    return {
        "batch_idx": torch.zeros(1),
        "cls": torch.zeros(1, 1),
        "bboxes": torch.tensor([[0.5, 0.5, 0.5, 0.4]]),
        "keypoints": keypoints,
    }


def _twice(offsets, points):
    return offsets * 2 + points - 0.5


def _plain(offsets, points):
    return offsets + points


def _loss(shape, reg_max):
    if reg_max > 1:
        return PoseLoss(1, reg_max, STRIDES, GAINS, shape, _twice)
    flow = _flow()
    return LikelihoodPoseLoss(1, 1, STRIDES, GAINS, shape, _plain, log_density=flow.log_prob)


@pytest.mark.parametrize(("case", "expected"), PEER)
def test_parts_are_the_peers_on_the_same_tensors(case, expected):
    count, values, _, reg_max = case[:4]
    loss = _loss((count, values), reg_max)
    items = dict(zip(loss.names, loss(*_case(*case))[1].tolist(), strict=True))
    for name, value in zip(("pose_loss", "kobj_loss", "rle_loss"), expected, strict=True):
        if value is not None:
            assert items[name] == pytest.approx(value, rel=5e-6), name


def test_similarity_is_cocos_formula():
    placed = torch.tensor([[[10.0, 10.0], [20.0, 26.0]]])
    truth = torch.tensor([[[13.0, 14.0], [20.0, 20.0]]])
    area = torch.tensor([100.0])
    sigma = 1 / 2
    first = 1 - math.exp(-(5**2) / (2 * 100 * (2 * sigma) ** 2))
    second = 1 - math.exp(-(6**2) / (2 * 100 * (2 * sigma) ** 2))
    both = similarity_loss(placed, truth, torch.tensor([[True, True]]), area)
    assert both.item() == pytest.approx((first + second) / 2)
    # a point that is not labelled does not count, and the others then weigh the object alone
    one = similarity_loss(placed, truth, torch.tensor([[True, False]]), area)
    assert one.item() == pytest.approx(first)
    none = similarity_loss(placed, truth, torch.tensor([[False, False]]), area)
    assert none.item() == 0


def test_seventeen_points_have_the_spreads_and_weights_of_people():
    placed = torch.zeros(1, 17, 2)
    truth = torch.full((1, 17, 2), 1.0)
    area = torch.tensor([50.0])
    alone = [
        similarity_loss(placed, truth, torch.eye(17, dtype=torch.bool)[k : k + 1], area).item()
        for k in range(17)
    ]
    assert alone[1] == max(alone)  # eyes are where one points, hips are not
    assert alone[11] == alone[12] == min(alone)
    logits, seen = torch.zeros(1, 17, 2), torch.eye(17, dtype=torch.bool)
    weights = [
        likelihood_loss(truth, logits, seen[k : k + 1], lambda e: -e.square().sum(1)).item()
        for k in range(17)
    ]
    assert weights[9] / weights[0] == pytest.approx(1.5)
    assert weights[13] / weights[0] == pytest.approx(1.2)


def test_visibility_is_cross_entropy():
    logits = torch.tensor([[2.0, -1.0]])
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(1))) / 2
    assert visibility_loss(logits, torch.tensor([[True, True]])).item() == pytest.approx(expected)


def test_likelihood_stops_at_nought_and_at_a_hundred_spreads():
    seen = torch.ones(1, 1, dtype=torch.bool)
    density = lambda e: -e.abs().sum(1)  # noqa: E731
    sure = torch.full((1, 1, 2), -8.0)
    assert likelihood_loss(torch.zeros(1, 1, 2), sure, seen, density).item() == 0
    far, farther = (
        likelihood_loss(torch.full((1, 1, 2), e), torch.zeros(1, 1, 2), seen, density).item()
        for e in (60.0, 6000.0)
    )
    assert far == farther
    assert far == pytest.approx(2 * (2 * 100 + 100 + 2 * math.log(0.5) + math.log(2)), rel=1e-6)
    nobody = likelihood_loss(torch.ones(1, 1, 2), sure, ~seen, density)
    assert nobody.item() == 0


@pytest.mark.parametrize("name", ["kpts", "kpts_sigma"])
def test_gradients_are_those_of_differences(name):
    random = torch.Generator().manual_seed(3)
    raw, batch = _case(4, 3, 5, 1, "cells", 0.6)
    raw = {k: v if k == "feats" else v.clone() for k, v in raw.items()}
    loss = _loss((4, 3), 1)
    _, positives = loss._parts(raw, batch)  # which anchors learn is no smooth function: it stays

    def total(raw):
        return sum(loss._keypoint_parts(raw, batch, positives))

    raw[name].requires_grad_()
    total(raw).backward()
    slope = raw[name].grad
    assert slope.abs().sum() > 0
    towards = torch.randn(slope.shape, generator=random) * (slope != 0)
    step = 1e-3
    with torch.no_grad():
        ends = [
            total({**raw, name: raw[name] + sign * step * towards}).double() for sign in (1, -1)
        ]
    measured = (ends[0] - ends[1]) / (2 * step)
    assert (slope * towards).sum().item() == pytest.approx(measured.item(), rel=0.02)


@pytest.mark.parametrize("reg_max", [16, 1])
def test_images_without_objects_cost_nothing_and_break_nothing(reg_max):
    raw, batch = _case(5, 3, 1, reg_max, "pixels", 3.0)
    empty = {k: v[:0] for k, v in batch.items()}
    leaves = {k: v if k == "feats" else v.clone().requires_grad_() for k, v in raw.items()}
    loss = _loss((5, 3), reg_max)
    total, items = loss(leaves, empty)
    total.backward()
    named = dict(zip(loss.names, items.tolist(), strict=True))
    assert {k for k, v in named.items() if v} == {"cls_loss"}
    assert torch.isfinite(leaves["kpts"].grad).all()


def test_points_that_nobody_labelled_do_not_pull():
    raw, batch = _case(5, 3, 1, 16, "pixels", 3.0)
    batch["keypoints"][0, :, 2] = torch.tensor([2.0, 0.0, 1.0, 0.0, 2.0])
    raw["kpts"] = raw["kpts"].clone().requires_grad_()
    _loss((5, 3), 16)(raw, batch)[0].backward()
    pull = raw["kpts"].grad.view(5, 3, 84)
    assert pull[[1, 3], :2].abs().sum() == 0
    assert all(pull[k, :2].abs().sum() > 0 for k in (0, 2, 4))
    assert pull[1, 2].abs().sum() > 0  # that it is not seen is learned


def test_labels_of_two_values_count_every_point():
    raw, batch = _case(5, 3, 1, 16, "pixels", 3.0)
    loss = _loss((5, 3), 16)
    batch["keypoints"][..., 2] = 1
    three = loss(raw, batch)[1]
    two = loss(raw, {**batch, "keypoints": batch["keypoints"][..., :2]})[1]
    torch.testing.assert_close(two, three)


def test_other_keypoints_than_the_heads_are_refused():
    raw, batch = _case(5, 3, 1, 16, "pixels", 3.0)
    with pytest.raises(ValueError, match="expected 5 keypoints an object, received 4"):
        _loss((5, 3), 16)(raw, {**batch, "keypoints": batch["keypoints"][:, :4]})


@pytest.mark.parametrize(
    ("gain", "name"), [("pose", "pose_loss"), ("kobj", "kobj_loss"), ("rle", "rle_loss")]
)
def test_each_gain_weighs_its_part(gain, name):
    raw, batch = _case(4, 3, 5, 1, "cells", 0.2)
    changed = SimpleNamespace(**{**vars(GAINS), gain: 3 * getattr(GAINS, gain)})
    flow = _flow()
    items = []
    for gains in (GAINS, changed):
        loss = LikelihoodPoseLoss(1, 1, STRIDES, gains, (4, 3), _plain, log_density=flow.log_prob)
        items.append(dict(zip(loss.names, loss(raw, batch)[1].tolist(), strict=True)))
    for part, value in items[0].items():
        assert items[1][part] == pytest.approx(value * (3 if part == name else 1), rel=1e-5)


def test_anchors_of_yolo26_learn_by_how_well_they_place_the_points():
    """The anchor that places them best gets the score 1, others the similarity to the sixth power."""
    raw, batch = _case(4, 3, 5, 1, "pixels", 0.0)
    loss = _loss((4, 3), 1)
    points, strides = make_anchors(FEATS, STRIDES)
    inside = ((points * strides - 32).abs() <= torch.tensor([16.0, 12.8])).all(1).nonzero()[:, 0]
    kpts = raw["kpts"].clone().view(1, 4, 3, 84)
    away, best = 5.0, int(inside[3])
    worse = torch.arange(84) != best
    kpts[0, :, 0, worse] += away / strides[worse, 0]
    raw["kpts"] = kpts.view(1, 12, 84)
    batch["keypoints"][..., 2] = 2
    found = loss._parts(raw, batch)[1].assignment
    area = 0.53 * 32 * 25.6
    similarity = math.exp(-(away**2) / (2 * area * (2 / 4) ** 2))
    expected = torch.where(found.anchor == best, 1.0, similarity**6)
    assert best in found.anchor
    torch.testing.assert_close(found.score, expected, rtol=1e-4, atol=1e-5)
    # without a labelled point the boxes decide, as in a detector
    batch["keypoints"][..., 2] = 0
    by_boxes = loss._parts(raw, batch)[1].assignment
    detector = DetectionLoss(1, 1, STRIDES, GAINS)._parts(raw, batch)[1].assignment
    assert torch.equal(by_boxes.anchor, detector.anchor)
    torch.testing.assert_close(by_boxes.score, detector.score)


def test_both_branches_of_an_end_to_end_head_count():
    make = partial(
        LikelihoodPoseLoss, 1, 1, STRIDES, GAINS, (4, 3), _plain, log_density=_flow().log_prob
    )
    loss = EndToEndLoss(make)
    raw, batch = _case(4, 3, 5, 1, "pixels", 0.2)
    _, items = loss({"one2many": raw, "one2one": raw}, batch)
    assert loss.names == (
        "box_loss", "pose_loss", "kobj_loss", "cls_loss", "l1_loss", "rle_loss"
    )  # fmt: skip
    assert (items > 0).all()


def test_a_new_flow_hardly_tells_errors_apart_by_their_direction():
    """Its scale and shift start next to constant: what is left to learn is not hidden under chance."""
    torch.manual_seed(0)
    flow = RealNVP()
    with torch.no_grad():
        moves = [net(torch.randn(200, 2)).std(0).max().item() for net in (*flow.s, *flow.t)]
    assert 0 < max(moves) < 1e-3


@pytest.mark.parametrize("name", ["yolo11n-pose.yaml", "yolo26n-pose.yaml"])
def test_every_weight_of_a_model_learns(name):
    torch.manual_seed(0)
    model = PoseModel(name, nc=1, verbose=False).train()
    model.args = GAINS
    keypoints = torch.rand(1, 17, 3) * torch.tensor([0.4, 0.4, 0]) + torch.tensor([0.3, 0.3, 2])
    total, items = model.loss({"img": torch.rand(1, 3, 64, 64), **_batch(keypoints)})
    total.backward()
    assert torch.isfinite(items).all()
    still = [n for n, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert still == []
    with torch.no_grad():
        _, watched = model.eval().loss({"img": torch.rand(1, 3, 64, 64), **_batch(keypoints)})
    assert torch.isfinite(watched).all()
