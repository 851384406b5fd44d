"""Arguments that change what a validation counts: classes, one class for all, rectangles, the branch of the head."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from engine import YOLO
from engine.core.annotations import find_annotations
from engine.runtime.errors import DatasetError

LABELS = {"wide": "0 0.5 0.5 0.4 0.4\n1 0.25 0.25 0.3 0.3\n", "tall": "1 0.5 0.5 0.6 0.5\n"}


@pytest.fixture
def data(tmp_path):
    """Two pictures of different shapes with three objects of two classes."""
    random = np.random.default_rng(0)
    for name, text in LABELS.items():
        for folder in ("images", "labels"):
            (tmp_path / folder / "val").mkdir(parents=True, exist_ok=True)
        size = (40, 96) if name == "wide" else (96, 40)
        picture = random.integers(0, 255, (*size, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "images" / "val" / f"{name}.png"), picture)
        (tmp_path / "labels" / "val" / f"{name}.txt").write_text(text)
    text = f"path: {tmp_path}\nval: images/val\nnames: [nut, bolt]\n"
    (tmp_path / "data.yaml").write_text(text)
    return tmp_path / "data.yaml"


def _val(model, data, **given):
    options = {"imgsz": 96, "batch": 1, "device": "cpu", "plots": False, "conf": 0.0}
    return YOLO(model).val(data=str(data), project=str(data.parent), name="out", **options, **given)


def test_what_is_not_looked_for_is_not_missed(data):
    both = _val("yolo11n.yaml", data)
    assert both.ap_class_index.tolist() == [0, 1]
    one = _val("yolo11n.yaml", data, classes=[1])
    assert one.ap_class_index.tolist() == [1]
    assert one.box.instances.tolist() == [2]
    assert one.confusion_matrix.matrix[:, 0].sum() == 0


def test_all_classes_count_as_one(data):
    metrics = _val("yolo11n.yaml", data, single_cls=True, exist_ok=True)
    assert metrics.names == {0: "item"}
    assert metrics.box.instances.tolist() == [3]
    assert metrics.confusion_matrix.matrix.shape == (2, 2)
    record = json.loads((data.parent / "out" / "validation.json").read_text())
    seen = [o for i in record["images"] for o in i["ground_truth"] + i["predictions"]]
    assert {o["class_id"] for o in seen} == {0}


@pytest.mark.parametrize("nms", [False, True])
@pytest.mark.parametrize("name", ["yolo26n.yaml", "yolo26n-seg.yaml"])
def test_rectangles_and_both_branches(data, name, nms):
    model = YOLO(name)
    metrics = model.val(
        data=str(data), imgsz=96, batch=1, device="cpu", plots=False, conf=0.0, nms=nms, max_det=20,
        project=str(data.parent), save_json=True, name="out", exist_ok=True,
    )  # fmt: skip
    assert model.validator.end2end is not nms
    assert metrics.box.instances.tolist() == [1, 2]
    rows = json.loads((data.parent / "out" / "predictions.json").read_text())
    assert {row["image_id"] for row in rows} <= {"wide", "tall"}
    assert max(sum(row["image_id"] == k for row in rows) for k in ("wide", "tall")) <= 20
    sizes = {tuple(image.shape) for image in _inputs(model)}
    assert sizes == {(64, 96), (96, 64)}


def _inputs(model):
    """Return one channel of each picture as the network got it."""
    dataset = model.validator.dataloader.dataset
    return [dataset[i]["img"][0] for i in range(len(dataset))]


def test_more_classes_than_the_model_knows_are_refused(data):
    model = YOLO("yolo11n.yaml")
    model.model.names = {0: "nut"}
    with pytest.raises(DatasetError, match="2 classes, the model knows 1"):
        model.val(data=str(data), imgsz=96, plots=False, project=str(data.parent))


@pytest.mark.parametrize(
    ("entry", "message"), [(7, "must be the path"), ("none.json", "do not exist")]
)
def test_annotations_that_cannot_be_used_are_refused(tmp_path, entry, message):
    data = {"annotations": {"val": entry}, "path": tmp_path, "yaml_file": tmp_path / "data.yaml"}
    with pytest.raises(DatasetError, match=message):
        find_annotations(data, "val")
    assert find_annotations(data, "test") is None
    assert find_annotations({"path": tmp_path}, "val") is None
