"""Mixed precision on a processor: every task learns what it learns in float32, to the precision of bfloat16."""

import pytest
import torch

from engine.models.yolo.classify.train import ClassificationTrainer
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.obb.train import OBBTrainer
from engine.models.yolo.pose.train import PoseTrainer
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.models.yolo.semseg.train import SemSegTrainer
from engine.nn.tasks import DetectionModel
from engine.training import precision as precision_module
from engine.training.precision import Precision, autocast_dtype, has_fast_bfloat16

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
def fast_bfloat16(monkeypatch):
    """A processor that gains by it: bfloat16 is computed everywhere, elsewhere slowly."""
    monkeypatch.setattr(precision_module, "has_fast_bfloat16", lambda: True)


@pytest.mark.parametrize(
    ("amp", "fast", "expected"),
    [(True, True, torch.bfloat16), (True, False, None), (False, True, None)],
)
def test_a_processor_computes_in_bfloat16_where_that_is_fast(monkeypatch, amp, fast, expected):
    monkeypatch.setattr(precision_module, "has_fast_bfloat16", lambda: fast)
    assert autocast_dtype(CPU, amp) is expected
    found = Precision(CPU, amp)
    with found.autocast():
        assert torch.is_autocast_enabled("cpu") is (expected is not None)
    assert not found.scaler.is_enabled()


@pytest.mark.parametrize(
    ("instructions", "name", "expected"),
    [
        ({"amx_tile", "avx512_bf16"}, "Intel(R) Xeon(R) Processor", True),
        ({"avx512_bf16"}, "AMD EPYC 9654 96-Core Processor", True),
        ({"avx512_bf16"}, "AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", True),
        ({"avx512_bf16"}, "Intel64 Family 6 Model 143 Stepping 8, GenuineIntel", False),
        ({"avx512_bf16"}, "Intel(R) Xeon(R) Platinum 8380H CPU @ 2.90GHz", False),
        (set(), "AMD Ryzen 7 5800X 8-Core Processor", False),
    ],
)
def test_bfloat16_is_fast_with_matrix_units_and_on_amd(monkeypatch, instructions, name, expected):

    for word in ("amx_tile", "avx512_bf16"):
        has = word in instructions
        monkeypatch.setattr(torch.cpu, f"_is_{word}_supported", lambda has=has: has, raising=False)
    monkeypatch.setattr(precision_module, "cpu_name", lambda: name)
    assert has_fast_bfloat16() is expected


@pytest.mark.parametrize("task", TRAINERS)
@pytest.mark.usefixtures("fast_bfloat16")
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


def test_what_a_head_says_is_finer_than_the_steps_of_bfloat16():
    torch.manual_seed(0)
    model = DetectionModel("yolo11n.yaml", nc=3, verbose=False).train()
    images = torch.rand(2, 3, 64, 64)
    plain = model(images)["scores"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model(images)["scores"]
    assert mixed.dtype is torch.float32
    assert plain.mean() < -4  # before training no class is likely
    steps = mixed.bfloat16().float()
    assert (steps != mixed).float().mean() > 0.9
