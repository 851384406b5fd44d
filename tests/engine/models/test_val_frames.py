"""Models that take pictures wider than they are high are validated as they predict."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from engine import YOLO
from engine.data.dataset import YOLODataset
from engine.runtime.errors import ConfigError

FRAME = (64, 96)  # height, width


@pytest.fixture(scope="module")
def exported(trained):
    return trained.export(format="onnx", imgsz=FRAME, verbose=False)


def validate(model, drawn_parts, folder, **given):
    metrics = YOLO(model).val(
        data=str(drawn_parts), batch=2, plots=False, save_json=True, device="cpu",
        project=str(folder), name="out", exist_ok=True, **given,
    )  # fmt: skip
    return metrics, json.loads((folder / "out" / "predictions.json").read_text())


def test_an_exported_one_measures_what_the_weights_measure(
    trained, exported, drawn_parts, tmp_path
):
    own, rows = validate(trained.ckpt_path, drawn_parts, tmp_path / "a", imgsz=list(FRAME))
    other, exported_rows = validate(exported, drawn_parts, tmp_path / "b")
    assert own.box.map == pytest.approx(other.box.map, abs=1e-3)
    assert own.seg.map == pytest.approx(other.seg.map, abs=1e-3)
    assert own.box.map > 0
    assert len(rows) == len(exported_rows) > 0


def test_boxes_are_where_prediction_finds_them(exported, drawn_parts, tmp_path):
    _, rows = validate(exported, drawn_parts, tmp_path, conf=0.25)
    root = drawn_parts.parent
    file = sorted((root / "images" / "val").iterdir())[0]
    found = YOLO(exported).predict(file, conf=0.25, iou=0.7, verbose=False, device="cpu")[0]
    corners = np.array([row["bbox"] for row in rows if row["image_id"] == int(file.stem)])
    corners[:, 2:] += corners[:, :2]
    assert len(found) == len(corners) > 0
    np.testing.assert_allclose(np.sort(found.boxes.xyxy.numpy(), 0), np.sort(corners, 0), atol=0.01)


def test_samples_to_learn_from_are_square(drawn_parts):
    with pytest.raises(ValueError, match="one side"):
        YOLODataset(drawn_parts.parent / "images" / "val", imgsz=FRAME, augment=True)


def test_pictures_to_classify_are_cropped_to_squares(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "val" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "val" / name / "1.png"), np.zeros((40, 40, 3), np.uint8))
    model = YOLO("yolo11n-cls.yaml")
    model.model.names = {0: "a", 1: "b"}
    with pytest.raises(ConfigError, match="cropped to squares"):
        model.val(data=str(tmp_path), imgsz=[64, 96], device="cpu")
