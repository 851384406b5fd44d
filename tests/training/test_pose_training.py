"""Trainings of poses: their run directory, what they take from the data set, and what they refuse."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
import torch
import yaml

from engine.models.yolo.pose.train import PoseTrainer
from engine.models.yolo.pose.val import PoseValidator
from engine.nn.checkpoint import load_checkpoint
from engine.runtime.errors import ConfigError, DatasetError, ModelError


@pytest.fixture
def arguments(arguments, drawn_darts):
    return {**arguments, "data": str(drawn_darts)}


@pytest.fixture
def changed_darts(drawn_darts, tmp_path):
    """A function that writes the darts' description with other entries."""

    def write(**entries):
        values = {**yaml.safe_load(drawn_darts.read_text()), **entries}
        file = tmp_path / "darts.yaml"
        file.write_text(yaml.safe_dump({k: v for k, v in values.items() if v is not None}))
        return str(file)

    return write


def _facts(shared_dir, name):
    text = (shared_dir / "facts" / "cli_and_callbacks.md").read_text()
    return re.search(rf"\*\*{name}\*\*(?: \(\d+\))?: (.+)", text).group(1).split(", ")


def test_run_directory_is_the_fields(shared_dir, make_trainer):
    trainer = make_trainer(PoseTrainer, plots=True)
    metrics = trainer.train()
    found = {
        str(p.relative_to(trainer.save_dir)) for p in trainer.save_dir.rglob("*") if p.is_file()
    }
    assert set(_facts(shared_dir, "train_pose")) <= found
    with trainer.csv.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == _facts(shared_dir, "pose")
    assert all(np.isfinite(float(v)) for row in rows for v in row.values())
    assert set(metrics) == {c for c in rows[0] if c.startswith("metrics/")}


def test_yolo26_learns_the_likelihood_and_is_measured_without(shared_dir, make_trainer, tmp_path):
    trainer = make_trainer(PoseTrainer, model="yolo26n-pose.yaml")
    start = {}
    trainer.add_callback(
        "on_train_start",
        lambda t: start.update({k: p.clone() for k, p in t.model.named_parameters()}),
    )
    trainer.train()
    with trainer.csv.open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == _facts(shared_dir, "pose26")
    assert all(float(row["train/rle_loss"]) > 0 for row in rows)
    assert all(float(row["val/rle_loss"]) == 0 for row in rows)  # spreads are for training only
    moved = {
        k
        for k, p in trainer.model.named_parameters()
        if k in start and not torch.equal(p, start[k])
    }
    for part in ("flow_model", "cv4_kpts", "cv4_sigma", "one2one_cv4_kpts", "one2one_cv4_sigma"):
        assert any(f"23.{part}." in k for k in moved), part
    assert load_checkpoint(trainer.best).model.head.flow_model is not None  # to train on from
    args = {"data": trainer.args.data, "imgsz": 64, "device": "cpu", "plots": False}
    for suppressed in (True, False):  # by either branch of the head
        validator = PoseValidator(args={**args, "nms": suppressed, "project": str(tmp_path)})
        numbers = validator(model=trainer.best)
        assert validator.end2end != suppressed
        assert all(np.isfinite(v) for v in numbers.values())


def test_the_network_has_the_keypoints_of_the_data(make_trainer):
    trainer = make_trainer(PoseTrainer, model="yolo11n-pose.yaml", epochs=1)
    trainer.train()
    model = load_checkpoint(trainer.best).model
    assert model.kpt_shape == (3, 3)
    assert model.yaml["kpt_shape"] == [3, 3]


def test_labels_of_two_values_make_a_head_of_two(make_trainer, drawn_darts, tmp_path):
    """Without visibility in the labels every point in the picture counts, and none is predicted."""
    for split in ("train", "val"):
        (tmp_path / "labels" / split).mkdir(parents=True)
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "images" / split).symlink_to(drawn_darts.parent / "images" / split)
        for file in (drawn_darts.parent / "labels" / split).glob("*.txt"):
            words = file.read_text().split()
            kept = words[:5] + [w for k, w in enumerate(words[5:]) if k % 3 < 2]
            (tmp_path / "labels" / split / file.name).write_text(" ".join(kept))
    values = {**yaml.safe_load(drawn_darts.read_text()), "kpt_shape": [3, 2], "path": str(tmp_path)}
    data = tmp_path / "data.yaml"
    data.write_text(yaml.safe_dump(values))
    trainer = make_trainer(PoseTrainer, data=str(data), epochs=1)
    trainer.train()
    assert trainer.model.kpt_shape == (3, 2)
    with trainer.csv.open() as file:
        (row,) = csv.DictReader(file)
    assert float(row["train/kobj_loss"]) == 0
    assert float(row["train/pose_loss"]) > 0


def test_a_resumed_run_equals_the_uninterrupted_one(make_trainer):
    options = {"model": "yolo26n-pose.yaml", "epochs": 3}
    whole = make_trainer(PoseTrainer, name="whole", **options)
    whole.train()
    broken = make_trainer(PoseTrainer, name="broken", **options)

    def fail(trainer):
        if trainer.epoch == 1:
            raise RuntimeError("power cut")

    broken.add_callback("on_fit_epoch_end", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        broken.train()
    resumed = PoseTrainer(overrides={"resume": str(broken.last)})
    resumed.train()
    expected, found = whole.ema.ema.state_dict(), resumed.ema.ema.state_dict()
    assert [k for k, v in expected.items() if not torch.equal(v, found[k])] == []


def _first_batch(trainer):
    """Open a run as far as the first batch, and give that."""
    seen = []

    def look(host):
        seen.append(next(iter(host.train_loader)))
        raise KeyError("seen enough")

    trainer.add_callback("on_train_start", look)
    with pytest.raises(KeyError, match="seen enough"):
        trainer.train()
    return seen[0]


def test_a_mirror_changes_left_and_right(make_trainer):
    """The red corner is always the left one: mirrored, it lies right in the picture and is called right."""
    still = dict.fromkeys(("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v"), 0)
    for mirror in (0.0, 1.0):
        batch = _first_batch(make_trainer(PoseTrainer, fliplr=mirror, flipud=0.0, **still))
        for points in batch["keypoints"]:
            _, left, right = points
            assert left[0] < right[0]  # the labels say which side of the picture, mirrored or not
        first = batch["img"][0].float()
        x, y = (batch["keypoints"][0, 1, :2] * 64).int().clamp(0, 63).tolist()
        red, _, blue = first[:, y, x].tolist()
        assert (red > blue) != bool(mirror)


def test_without_partners_nothing_is_mirrored_and_it_is_told(
    make_trainer, changed_darts, read_events
):
    trainer = make_trainer(PoseTrainer, data=changed_darts(flip_idx=None), epochs=1)
    trainer.train()
    assert trainer.args.fliplr == 0
    (warning,) = [w for w in read_events(trainer.save_dir, "warning") if "fliplr" in w["message"]]
    assert "'flip_idx' is missing" in warning["message"]
    assert warning["path"].endswith("darts.yaml")
    assert trainer.train_loader.dataset.hyp.fliplr == 0


def test_mirrors_that_were_asked_for_are_refused_without_partners(make_trainer, changed_darts):
    trainer = make_trainer(PoseTrainer, data=changed_darts(flip_idx=None), flipud=0.3)
    with pytest.raises(ConfigError, match="flipud mirrors") as caught:
        trainer.train()
    assert "[0, 2, 1]" in caught.value.remedy


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"kpt_shape": None}, "'kpt_shape' is missing"),
        ({"kpt_shape": [3, 5]}, "'kpt_shape' must be"),
        ({"flip_idx": [0, 1]}, "each of the 3 keypoints"),
        ({"kpt_shape": [4, 3], "flip_idx": [0, 2, 1, 3]}, "usable label"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(make_trainer, changed_darts, entries, said):
    with pytest.raises(DatasetError, match=said):
        make_trainer(PoseTrainer, data=changed_darts(**entries)).train()


def test_a_model_of_another_task_is_refused(make_trainer):
    with pytest.raises(ModelError, match="for detect, expected one for pose"):
        make_trainer(PoseTrainer, model="yolo11n.yaml").train()


@pytest.mark.parametrize("gain", ["pose", "kobj", "rle"])
def test_each_weight_of_a_part_changes_it(make_trainer, gain):
    def part(**changes):
        losses = []
        trainer = make_trainer(
            PoseTrainer,
            model="yolo26n-pose.yaml",
            epochs=1,
            val=False,
            name=f"r{len(changes)}",
            **changes,
        )

        def note(host):
            losses.append(dict(zip(host.loss_names, host.loss_items.tolist(), strict=True)))
            raise KeyError("seen enough")

        trainer.add_callback("on_train_batch_end", note)
        with pytest.raises(KeyError, match="seen enough"):
            trainer.train()
        return losses[0]

    usual, none = part(), part(**{gain: 0.0})
    assert usual[f"{gain}_loss"] > 0
    assert none[f"{gain}_loss"] == 0
