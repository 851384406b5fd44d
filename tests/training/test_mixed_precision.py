"""Mixed precision on a processor: every task learns what it learns in float32, to the precision of bfloat16."""

import pytest
import torch

from engine.models.yolo.classify.train import ClassificationTrainer
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.obb.train import OBBTrainer
from engine.models.yolo.pose.train import PoseTrainer
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.models.yolo.semseg.train import SemSegTrainer
from engine.training import precision as precision_module
from engine.training.precision import Precision, autocast_dtype

CPU = torch.device("cpu")
TRAINERS = {
    "detect": DetectionTrainer,
    "segment": SegmentationTrainer,
    "semseg": SemSegTrainer,
    "classify": ClassificationTrainer,
    "pose": PoseTrainer,
    "obb": OBBTrainer,
}


@pytest.fixture
def matrix_units(monkeypatch):
    """A processor that has them: bfloat16 is computed everywhere, there only faster."""
    monkeypatch.setattr(precision_module, "has_matrix_units", lambda: True)


@pytest.mark.parametrize(
    ("amp", "units", "expected"),
    [(True, True, torch.bfloat16), (True, False, None), (False, True, None)],
)
def test_a_processor_computes_in_bfloat16_where_it_has_units_for_it(
    monkeypatch, amp, units, expected
):
    monkeypatch.setattr(precision_module, "has_matrix_units", lambda: units)
    assert autocast_dtype(CPU, amp) is expected
    found = Precision(CPU, amp)
    with found.autocast():
        assert torch.is_autocast_enabled("cpu") is (expected is not None)
    assert not found.scaler.is_enabled()


@pytest.mark.parametrize("task", TRAINERS)
@pytest.mark.usefixtures("matrix_units")
def test_every_task_learns_the_same_in_bfloat16(task, tiny_task, make_trainer):
    losses, formats = {}, {}
    for amp in (True, False):
        seen = losses.setdefault(amp, [])

        def note(trainer, seen=seen, amp=amp):
            seen.append(float(trainer.loss_items.sum()))
            formats[amp] = {p.grad.dtype for p in trainer.model.parameters() if p.grad is not None}

        changes = {**tiny_task(task), "epochs": 2, "amp": amp, "val": False, "plots": False}
        trainer = make_trainer(TRAINERS[task], **changes)
        trainer.add_callback("optimizer_step", note)
        trainer.train()
        assert all(torch.isfinite(p).all() for p in trainer.model.parameters())
    assert formats[True] == formats[False] == {torch.float32}  # the weights themselves stay exact
    assert losses[True] == pytest.approx(losses[False], rel=0.05)
    assert losses[True] != losses[False]  # it did compute in another format
