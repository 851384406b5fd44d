"""Oriented boxes from pictures and label text to trained weights, measures and files."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from engine import YOLO
from engine.data.labels.parse import parse_label_text
from engine.drawing.mosaic import plot_images
from engine.models.yolo.obb import OBBTrainer, OBBValidator
from engine.ops.rectangles import rectangles_around
from engine.ops.rotated import probiou, xywhr2xyxyxyxy
from engine.runtime.errors import EngineError

SIDE = 64
STILL = dict.fromkeys(("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v", "fliplr"), 0)
TINY = {"imgsz": SIDE, "device": "cpu", "batch": 2, "verbose": False}


@pytest.fixture(scope="module")
def bars(tmp_path_factory) -> Path:
    """The data.yaml of four pictures, 64 by 64, of a bright turned bar each; validated on the same ones."""
    root = tmp_path_factory.mktemp("bars")
    for kind in ("images", "labels"):
        (root / kind).mkdir()
    for number, angle in enumerate((0.3, 0.8, 1.3, 2.4)):
        corners = xywhr2xyxyxyxy(np.array((32 + 4 * (number - 1.5), 32, 44, 16, angle)))
        picture = np.full((SIDE, SIDE, 3), 30, np.uint8)
        cv2.fillPoly(picture, [np.round(corners - 0.5).astype(np.int32)], (240, 240, 240))
        cv2.imwrite(str(root / "images" / f"{number}.png"), picture)
        line = " ".join(f"{v:.5f}" for v in (corners / SIDE).ravel())
        (root / "labels" / f"{number}.txt").write_text(f"0 {line}\n")
    file = root / "data.yaml"
    file.write_text(f"path: {root}\ntrain: images\nval: images\nnames: [bar]\n")
    return file


@pytest.fixture(scope="module")
def trained(bars, tmp_path_factory) -> YOLO:
    """A model that has learnt the bars."""
    model = YOLO("yolo11n-obb.yaml")
    model.train(
        data=str(bars), epochs=130, val=False, save=False, plots=False, nbs=2, optimizer="AdamW",
        lr0=0.003, warmup_bias_lr=0.0, project=str(tmp_path_factory.mktemp("trained")), name="run", **TINY, **STILL,
    )  # fmt: skip
    return model


@pytest.fixture(scope="module")
def validated(trained, bars, tmp_path_factory) -> tuple[Any, Path]:
    """The model's measures and the folder that its validation left."""
    folder = tmp_path_factory.mktemp("validated")
    metrics = trained.val(
        data=str(bars), save_json=True, save_txt=True, project=str(folder), name="val", **TINY
    )
    return metrics, folder / "val"


def _matching(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return max(rows, key=lambda row: row["score"])


def _true_boxes(bars: Path) -> list[np.ndarray]:
    files = sorted((bars.parent / "labels").iterdir())
    rows = [parse_label_text(f.read_text(), 1, oriented=True)[0][0] for f in files]
    return [rectangles_around([row.polygon * SIDE])[0] for row in rows]


def _overlap(box: Any, truth: np.ndarray) -> float:
    return float(probiou(torch.tensor(np.asarray(box)), torch.tensor(truth).double()))


def test_bars_can_be_learnt(validated):
    metrics, _ = validated
    assert metrics.results_dict["metrics/mAP50(B)"] > 0.9
    assert metrics.results_dict["metrics/mAP50-95(B)"] > 0.5
    assert metrics.fitness == metrics.box.map


def test_predictions_are_what_validation_measures(trained, validated, bars):
    rows = json.loads((validated[1] / "predictions.json").read_text())
    for number, truth in enumerate(_true_boxes(bars)):
        found = trained.predict(bars.parent / "images" / f"{number}.png", imgsz=SIDE, verbose=False)
        predicted = found[0].obb.xywhr[0].cpu().numpy()
        best = _matching([r for r in rows if r["file_name"] == f"{number}.png"])
        assert _overlap(predicted, truth) > 0.5
        assert _overlap(best["rbox"], predicted) > 0.97


def test_predictions_json_has_boxes_and_corners(validated):
    rows = json.loads((validated[1] / "predictions.json").read_text())
    assert rows
    assert set(rows[0]) == {"image_id", "file_name", "category_id", "score", "rbox", "poly"}
    for row in rows[:20]:
        corners = xywhr2xyxyxyxy(np.array(row["rbox"]))
        np.testing.assert_allclose(np.array(row["poly"]).reshape(4, 2), corners, atol=0.1)


def test_label_text_of_predictions_can_be_read_back(validated, bars):
    for number, truth in enumerate(_true_boxes(bars)):
        text = (validated[1] / "labels" / f"{number}.txt").read_text()
        rows, _ = parse_label_text(text, 1, oriented=True)
        boxes = rectangles_around([row.polygon * SIDE for row in rows])
        assert max(_overlap(box, truth) for box in boxes) > 0.5


def test_the_record_has_the_corners(validated, bars):
    record = json.loads((validated[1] / "validation.json").read_text())
    assert record["task"] == "obb"
    assert [row["name"] for row in record["per_class"]] == ["bar"]
    images = sorted(record["images"], key=lambda image: image["file"])
    for image, truth in zip(images, _true_boxes(bars), strict=True):
        (label,) = image["ground_truth"]
        corners = np.array(label["corners"])
        assert _overlap(rectangles_around([corners])[0], truth) > 0.99
        assert label["box"] == pytest.approx([*corners.min(0), *corners.max(0)], abs=0.02)
        assert label["matched"]
        assert any(p["matched"] and len(p["corners"]) == 4 for p in image["predictions"])


def test_a_validation_leaves_its_plots(validated):
    kinds = {f"Box{k}_curve.png" for k in ("PR", "F1", "P", "R")}
    kinds |= {"confusion_matrix.png", "val_batch0_labels.jpg", "val_batch0_pred.jpg"}
    assert kinds <= {file.name for file in validated[1].iterdir()}


@pytest.mark.parametrize(
    ("name", "third"), [("yolo11n-obb.yaml", "dfl_loss"), ("yolo26n-obb.yaml", "l1_loss")]
)
def test_a_run_writes_the_columns_of_its_parts(bars, tmp_path, name, third):
    trainer = OBBTrainer(
        overrides={
            "model": name, "data": str(bars), "epochs": 1, "plots": False,
            "project": str(tmp_path), "name": "run", **TINY,
        }
    )  # fmt: skip
    trainer.train()
    parts = ("box_loss", "cls_loss", third, "angle_loss")
    measures = ("precision", "recall", "mAP50", "mAP50-95")
    with (tmp_path / "run" / "results.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert list(row)[2:-3] == [
        *(f"train/{p}" for p in parts),
        *(f"metrics/{m}(B)" for m in measures),
        *(f"val/{p}" for p in parts),
    ]
    assert all(float(row[f"{split}/{p}"]) > 0 for split in ("train", "val") for p in parts)
    assert isinstance(trainer.validator, OBBValidator)
    again = YOLO(trainer.last).val(data=str(bars), plots=False, project=str(tmp_path), **TINY)
    assert again.keys == [f"metrics/{m}(B)" for m in measures]


def test_the_angle_has_its_weight(bars, tmp_path):
    losses = []
    for gain in (0.0, 2.0):
        trainer = OBBTrainer(
            overrides={
                "model": "yolo11n-obb.yaml", "data": str(bars), "epochs": 1, "plots": False,
                "val": False, "angle": gain, "project": str(tmp_path), **TINY,
            }
        )  # fmt: skip
        first: list[float] = []
        trainer.add_callback("on_train_batch_end", lambda t, out=first: out.append(t.loss_items[3]))
        trainer.train()
        losses.append(float(first[0]))
    assert losses[0] == 0
    assert losses[1] > 0


def test_a_command_may_name_the_task(bars, tmp_path):
    with pytest.raises(EngineError, match="detect"):
        YOLO("yolo11n.yaml", task="obb").train(data=str(bars), epochs=1, project=str(tmp_path))


def test_turned_boxes_are_drawn_turned():
    box = torch.tensor([[0.5, 0.5, 0.6, 0.2, 0.6]])
    batch = {"img": torch.zeros(1, 3, 480, 480), "batch_idx": torch.zeros(1), "cls": torch.zeros(1)}
    picture = plot_images({**batch, "bboxes": box}, names={0: ""}).max(2)
    bare = plot_images(batch | {"cls": torch.zeros(0), "batch_idx": torch.zeros(0)}).max(2)
    ink = (picture != bare).nonzero()
    drawn = np.stack((ink[1], ink[0]), 1)
    corners = xywhr2xyxyxyxy(np.array((240, 240, 288, 96, 0.6)))
    edges = np.stack((corners, np.roll(corners, -1, 0)), 1)
    for start, end in edges:
        middle = (start + end) / 2
        assert np.hypot(*(drawn - middle).T).min() < 3
    axes = np.array(((np.cos(0.6), -np.sin(0.6)), (np.sin(0.6), np.cos(0.6))))
    inside = np.abs((drawn - 240) @ axes)
    near_edge = (np.abs(inside - (144, 48)) < 5).any(1)
    assert near_edge.all()
