"""Losses that are no numbers, and batches that do not fit into memory: a training goes on."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.models.yolo.detect.train import DetectionTrainer
from engine.nn.tasks import DetectionModel
from engine.training.failures import DivergedError
from engine.training.loss_meter import LossMeter
from engine.training.precision import Precision


@pytest.fixture
def spoilt(make_trainer):
    """Build a trainer whose training losses pass through a function (call, batch, loss)."""

    def make(spoil, **changes):
        calls = itertools.count()

        class Spoilt(DetectionModel):
            def loss(self, batch, preds=None):
                total, items = super().loss(batch, preds)
                return (spoil(next(calls), batch, total) if self.training else total), items

        kind = type("SpoiltTrainer", (DetectionTrainer,), {"model_class": Spoilt})
        return make_trainer(kind, **changes)

    return make


def _weights(trainer):
    return torch.cat([p.detach().flatten().clone() for p in trainer.model.parameters()])


def _warnings(read_events, trainer):
    return [event["message"] for event in read_events(trainer.save_dir, "warning")]


def test_the_step_of_one_bad_loss_is_dropped_and_the_run_goes_on(spoilt, read_events):
    trainer = spoilt(lambda call, _, loss: loss * float("nan") if call == 1 else loss, nbs=1)
    seen = {}
    trainer.add_callback("on_train_batch_start", lambda t: seen.update(before=_weights(t)))
    moved = []
    trainer.add_callback(
        "on_train_batch_end", lambda t: moved.append(not torch.equal(seen["before"], _weights(t)))
    )
    trainer.train()
    assert moved == [True, False, True, True]
    assert (trainer.recovery.dropped, trainer.recoveries, trainer.lr_scale) == (1, 0, 1.0)
    (event,) = read_events(trainer.save_dir, "warning")
    assert "epoch 1, batch 2; its step is dropped" in event["message"]
    assert len(event["files"]) == 2  # the batch's images, to be looked at
    rows = read_events(trainer.save_dir, "on_fit_epoch_end")
    assert rows[0]["losses"]["box_loss"] > 0  # the mean of the sound batches
    assert all(torch.isfinite(value).all() for value in trainer.ema.ema.state_dict().values())


def test_images_that_are_no_numbers_leave_no_trace_in_the_running_statistics(make_trainer):
    class Poisoned(DetectionTrainer):
        def preprocess_batch(self, batch):
            batch = super().preprocess_batch(batch)
            if (self.epoch, self.batch_index) == (0, 1):
                batch["img"] = batch["img"] * float("nan")
            return batch

    trainer = make_trainer(Poisoned)
    trainer.train()
    assert trainer.recovery.dropped == 1
    for network in (trainer.model, trainer.ema.ema):
        assert all(torch.isfinite(value).all() for value in network.state_dict().values())


@pytest.mark.parametrize("save", [True, False])
def test_after_three_bad_losses_in_a_row_the_last_good_state_comes_back(spoilt, read_events, save):
    trainer = spoilt(
        lambda call, _, loss: loss * float("inf") if 4 <= call < 7 else loss,
        batch=1,
        epochs=3,
        save=save,
    )
    states = {}
    trainer.add_callback(
        "on_train_epoch_start", lambda t: states.setdefault((t.epoch, t.lr_scale), _weights(t))
    )
    trainer.train()
    assert trainer.recovery.dropped == 2
    assert (trainer.recoveries, trainer.lr_scale) == (1, 0.5)
    assert torch.equal(states[1, 1.0], states[1, 0.5])
    dropped, dropped_too, restored = _warnings(read_events, trainer)
    assert "dropped" in dropped
    assert "dropped" in dropped_too
    assert "going on from epoch 2 with 0.5 of the learning rate" in restored


def test_an_epoch_without_a_sound_batch_is_not_taken_for_training(spoilt):
    trainer = spoilt(lambda call, _, loss: loss * float("nan"), epochs=1)  # two batches an epoch
    with pytest.raises(DivergedError, match="not a number"):
        trainer.train()
    assert trainer.recoveries == 4


def test_a_batch_that_does_not_fit_is_halved_and_the_step_keeps_its_images(spoilt, read_events):
    shapes, seen = [], []

    def full(_, batch, loss):
        shapes.append(len(batch["img"]))
        if shapes[-1] > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        seen.append(batch["im_file"][0])
        return loss

    trainer = spoilt(full, batch=4, nbs=4, optimizer="SGD", warmup_epochs=0, epochs=2)
    steps = []
    trainer.add_callback("optimizer_step", lambda t: steps.append((t.epoch, t.batch_index)))
    trainer.train()
    assert shapes == [4, 2, *[1] * 8]
    assert (trainer.batch_size, trainer.plan.accumulate) == (1, 4)
    assert steps == [(0, 3), (1, 3)]
    assert len(set(seen[:4])) == 4  # every image once an epoch
    messages = _warnings(read_events, trainer)
    assert ["batch=4" in messages[0], "batch=2" in messages[0]] == [True, True]
    assert "batch=1 and 4 batches a step" in messages[1]
    ended = read_events(trainer.save_dir, "on_train_end")
    assert ended[0]["reason"] == "finished"


def test_running_out_in_the_middle_of_an_epoch_shows_no_image_twice(spoilt):
    seen = []

    def later(call, batch, loss):
        if call == 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        seen.append(tuple(batch["im_file"]))
        return loss

    trainer = spoilt(later, batch=2, epochs=1)
    trainer.train()
    assert [len(files) for files in seen] == [2, 1, 1]
    assert len({file for files in seen for file in files}) == 4
    assert len(trainer.train_loader) == 4


def test_a_resumed_run_keeps_the_batch_that_fitted(spoilt):
    def once(call, _, loss):
        if call == 0:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return loss

    trainer = spoilt(once, epochs=2)
    trainer.add_callback("on_fit_epoch_end", lambda t: setattr(t, "stop", True))
    trainer.add_callback("on_train_epoch_end", lambda t: t.state.save_last())
    trainer.final_eval = lambda: None  # it would drop what a resume needs
    trainer.train()
    resumed = DetectionTrainer(overrides={"resume": str(trainer.last)})
    resumed.train()
    assert resumed.batch_size == trainer.batch_size == 1


def test_a_single_image_that_does_not_fit_ends_the_run_with_the_reason(spoilt, read_events):
    def never(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    trainer = spoilt(never)
    with pytest.raises(torch.cuda.OutOfMemoryError):
        trainer.train()
    (error,) = read_events(trainer.save_dir, "error")
    assert error["kind"] == "out_of_memory"
    assert "image size" in error["remedy"]


def test_a_validation_that_does_not_fit_takes_fewer_images_at_once(make_trainer, read_events):
    trainer, tried = make_trainer(epochs=1), []

    def full(validator):
        tried.append(validator.dataloader.batch_size)
        if tried[-1] > 1:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    trainer.add_callback("on_val_batch_start", full)
    metrics = trainer.train()
    assert tried == [2, 1, 1, 1, 1]  # both images, in the epoch and at the end
    assert "metrics/mAP50(B)" in metrics
    assert "validation of 2 images" in _warnings(read_events, trainer)[0]


def test_means_leave_out_what_is_no_number():
    meter = LossMeter()
    assert meter.mean is None
    assert meter.take() == []
    for number, value in enumerate([1.0, float("nan"), 3.0]):
        items = torch.tensor([value, 2.0])
        meter.add(number, items, items.sum(), [f"{number}.png"])
    assert meter.mean.tolist() == [2.0, 2.0]
    assert [(b.number, b.files, b.is_sound) for b in meter.take()] == [
        (0, ("0.png",), True),
        (1, ("1.png",), False),
        (2, ("2.png",), True),
    ]
    assert meter.take() == []


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("name", ["AdamW", "SGD", "NAdam"])
def test_steps_on_what_is_no_number_change_nothing(name, device):
    from engine.training.optimizer import build_optimizer

    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    layer = nn.Linear(2, 2).to(device)
    optimizer = build_optimizer(layer, name, 0.1, 0.9, 0.0)
    precision = Precision(torch.device(device), amp=False)
    before = layer.weight.detach().clone()
    for gradient, sound in ((float("nan"), None), (1.0, torch.tensor(False, device=device))):
        for parameter in layer.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        precision.step(optimizer, layer, 10.0, sound)
        assert torch.equal(layer.weight, before)
    for parameter in layer.parameters():
        parameter.grad = torch.ones_like(parameter)
    precision.step(optimizer, layer, 10.0, torch.tensor(True, device=device))
    assert not torch.equal(layer.weight, before)
    assert torch.isfinite(layer.weight).all()


@pytest.mark.parametrize("name", ["AdamW", "Adam", "SGD"])
def test_optimizers_of_one_kernel_decide_about_a_step_on_their_device(name):
    from engine.training.optimizer import build_optimizer
    from engine.training.precision import _step_where

    layer = nn.Linear(2, 2)
    optimizer = build_optimizer(layer, name, 0.1, 0.9, 0.0)
    before = layer.weight.detach().clone()
    for gradient, takes in ((float("nan"), False), (1.0, True)):
        for parameter in layer.parameters():
            parameter.grad = torch.full_like(parameter, gradient)
        _step_where(optimizer, torch.tensor(takes))
        assert torch.equal(layer.weight, before) is not takes
        assert torch.isfinite(layer.weight).all()
    assert not hasattr(optimizer, "found_inf")


def test_what_is_broken_is_left_out_named_and_counted(
    tiny_task, make_trainer, read_events, tmp_path
):
    given = tiny_task("detect")
    folder = tmp_path / "broken"
    shutil.copytree(Path(given["data"]).parent, folder)
    (folder / "data.yaml").write_text(
        (folder / "data.yaml").read_text().replace(str(Path(given["data"]).parent), str(folder))
    )
    (folder / "images" / "train" / "0.png").write_bytes(b"no picture")
    labels = folder / "labels" / "train" / "1.txt"
    labels.write_text(labels.read_text() + "0 0.5 nonsense\n")
    trainer = make_trainer(model=given["model"], data=str(folder / "data.yaml"), epochs=1)
    trainer.train()
    assert len(trainer.train_loader.dataset) == 3
    warned = {Path(e["path"]).name: e["line"] for e in read_events(trainer.save_dir, "warning")}
    assert warned == {"0.png": None, "1.txt": 3}
    (told,) = [e for e in read_events(trainer.save_dir, "log") if "Not learnt" in e["message"]]
    assert told["values"] == {"images": 1, "labels": 1, "steps": 0}
