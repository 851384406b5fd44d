from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from engine.losses import obb
from engine.losses.end_to_end import EndToEndLoss
from engine.losses.obb import OBBLoss, angle_loss, told_like
from engine.nn.tasks import OBBModel
from engine.ops.rotated import probiou, rbox2dist

STRIDES = (8, 16, 32)
SIZE, NC = 128, 3
GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, angle=1.0)

# What the peer's own loss says of these tensors: box, class, sides (dfl or l1) and angle. It tells objects
# in the way of their labels, whatever the prediction; everything else is the same.
PEER = [
    (16, 10, 0, (5.12895, 65.89408, 4.81634, 0.52401)),
    (16, 10, 3, (4.88484, 52.00719, 4.64151, 0.50501)),
    (16, 10, 5, (4.79271, 45.09857, 4.7502, 0.49363)),
    (1, 10, 0, (2.70116, 38.25634, 0.10762, 0.41491)),
    (1, 10, 5, (2.31127, 48.3153, 0.08444, 0.55121)),
    (1, 1, 0, (2.17739, 150.23151, 0.09086, 0.3533)),
    (1, 1, 5, (1.67598, 138.8623, 0.06207, 0.68227)),
]


def case(reg_max: int, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Random raw tensors of two images, and two objects in each that do not fight for anchors."""
    random = np.random.default_rng(seed)
    anchors, images = sum((SIZE // s) ** 2 for s in STRIDES), 2

    def tensor(values: Any) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, dtype=np.float32))

    centre = np.array([[0.3, 0.3], [0.7, 0.7]] * images) + random.uniform(-0.03, 0.03, (4, 2))
    size, angle = random.uniform(0.15, 0.4, (4, 2)), random.uniform(0, math.pi / 2, (4, 1))
    spread, middle = (1, 0) if reg_max > 1 else (0.8, 2)
    raw = {
        "boxes": tensor(random.normal(size=(images, 4 * reg_max, anchors)) * spread + middle),
        "scores": tensor(random.normal(size=(images, NC, anchors)) - 1),
        "angle": tensor(random.uniform(-math.pi / 4, 3 * math.pi / 4, (images, 1, anchors))),
        "feats": [torch.zeros(images, 4, SIZE // s, SIZE // s) for s in STRIDES],
    }
    batch = {
        "batch_idx": tensor([0, 0, 1, 1]),
        "cls": tensor(random.integers(0, NC, (4, 1))),
        "bboxes": tensor(np.concatenate((centre, size, angle), 1)),
    }
    return raw, batch


def fitting(angle: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Plain distances that decode to the only object's box at every anchor, told with this angle."""
    raw, batch = case(1, 0)
    batch = {key: value[:1] for key, value in batch.items()}
    batch["bboxes"] = torch.tensor([[0.5, 0.5, 0.4, 0.2, 0.5]])
    cells = [(torch.arange(SIZE // s) + 0.5).repeat(SIZE // s) for s in STRIDES]
    rows = [(torch.arange(SIZE // s) + 0.5).repeat_interleave(SIZE // s) for s in STRIDES]
    stride = torch.cat(
        [torch.full((len(x),), float(s)) for x, s in zip(cells, STRIDES, strict=True)]
    )
    points = torch.stack((torch.cat(cells), torch.cat(rows)), 1) * stride[:, None]
    box = torch.tensor([64.0, 64, 51.2, 25.6, angle]).repeat(len(points), 1)
    raw["boxes"] = (rbox2dist(points, box) / stride[:, None]).T[None].repeat(2, 1, 1)
    raw["angle"], raw["scores"] = torch.full_like(raw["angle"], angle), raw["scores"] * 0 + 3
    return raw, batch


@pytest.mark.parametrize(("reg_max", "topk", "seed", "expected"), PEER)
def test_parts_are_those_that_published_models_were_trained_by(
    reg_max, topk, seed, expected, monkeypatch
):
    monkeypatch.setattr(obb, "told_like", lambda boxes, angles: boxes)
    raw, batch = case(reg_max, seed)
    loss = OBBLoss(NC, reg_max, STRIDES, GAINS, topk=topk)
    total, items = loss(raw, batch)
    assert items.tolist() == pytest.approx(expected, rel=2e-5, abs=2e-5)
    assert float(total) == pytest.approx(2 * sum(expected), rel=2e-5)


def test_the_third_part_has_its_name_from_the_head():
    assert OBBLoss(NC, 16, STRIDES, GAINS).names == (
        "box_loss",
        "cls_loss",
        "dfl_loss",
        "angle_loss",
    )
    assert OBBLoss(NC, 1, STRIDES, GAINS).names == ("box_loss", "cls_loss", "l1_loss", "angle_loss")


@pytest.mark.parametrize("reg_max", [1, 16])
def test_descending_the_loss_brings_every_part_down(reg_max):
    raw, batch = case(reg_max, 1)
    leaves = {k: raw[k].requires_grad_() for k in ("boxes", "scores", "angle")}
    loss = OBBLoss(NC, reg_max, STRIDES, GAINS)
    optimizer = torch.optim.Adam(leaves.values(), lr=0.05)
    first = loss(raw, batch)[1]
    for _ in range(60):
        optimizer.zero_grad()
        total, _ = loss(raw, batch)
        total.backward()
        assert all(torch.isfinite(leaf.grad).all() for leaf in leaves.values())
        optimizer.step()
    last = loss(raw, batch)[1]
    assert (last[[0, 1, 3]] < 0.2 * first[[0, 1, 3]]).all()
    assert last[2] < 0.5 * first[2]


def test_a_box_that_fits_costs_nothing_however_it_is_told():
    raw, batch = fitting(0.5)
    box, _, side, angle = OBBLoss(NC, 1, STRIDES, GAINS)(raw, batch)[1].tolist()
    assert box == pytest.approx(0, abs=0.01)
    assert side == pytest.approx(0, abs=1e-5)
    assert angle == pytest.approx(0, abs=1e-6)
    for quarters in (1, 2, 3):
        batch["bboxes"] = told_like(batch["bboxes"], torch.tensor([0.5 + quarters * math.pi / 2]))
        turned = OBBLoss(NC, 1, STRIDES, GAINS)(raw, batch)[1].tolist()
        assert turned == pytest.approx([box, turned[1], side, angle], abs=1e-4)


def test_a_box_is_told_by_the_angle_nearest_to_the_prediction():
    box = torch.tensor([[3.0, 4, 10, 2, 0.2]])
    cases = {0.3: (10, 2, 0.2), 1.6: (2, 10, 0.2 + math.pi / 2), -1.2: (2, 10, 0.2 - math.pi / 2)}
    cases[3.2] = (10, 2, 0.2 + math.pi)
    for angle, expected in cases.items():
        (told,) = told_like(box, torch.tensor([angle]))
        assert told.tolist() == pytest.approx((3, 4, *expected), abs=1e-5)
        assert abs(float(told[4]) - angle) <= math.pi / 4
        assert float(probiou(told, box[0])) == pytest.approx(1, abs=1e-3)


def test_the_angle_counts_by_its_gain():
    raw, batch = fitting(0.7)
    parts = [
        OBBLoss(NC, 1, STRIDES, SimpleNamespace(**{**vars(GAINS), "angle": gain}))(raw, batch)[1]
        for gain in (0.0, 1.0, 3.0)
    ]
    assert parts[0][3] == 0
    assert float(parts[2][3]) == pytest.approx(3 * float(parts[1][3]))
    assert float(parts[1][3]) > 0.1
    torch.testing.assert_close(parts[0][:3], parts[2][:3])


def test_angle_loss_knows_quarter_turns_and_how_drawn_out_a_box_is():
    def at(difference, width=10.0, height=10.0):
        truth = torch.tensor([[0, 0, width, height, 0.3]])
        return float(angle_loss(torch.tensor([0.3 + difference]), truth))

    assert max(at(0), at(math.pi / 2)) == pytest.approx(0, abs=1e-6)
    assert at(math.pi / 4) == pytest.approx(1, abs=1e-6)
    assert at(0.2) == pytest.approx(at(-0.2), abs=1e-6)
    assert at(0.2, 40, 10) == pytest.approx(at(0.2, 10, 40), abs=1e-6)
    assert at(0.2) > at(0.2, 20, 10) > at(0.2, 40, 10) > 0.05


def test_angle_loss_has_the_slope_it_should():
    angles = torch.linspace(-1, 2, 7, dtype=torch.float64, requires_grad=True)
    truth = torch.tensor([[0, 0, 8.0, 5.0, 0.4]], dtype=torch.float64).repeat(7, 1)
    assert torch.autograd.gradcheck(lambda a: angle_loss(a, truth), (angles,))


@pytest.mark.parametrize("count", [0, 1])
def test_images_without_objects(count):
    raw, batch = case(16, 0)
    raw["angle"].requires_grad_()
    batch = {key: value[:count] for key, value in batch.items()}
    total, items = OBBLoss(NC, 16, STRIDES, GAINS)(raw, batch)
    total.backward()
    assert torch.isfinite(items).all()
    assert (items[[0, 2, 3]] > 0).all() == bool(count)
    assert bool(raw["angle"].grad.any()) == bool(count)


@pytest.mark.parametrize(
    ("name", "both"), [("yolo11n-obb.yaml", False), ("yolo26n-obb.yaml", True)]
)
def test_models_make_their_loss(name, both):
    torch.manual_seed(0)
    model = OBBModel(name, nc=NC, verbose=False).train()
    model.args = GAINS
    loss = model.init_criterion()
    assert isinstance(loss, EndToEndLoss if both else OBBLoss)
    batch = {**case(1, 0)[1], "img": torch.rand(2, 3, 64, 64)}
    total, items = model.loss(batch)
    total.backward()
    assert items.shape == (4,)
    assert torch.isfinite(items).all()
    assert all(p.grad is not None for n, p in model.named_parameters() if ".cv4." in n)
