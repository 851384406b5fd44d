"""Trainings of every family that this version trains, each for an epoch or two of tiny pictures."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.detect.val import DetectionValidator
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.models.yolo.segment.val import SegmentationValidator
from engine.nn.checkpoint import load_checkpoint
from engine.nn.tasks import DetectionModel, SegmentationModel

DFL, L1 = ("box_loss", "cls_loss", "dfl_loss"), ("box_loss", "cls_loss", "l1_loss")
SEGMENT = ("box_loss", "seg_loss", "cls_loss", "dfl_loss", "sem_loss")
SEGMENT26 = ("box_loss", "seg_loss", "cls_loss", "l1_loss", "sem_loss")
FAMILIES = [
    (DetectionTrainer, "yolo26n.yaml", L1),
    (SegmentationTrainer, "yolo26n-seg.yaml", SEGMENT26),
    (DetectionTrainer, "yolov8n.yaml", DFL),
    (SegmentationTrainer, "yolov8n-seg.yaml", SEGMENT),
    (DetectionTrainer, "yolo12n.yaml", DFL),
    (SegmentationTrainer, "yolo12n-seg.yaml", SEGMENT),
]
GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, overlap_mask=True)


def _batch():
    """Two images of one bright square each."""
    images, masks = torch.zeros(2, 3, 64, 64), torch.zeros(2, 16, 16, dtype=torch.uint8)
    images[0, :, 16:48, 8:40], images[1, :, 24:56, 24:56] = 1, 1
    masks[0, 4:12, 2:10], masks[1, 6:14, 6:14] = 1, 1
    return {
        "img": images,
        "batch_idx": torch.tensor([0.0, 1.0]),
        "cls": torch.tensor([[0.0], [1.0]]),
        "bboxes": torch.tensor([[0.375, 0.5, 0.5, 0.5], [0.625, 0.625, 0.5, 0.5]]),
        "masks": masks,
    }


def _end_to_end(kind, name):
    torch.manual_seed(0)
    model = kind(name, nc=2, verbose=False).train()
    model.args = GAINS
    return model


@pytest.mark.parametrize(("trainer", "name", "parts"), FAMILIES, ids=[f[1][:-5] for f in FAMILIES])
def test_a_family_trains_and_is_measured(make_trainer, trainer, name, parts):
    run = make_trainer(trainer, model=name)
    start = {}
    run.add_callback(
        "on_train_start",
        lambda t: start.update({k: p.clone() for k, p in t.model.named_parameters()}),
    )
    metrics = run.train()
    header = (run.save_dir / "results.csv").read_text().splitlines()[0].split(",")
    for split in ("train", "val"):
        assert tuple(c.removeprefix(f"{split}/") for c in header if c.startswith(split)) == parts
    assert "metrics/mAP50-95(B)" in metrics
    still = {
        k for k, p in run.model.named_parameters() if p.requires_grad and torch.equal(p, start[k])
    }
    # a level of the one-to-one branch learns boxes once one of its anchors is the best of an object
    unlucky = tuple(f"model.23.one2one_{part}.{i}" for part in ("cv2", "cv4") for i in range(3))
    # four anchors of 32 pixels hardly fit an object of 24: their boxes' gradients may be lost in rounding
    unlucky += (f"model.{run.model.head.i}.cv2.2",)
    assert {k for k in still if not k.startswith(unlucky)} == set()
    boxes = [k for k in start if k.startswith("model.23.one2one_cv2")]
    assert not boxes or set(boxes) - still
    found = load_checkpoint(run.best)
    assert (found.task, found.names) == (run.task, {0: "square"})
    assert found.yaml["yaml_file"] == name


@pytest.mark.parametrize(
    ("kind", "name"), [(DetectionModel, "yolo26n.yaml"), (SegmentationModel, "yolo26n-seg.yaml")]
)
def test_the_loss_of_both_branches_falls(kind, name):
    model, batch = _end_to_end(kind, name), _batch()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    seen = []
    for step in range(25):
        model.progress = step / 25
        optimizer.zero_grad()
        model.loss(batch)[0].backward()
        optimizer.step()
        criterion = model._criterion
        with torch.no_grad():
            raw = model(batch["img"])
            seen.append({n: criterion.branches[n](raw[n], batch)[0].item() for n in raw})
    assert criterion.progress == 24 / 25
    for branch in ("one2many", "one2one"):
        assert seen[-1][branch] < 0.7 * seen[0][branch], branch


def test_the_one_to_one_branch_leaves_the_layers_below_to_the_other():
    model, batch = _end_to_end(SegmentationModel, "yolo26n-seg.yaml"), _batch()
    criterion, raw = model.init_criterion(), model(batch["img"])
    criterion.branches["one2one"](raw["one2one"], batch)[0].backward(retain_graph=True)
    touched = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert touched
    assert all(n.startswith("model.23.one2one_") for n in touched), touched
    criterion.branches["one2many"](raw["one2many"], batch)[0].backward()
    touched = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"model.0.conv.weight", "model.23.proto.semseg.2.weight"} <= touched


def test_a_resumed_end_to_end_run_equals_the_uninterrupted_one(make_trainer):
    whole = make_trainer(SegmentationTrainer, model="yolo26n-seg.yaml", epochs=3, name="whole")
    whole.train()
    broken = make_trainer(SegmentationTrainer, model="yolo26n-seg.yaml", epochs=3, name="broken")

    def fail(trainer):
        if trainer.epoch == 1:
            raise RuntimeError("power cut")

    broken.add_callback("on_fit_epoch_end", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        broken.train()
    resumed = SegmentationTrainer(overrides={"resume": str(broken.last)})
    progress = []
    resumed.add_callback("on_train_batch_end", lambda t: progress.append(t.model.progress))
    resumed.train()
    assert resumed.loss_names == SEGMENT26
    assert set(progress) == {2 / 3}  # the weights of the branches go on where they were
    for part in ("model", "ema"):
        expected = getattr(whole, part if part == "model" else "ema")
        found = getattr(resumed, part)
        expected, found = (x if part == "model" else x.ema for x in (expected, found))
        different = [
            k for k, v in expected.state_dict().items() if not torch.equal(v, found.state_dict()[k])
        ]
        assert different == []


@pytest.mark.parametrize(
    ("trainer", "validator", "name"),
    [
        (DetectionTrainer, DetectionValidator, "yolo26n.yaml"),
        (SegmentationTrainer, SegmentationValidator, "yolo26n-seg.yaml"),
    ],
)
def test_either_branch_is_measured_on_its_own(make_trainer, tmp_path, trainer, validator, name):
    run = make_trainer(trainer, model=name)
    run.train()
    rows = {}
    for nms in (None, True, False):
        given = {"data": run.args.data, "imgsz": 64, "plots": False, "max_det": 400}
        given |= {"device": "cpu", "project": str(tmp_path), "conf": 0.0, "nms": nms}
        measure = validator(args=given)
        seen = rows.setdefault(nms, [])
        measure.add_callback("on_val_batch_end", lambda v: v.batch_i)
        postprocess = measure.postprocess
        measure.postprocess = lambda out, seen=seen, p=postprocess: seen.extend(p(out)) or seen[-2:]
        measure(model=str(run.best))
        assert measure.end2end is (nms is False)
    assert [len(r["conf"]) for r in rows[False]] == [84, 84]  # as many as there are cells
    assert all((r["conf"].diff() <= 0).all() for r in rows[False])
    for suppressed, same in zip(rows[None], rows[True], strict=True):
        assert torch.equal(suppressed["bboxes"], same["bboxes"])
