"""Arguments that change the course of a training, each seen to do so."""

from __future__ import annotations

import pytest
import torch

from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.detect.val import DetectionValidator
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.errors import ConfigError


def _weights(trainer, layer):
    return torch.cat(
        [p.detach().flatten().clone() for p in trainer.model.model[layer].parameters()]
    )


def test_gradients_are_gathered_to_the_nominal_batch(make_trainer):
    steps = []
    trainer = make_trainer(optimizer="SGD", batch=1, nbs=2, epochs=2, warmup_epochs=0)
    trainer.add_callback("optimizer_step", lambda t: steps.append(t.batch_index))
    trainer.train()
    assert steps == [1, 3] * 2
    uneven, counts = make_trainer(optimizer="SGD", batch=1, nbs=3, warmup_epochs=0, name="b"), []
    uneven.add_callback("optimizer_step", lambda t: counts.append(t.batch_index))
    uneven.train()
    assert counts == [2, 3] * 2  # what is left at an epoch's end is not carried over


def test_frozen_layers_do_not_move(make_trainer):
    before = {}
    trainer = make_trainer(freeze=[0, 1])

    def remember(t):
        before.update({i: _weights(t, i) for i in (0, 1, 2)})
        before["mean"] = t.model.model[0].bn.running_mean.clone()

    trainer.add_callback("on_train_start", remember)
    trainer.train()
    assert torch.equal(before[0], _weights(trainer, 0))
    assert torch.equal(before[1], _weights(trainer, 1))
    assert torch.equal(before["mean"], trainer.model.model[0].bn.running_mean)
    assert not torch.equal(before[2], _weights(trainer, 2))
    with pytest.raises(ConfigError, match="freeze"):
        make_trainer(freeze=[99]).train()


def test_a_fraction_of_the_pictures_and_one_class(make_trainer):
    trainer = make_trainer(fraction=0.5, single_cls=True)
    trainer.train()
    assert len(trainer.train_loader.dataset) == 2
    assert len(trainer.test_loader.dataset) == 2  # measured on all
    assert load_checkpoint(trainer.best).names == {0: "item"}


def test_input_sizes_vary_with_multi_scale_and_the_same_way_in_a_repeat(make_trainer):
    seen = []
    for name in ("a", "b"):
        trainer = make_trainer(SegmentationTrainer, imgsz=128, multi_scale=0.5, name=name, epochs=3)
        sizes = []
        trainer.add_callback(
            "on_train_start",
            lambda t, sizes=sizes: t.model.model[0].register_forward_pre_hook(
                lambda m, x: sizes.append(tuple(x[0].shape[2:])) if m.training else None
            ),
        )
        trainer.train()
        seen.append(sizes)
    assert seen[0] == seen[1]
    assert len(set(seen[0])) > 1
    assert all(side % 32 == 0 and 64 <= side <= 192 for size in seen[0] for side in size)


def test_rates_follow_the_schedule_that_was_asked_for(make_trainer, read_events):
    rates = {}
    for cos_lr in (False, True):
        trainer = make_trainer(
            epochs=4,
            cos_lr=cos_lr,
            lr0=0.01,
            lrf=0.1,
            optimizer="SGD",
            warmup_epochs=0,
            name=f"{cos_lr}",
        )
        trainer.train()
        epochs = read_events(trainer.save_dir, "on_train_epoch_end")
        rates[cos_lr] = [e["lr"]["pg0"] for e in epochs]
    # the last batch of epoch e of 4 stands at (2 e - 1) / 8 of the run
    assert rates[False] == pytest.approx([0.01 * (1 - 0.9 * (2 * e - 1) / 8) for e in range(1, 5)])
    assert rates[True][0] > rates[False][0]
    assert rates[True][-1] < rates[False][-1]


def test_image_sizes_are_brought_to_what_the_network_takes(make_trainer, read_events):
    trainer = make_trainer(imgsz=70, epochs=1)
    trainer.train()
    assert trainer.args.imgsz == 96
    assert "multiple" in read_events(trainer.save_dir, "warning")[0]["message"]
    with pytest.raises(ConfigError, match="one number"):
        make_trainer(imgsz=[64, 96]).train()


def test_an_unknown_argument_is_refused_before_anything_is_made(arguments, tmp_path):
    with pytest.raises(ConfigError, match="epochs"):
        DetectionTrainer(overrides={**arguments, "epochz": 3})
    assert not (tmp_path / "runs").exists()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("amp", [True, False])
def test_training_on_a_gpu_in_mixed_and_full_precision(make_trainer, kind, amp):
    trainer = make_trainer(kind, device="0", amp=amp, batch=2, workers=2, imgsz=128)
    metrics = trainer.train()
    assert (trainer.precision.dtype is not None) == amp
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())
    assert set(metrics) == set(trainer.validator.metrics.keys)


def test_profile_tells_the_speed_of_the_exported_model(tiny_task, make_trainer, read_events):
    trainer = make_trainer(**tiny_task("detect"), epochs=1, profile=True)
    trainer.train()
    (told,) = [e for e in read_events(trainer.save_dir, "log") if "ONNX" in e["message"]]
    assert told["values"]["imgsz"] == 64
    assert told["values"]["onnx_ms"] > 0
    assert told["values"]["pytorch_ms"] > 0
    assert not list(trainer.save_dir.rglob("*.onnx"))  # measured and forgotten


def test_profile_of_a_network_without_export_is_refused_in_a_sentence(
    tiny_task, make_trainer, read_events
):
    class Foreign(torch.nn.Module):
        """A network of a person's own that only does what the loop asks for."""

    trainer = make_trainer(**tiny_task("detect"), epochs=1, profile=True)
    trainer.trained_model = Foreign
    trainer.train()
    assert "has no export" in read_events(trainer.save_dir, "warning")[-1]["message"]


def test_verbose_tells_each_epoch(tiny_task, make_trainer, caplog):
    for verbose in (True, False):
        caplog.clear()
        with caplog.at_level("INFO", logger="engine"):
            make_trainer(**tiny_task("detect"), verbose=verbose, name=f"{verbose}").train()
        lines = [r.getMessage() for r in caplog.records if "images/s" in r.getMessage()]
        assert [line.split()[1] for line in lines] == (["1/2", "2/2"] if verbose else [])


def test_without_an_average_the_weights_themselves_are_saved(tiny_task, make_trainer):
    for ema in (True, False):
        trainer = make_trainer(**tiny_task("detect"), ema=ema, name=f"{ema}")
        trainer.train()
        average, weights = trainer.ema.ema.state_dict(), trainer.model.state_dict()
        same = [torch.equal(average[k], weights[k]) for k in weights]
        assert all(same) is not ema


def test_classes_choose_what_is_trained_and_measured(tiny_task, make_trainer):
    trainer = make_trainer(**tiny_task("detect"), epochs=1, classes=[1])
    trainer.train()
    for loader in (trainer.train_loader, trainer.test_loader):
        labels = [label["cls"].ravel().tolist() for label in loader.dataset.labels]
        assert {number for row in labels for number in row} == {1.0}
        assert [] in labels  # a picture without the class is background
    assert trainer.validator.metrics.ap_class_index.tolist() == [1]


@pytest.mark.parametrize(
    ("name", "value"), [("conf", 0.5), ("iou", 0.05), ("max_det", 3), ("agnostic_nms", True)]
)
def test_thresholds_hold_in_the_validations_of_a_training(name, value, tiny_task, make_trainer):
    class Counting(DetectionValidator):
        def update_metrics(self, predictions, batch):
            counts[-1].extend(len(p["conf"]) for p in predictions)
            super().update_metrics(predictions, batch)

    class Counted(DetectionTrainer):
        validator_class = Counting

    counts = []
    low = {"conf": 1e-7}  # nothing has been learnt yet
    for changes in (low, {**low, name: value}):
        counts.append([])
        make_trainer(Counted, **tiny_task("detect"), epochs=1, **changes).train()
    usual, changed = counts
    assert len(usual) == len(changed) == 4  # two pictures, in the epoch and at the end
    assert sum(changed) < sum(usual)


def test_a_linear_probe_is_refused_where_nothing_can_be_adapted(make_trainer):
    with pytest.raises(ConfigError, match="linear_probe=True adapts trained weights of YOLOE"):
        make_trainer(linear_probe=True)
