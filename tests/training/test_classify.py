"""Trainings of classifiers on drawn colours: columns, files, arguments, resume, the same answers everywhere."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from engine import YOLO
from engine.models.yolo.classify import ClassificationTrainer, ClassificationValidator
from engine.runtime.errors import ConfigError, DatasetError

COLUMNS = "epoch,time,train/loss,metrics/accuracy_top1,metrics/accuracy_top5,val/loss,lr/pg0,lr/pg1,lr/pg2"
PLAIN = {"auto_augment": None, "erasing": 0.0}
FAST = {
    "optimizer": "AdamW",
    "lr0": 0.002,
    "amp": False,  # the same numbers on every processor
    "nbs": 4,
    "warmup_epochs": 1,
    "hsv_h": 0,
    "hsv_s": 0,
    "hsv_v": 0,
}


@pytest.fixture(scope="module")
def run(colored_classes, tmp_path_factory):
    """A model that has learned the colours, with its training."""
    model = YOLO("yolo11n-cls.yaml")
    torch.set_num_threads(1)
    model.train(
        data=str(colored_classes),
        epochs=16,
        batch=4,
        imgsz=32,
        device="cpu",
        verbose=False,
        project=str(tmp_path_factory.mktemp("runs")),
        name="run",
        **PLAIN,
        **FAST,
    )
    return model


@pytest.fixture
def classify(make_trainer, colored_classes):
    """Build a classifier's trainer."""

    def make(callbacks=None, **changes):
        given = {"data": str(colored_classes), "imgsz": 32, "batch": 4, **changes}
        return make_trainer(ClassificationTrainer, callbacks, **given)

    return make


def test_the_colours_are_learned(run):
    assert run.metrics.top1 == 1.0
    assert run.metrics.results_dict["metrics/accuracy_top5"] == 1.0
    assert run.names == {0: "blue", 1: "green", 2: "red"}


def test_the_run_directory_is_the_fields(run):
    folder = run.trainer.save_dir
    rows = (folder / "results.csv").read_text().splitlines()
    assert rows[0] == COLUMNS
    assert len(rows) == 17
    names = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert names == {
        "args.yaml", "events.jsonl", "validation.json", "results.csv", "results.png",
        "confusion_matrix.png", "confusion_matrix_normalized.png", "weights/best.pt", "weights/last.pt",
        "train_batch0.jpg", "train_batch1.jpg", "train_batch2.jpg",
        "val_batch0_labels.jpg", "val_batch0_pred.jpg", "val_batch1_labels.jpg", "val_batch1_pred.jpg",
    }  # fmt: skip


def test_the_record_has_every_image(run):
    found = json.loads((run.trainer.save_dir / "validation.json").read_text())
    assert found["task"] == "classify"
    assert found["metrics"]["metrics/accuracy_top1"] == 1.0
    assert found["confusion"]["labels"] == ["blue", "green", "red"]
    assert [row["figures"]["recall"] for row in found["per_class"]] == [1, 1, 1]
    assert [row["images"] for row in found["labels"]["classes"]] == [2, 2, 2]
    assert len(found["images"]) == 6
    for image in found["images"]:
        assert found["names"][str(image["label"])] in image["file"]
        assert image["top"][0][0] == image["label"]
        assert (image["width"], image["height"]) == (56, 40)


def test_a_model_measures_and_predicts_alike(run, colored_classes, tmp_path):
    model = YOLO(run.trainer.best)
    metrics = model.val(project=str(tmp_path), save_txt=True, verbose=False, device="cpu")
    assert metrics.top1 == 1.0
    seen = json.loads((model.validator.save_dir / "validation.json").read_text())["images"]
    results = model.predict([image["file"] for image in seen], device="cpu", verbose=False)
    for image, result in zip(seen, results, strict=True):
        assert result.probs.top1 == image["top"][0][0]
        assert float(result.probs.top1conf) == pytest.approx(image["top"][0][1], abs=2e-3)
    texts = sorted(p.relative_to(model.validator.save_dir).as_posix()
                   for p in model.validator.save_dir.rglob("*.txt"))  # fmt: skip
    assert texts == [f"labels/{n}/{i}.txt" for n in ("blue", "green", "red") for i in (0, 1)]
    line = (model.validator.save_dir / texts[0]).read_text().splitlines()[0]
    assert line.split()[1] == "blue"


def test_another_split_is_measured(run, colored_classes, tmp_path):
    given = {"data": str(colored_classes), "split": "train", "project": str(tmp_path)}
    validator = ClassificationValidator(args={**given, "imgsz": 32, "plots": False})
    validator(model=str(run.trainer.best))
    assert int(validator.confusion_matrix.matrix.sum()) == 12
    with pytest.raises(DatasetError, match="no 'test' split"):
        ClassificationValidator(args={**given, "split": "test"})(model=str(run.trainer.best))


def test_classes_are_those_of_the_network_whatever_folders_there_are(
    run, colored_classes, tmp_path, caplog
):
    shutil.copytree(colored_classes / "val" / "red", tmp_path / "set" / "val" / "red")
    shutil.copytree(colored_classes / "val" / "blue", tmp_path / "set" / "val" / "alien")
    model = YOLO(run.trainer.best)
    metrics = model.val(data=str(tmp_path / "set"), project=str(tmp_path), plots=False)
    assert metrics.confusion_matrix.matrix[2, 2] == 2  # red is class 2 of the network
    assert metrics.confusion_matrix.matrix.sum() == 2
    assert "alien" in caplog.text
    shutil.rmtree(tmp_path / "set" / "val" / "red")
    with pytest.raises(DatasetError, match="knows none of the classes alien"):
        model.val(data=str(tmp_path / "set"), project=str(tmp_path), plots=False)


def test_another_number_of_classes_goes_on_from_a_trained_network(run, colored_classes, tmp_path):
    for split in ("train", "val"):
        for name in ("red", "blue"):
            shutil.copytree(colored_classes / split / name, tmp_path / "two" / split / name)
    model = YOLO(run.trainer.best)
    given = {"epochs": 1, "batch": 4, "imgsz": 32, "plots": False, "verbose": False, **PLAIN}
    model.train(data=str(tmp_path / "two"), project=str(tmp_path), device="cpu", **given)
    assert model.names == {0: "blue", 1: "red"}
    assert model.trainer.pretrained
    assert model.model.head.linear.out_features == 2


def test_a_folder_without_splits_is_enough(classify, colored_classes):
    trainer = classify(data=str(colored_classes / "train"), epochs=1)
    trainer.train()
    train, val = (set(x.dataset.im_files) for x in (trainer.train_loader, trainer.test_loader))
    assert (len(train), len(val)) == (9, 3)
    assert not train & val


def test_a_run_without_data_says_what_is_missing(classify):
    with pytest.raises(ConfigError, match="one folder a class"):
        classify(data=None).train()


def test_input_size_unless_told_otherwise():
    assert ClassificationTrainer(overrides={"data": "x"}).args.imgsz == 224
    assert ClassificationTrainer(overrides={"data": "x", "imgsz": 64}).args.imgsz == 64
    assert "imgsz" not in ClassificationTrainer(overrides={"data": "x"}).chosen


def test_dropout_reaches_the_head(classify):
    trainer = classify(epochs=1, dropout=0.4)
    trainer.train()
    dropped = [m.p for m in trainer.model.modules() if isinstance(m, nn.Dropout)]
    assert dropped == [0.4]


@pytest.mark.parametrize(
    "change",
    [
        {"auto_augment": "randaugment"}, {"auto_augment": "autoaugment"}, {"auto_augment": "augmix"},
        {"erasing": 0.9}, {"crop_fraction": 0.5}, {"scale": 0.9}, {"fliplr": 0.0}, {"flipud": 1.0},
        {"hsv_h": 0.5}, {"hsv_s": 0.0}, {"hsv_v": 0.0}, {"bgr": 1.0}, {"seed": 1}, {"fraction": 0.5},
    ],
    ids=str,
)  # fmt: skip
def test_arguments_change_what_is_seen(classify, change):
    def first_batch(**given):
        trainer = classify(**{**PLAIN, **given})
        trainer.data = trainer.get_dataset()
        return next(iter(trainer.get_dataloader(trainer.data["train"], 6, mode="train")))["img"]

    usual = first_batch()
    assert torch.equal(usual, first_batch())
    assert not torch.equal(usual, first_batch(**change))


def test_label_smoothing_reaches_the_loss(classify):
    trainer = classify(label_smoothing=0.3)
    trainer.data = trainer.get_dataset()
    trainer.model = trainer.get_model(verbose=False)
    trainer.set_model_attributes()
    assert trainer.model.init_criterion().label_smoothing == 0.3


def test_crop_fraction_is_remembered(classify, tmp_path):
    trainer = classify(epochs=1, crop_fraction=0.5)
    trainer.train()
    model = YOLO(trainer.best)
    assert model.overrides["crop_fraction"] == 0.5
    marked = np.zeros((64, 64, 3), np.uint8)
    marked[:16] = 255  # outside of the middle half
    plain, same = (model.predict(p, device="cpu", verbose=False)[0].probs.data
                   for p in (np.zeros((64, 64, 3), np.uint8), marked))  # fmt: skip
    assert torch.equal(plain, same)
    whole = model.predict(marked, crop_fraction=1.0, device="cpu", verbose=False)[0].probs.data
    assert not torch.equal(plain, whole)
    exported = YOLO(model.export(format="torchscript", device="cpu"))
    again = exported.predict(marked, imgsz=64, device="cpu", verbose=False)[0].probs.data
    assert torch.allclose(again, plain, atol=1e-5)
    exported.val(data=trainer.args.data, plots=False, project=tmp_path, verbose=False)
    assert exported.validator.args.crop_fraction == 0.5


def test_damaged_pictures_are_told_and_trained_without(
    classify, colored_classes, tmp_path, read_events
):
    shutil.copytree(colored_classes, tmp_path / "set")
    (tmp_path / "set" / "train" / "red" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    trainer = classify(data=str(tmp_path / "set"), epochs=1)
    trainer.train()
    told = [e["path"] for e in read_events(trainer.save_dir, "warning")]
    assert [p for p in told if p and p.endswith("broken.png")]
    assert len(trainer.train_loader.dataset) == 12


def test_a_resumed_run_equals_the_uninterrupted_one(classify):
    whole = classify(epochs=3, name="whole", dropout=0.2)
    whole.train()

    def fail(trainer):
        if trainer.epoch == 1:
            raise RuntimeError("power cut")

    broken = classify({"on_fit_epoch_end": fail}, epochs=3, name="broken", dropout=0.2)
    with pytest.raises(RuntimeError, match="power cut"):
        broken.train()
    resumed = ClassificationTrainer(overrides={"resume": str(broken.last)})
    resumed.train()
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key]), key


def test_a_lone_picture_is_drawn_as_well(classify):
    """It trains together with its mirror image, and the first batches are drawn."""
    trainer = classify(epochs=1, batch=1, plots=True)
    trainer.train()
    assert (trainer.save_dir / "train_batch0.jpg").exists()


def test_a_picture_that_became_unreadable_gives_its_place_to_the_next(
    classify, colored_classes, tmp_path, read_events
):
    shutil.copytree(colored_classes, tmp_path / "set")
    trainer = classify(data=str(tmp_path / "set"), epochs=2)
    lost = sorted((tmp_path / "set" / "train" / "red").iterdir())[0]

    def spoil(trainer):
        lost.write_bytes(b"\x89PNG\r\n\x1a\n")

    trainer.add_callback("on_pretrain_routine_end", spoil)
    trainer.train()
    told = [e["message"] for e in read_events(trainer.save_dir, "warning")]
    assert any(lost.name in message for message in told)
    assert trainer.left_out["images"] == 1
    assert trainer.epoch == 1
