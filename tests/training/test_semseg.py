"""Trainings of semantic segmentation on drawn fields: columns, files, measures, the same answers everywhere."""

from __future__ import annotations

import base64
import io
import json
import shutil

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from engine import YOLO
from engine.cli import main
from engine.metrics.semantic import PixelConfusion
from engine.models.yolo.semseg import SemSegTrainer, SemSegValidator
from engine.runtime.errors import ConfigError, DatasetError, ModelError

COLUMNS = (
    "epoch,time,train/ce_loss,train/dice_loss,train/aux_loss,metrics/mIoU,metrics/pixel_acc,"
    "val/ce_loss,val/dice_loss,val/aux_loss,lr/pg0,lr/pg1,lr/pg2"
)
FILES = {
    "args.yaml", "confusion_matrix.png", "confusion_matrix_normalized.png", "events.jsonl",
    "iou_bar_chart.png", "labels.jpg", "results.csv", "results.png", "train_batch0.jpg",
    "train_batch1.jpg", "train_batch2.jpg", "val_batch0_labels.jpg", "val_batch0_pred.jpg",
    "val_batch1_labels.jpg", "val_batch1_pred.jpg", "validation.json", "weights/best.pt", "weights/last.pt",
}  # fmt: skip
QUICK = {
    "optimizer": "AdamW",
    "lr0": 0.005,
    "nbs": 2,
    "warmup_epochs": 1,
    "mosaic": 0.0,
    "scale": 0.2,
}


@pytest.fixture(scope="module")
def run(colored_fields, tmp_path_factory):
    """A model that has learned the fields, with its training."""
    model = YOLO("yolo26n-sem.yaml")
    torch.set_num_threads(1)
    model.train(
        data=str(colored_fields), epochs=16, batch=2, imgsz=64, device="cpu", verbose=False,
        project=str(tmp_path_factory.mktemp("runs")), name="run", **QUICK,
    )  # fmt: skip
    return model


@pytest.fixture
def semseg(make_trainer, colored_fields):
    """Build a trainer of class maps."""

    def make(callbacks=None, **changes):
        return make_trainer(SemSegTrainer, callbacks, **{"data": str(colored_fields), **changes})

    return make


def test_the_fields_are_learned(run):
    assert run.metrics.semseg.mIoU > 0.5
    assert run.metrics.semseg.pixel_acc > 0.7
    assert run.names == {0: "sky", 1: "grass", 2: "house"}


def test_columns_and_files_are_those_of_the_field(run):
    folder = run.trainer.save_dir
    rows = (folder / "results.csv").read_text().splitlines()
    assert rows[0] == COLUMNS
    assert len(rows) == 17
    first, last = ([float(v) for v in row.split(",")] for row in (rows[1], rows[-1]))
    assert last[2] < 0.6 * first[2]  # cross-entropy
    assert last[9] == 0  # only training has the coarser map
    found = {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()}
    assert found == FILES


def test_measures_are_those_of_the_predictions(run, colored_fields):
    """Predicting each picture and counting its pixels by hand gives the same figures."""
    table = PixelConfusion(run.names)
    for file in sorted((colored_fields.parent / "images" / "val").iterdir()):
        result = run.predict(file, verbose=False)[0]
        truth = np.asarray(Image.open(colored_fields.parent / "masks" / "val" / file.name))
        table.add(truth, result.semantic_mask.data.numpy())
    assert table.matrix.tolist() == run.trainer.validator.confusion_matrix.matrix.tolist()
    union = table.matrix.sum(0) + table.matrix.sum(1) - table.matrix.diagonal()
    assert run.metrics.semseg.IoUs == pytest.approx(table.matrix.diagonal() / union)


def test_validation_json_has_figures_and_maps(run, colored_fields):
    record = json.loads((run.trainer.save_dir / "validation.json").read_text())
    assert record["task"] == "semseg"
    assert record["metrics"] == pytest.approx(run.metrics.results_dict)
    assert [row["name"] for row in record["per_class"]] == ["sky", "grass", "house"]
    assert set(record["per_class"][0]["figures"]) == {"precision", "recall", "iou", "dice", "mcr"}
    assert record["confusion"]["labels"] == ["sky", "grass", "house"]
    assert len(record["images"]) == 3
    for image in record["images"]:
        maps = {
            kind: np.asarray(Image.open(io.BytesIO(base64.b64decode(image["maps"][kind]))))
            for kind in ("truth", "predicted")
        }
        name = image["file"].rpartition("/")[2]
        stored = np.asarray(Image.open(colored_fields.parent / "masks" / "val" / name))
        assert (maps["truth"] == stored).all()
        right = (maps["predicted"] == maps["truth"])[maps["truth"] != 255].mean()
        assert image["pixel_accuracy"] == pytest.approx(right)


def test_validation_on_its_own_finds_the_same_and_writes_masks(run, tmp_path):
    model = YOLO(run.trainer.best)
    metrics = model.val(project=str(tmp_path), name="val", device="cpu", save_txt=True, plots=False)
    assert metrics.results_dict == pytest.approx(run.metrics.results_dict, abs=1e-6)
    assert set(metrics.speed) == {"preprocess", "inference", "loss", "postprocess"}
    written = {f.name: np.asarray(Image.open(f)) for f in (tmp_path / "val" / "labels").iterdir()}
    assert set(written) == {"0.png", "1.png", "2.png"}
    assert written["0.png"].shape == (48, 64)
    assert set(np.unique(written["0.png"])) <= {0, 1, 2}
    only = model.val(project=str(tmp_path), device="cpu", classes=[2], plots=False)
    assert only.semseg.IoU == pytest.approx(metrics.semseg.IoUs[2], abs=1e-6)


def test_validator_called_by_hand(run, colored_fields, tmp_path):
    validator = SemSegValidator(
        args={"data": str(colored_fields), "imgsz": 64, "project": str(tmp_path)}
    )
    assert validator(model=str(run.trainer.best))["metrics/mIoU"] > 0.5
    assert {f.name for f in validator.save_dir.glob("val_batch*")} >= {"val_batch0_pred.jpg"}


def test_other_classes_than_the_models_are_refused(run, colored_fields, tmp_path):
    entries = yaml.safe_load(colored_fields.read_text()) | {"names": ["sky", "grass"]}
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(entries))
    with pytest.raises(ConfigError, match="3 classes apart, the data set has 2"):
        run.val(data=str(tmp_path / "data.yaml"), project=str(tmp_path))


def test_no_data_is_refused(semseg):
    with pytest.raises(ConfigError, match="data="):
        semseg(data=None).train()


def test_a_detector_is_no_model_for_class_maps(semseg):
    with pytest.raises(ModelError, match="semseg"):
        semseg(model="yolo11n.yaml").train()


@pytest.mark.parametrize("model", ["yolo26n-sem.yaml", "yolo11n-semseg.yaml"])
def test_polygons_train_both_families_from_the_command_line(model, drawn_parts, tmp_path, capsys):
    words = ["semseg", "train", f"data={drawn_parts}", f"model={model}", "epochs=1", "batch=4"]
    words += [
        "imgsz=64",
        "device=cpu",
        "plots=False",
        f"project={tmp_path}",
        "name=run",
        "json=True",
    ]
    assert main(words) == 0
    outcome = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert 0 <= outcome["metrics"]["metrics/mIoU"] <= 1
    best = YOLO(tmp_path / "run" / "weights" / "best.pt")
    assert (best.task, best.names) == ("semseg", {0: "square", 1: "background"})


def test_resumed_training_goes_on_as_if_nothing_had_happened(semseg, tmp_path):
    """The same losses as of an uninterrupted run."""
    whole = semseg(name="whole", epochs=3)
    whole.train()

    def leave(trainer):
        if trainer.epoch == 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        semseg({"on_fit_epoch_end": [leave]}, name="cut", epochs=3).train()
    SemSegTrainer(
        overrides={"resume": str(tmp_path / "runs" / "cut" / "weights" / "last.pt")}
    ).train()
    rows = [
        np.genfromtxt(tmp_path / "runs" / name / "results.csv", delimiter=",", skip_header=1)
        for name in ("whole", "cut")
    ]
    assert rows[1][:, 2:] == pytest.approx(rows[0][:, 2:], abs=1e-5)


def test_bad_masks_are_warnings_of_the_run(semseg, colored_fields, tmp_path, read_events):
    shutil.copytree(colored_fields.parent, tmp_path / "fields")
    (tmp_path / "fields" / "masks" / "train" / "3.png").unlink()
    file = tmp_path / "fields" / "data.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"path": "."}))
    trainer = semseg(data=str(file), epochs=1)
    trainer.train()
    told = [e for e in read_events(trainer.save_dir, "warning") if e["path"]]
    assert [e["path"].rpartition("/")[2] for e in told] == ["3.png"]
    assert "no mask" in told[0]["message"]
    shutil.rmtree(tmp_path / "fields" / "masks")
    with pytest.raises(DatasetError, match="without a usable mask"):
        semseg(data=str(file)).train()


def test_arguments_reach_the_loss_and_the_samples(semseg):
    trainer = semseg(epochs=1, label_smoothing=0.2, single_cls=False, multi_scale=0.5, cutmix=0.0)
    sizes = set()
    trainer.add_callback("on_train_batch_end", lambda t: sizes.add(t.model.args.label_smoothing))
    trainer.train()
    assert trainer.model.init_criterion().label_smoothing == 0.2
    assert sizes == {0.2}
