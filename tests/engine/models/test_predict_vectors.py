"""Prediction against what the field's library computes with the same weights on the same photographs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine import YOLO

IMAGES = ("000000000036", "000000000042", "000000000049", "000000000061")


@pytest.fixture(scope="module")
def results(shared_dir):
    folder = shared_dir / "datasets" / "coco8-seg" / "images" / "val"
    files = [str(next(folder.glob(f"{name}.*"))) for name in IMAGES]
    model = YOLO(shared_dir / "vectors" / "yolo11n-seg.pt")
    found = model.predict(
        files, imgsz=320, conf=1e-5, iou=0.7, max_det=300, device="cpu", verbose=False
    )
    return dict(zip(IMAGES, found, strict=True))


@pytest.mark.parametrize("name", IMAGES)
def test_boxes_classes_and_masks_agree(results, shared_dir, name):
    recorded = np.load(shared_dir / "vectors" / "yolo11n-seg.npz")
    expected = {key: recorded[f"pred.c1e5_{name}.{key}"] for key in ("xyxy", "conf", "cls")}
    result = results[name].numpy()
    assert result.orig_shape == tuple(recorded[f"pred.c1e5_{name}.orig_shape"])
    assert len(result) == len(expected["conf"])
    # Two rows of nearly equal score may swap: each expected row is looked for among ours.
    rows = np.concatenate(
        (result.boxes.xyxy, 1e6 * result.boxes.conf[:, None], result.boxes.cls[:, None]), 1
    )
    theirs = np.concatenate(
        (expected["xyxy"], 1e6 * expected["conf"][:, None], expected["cls"][:, None]), 1
    )
    distance = np.abs(rows[:, None] - theirs[None]).max(2)
    pairs = distance.argmin(0)
    assert len(set(pairs)) == len(pairs)
    assert distance.min(0).max() < 0.3
    masks = result.masks.data[pairs]
    assert masks.shape == tuple(recorded[f"pred.c1e5_{name}.mask_shape"])
    areas = recorded[f"pred.c1e5_{name}.mask_area"]
    np.testing.assert_allclose(masks.sum((1, 2)), areas, rtol=0.03)
    outlines = [o for o in result.masks.xy if len(o) > 2]
    assert len(outlines) == int(recorded[f"pred.c1e5_{name}.polygon_count"])


def test_at_the_usual_confidence_nothing_is_found(shared_dir):
    model = YOLO(shared_dir / "vectors" / "yolo11n-seg.pt")
    folder = shared_dir / "datasets" / "coco8-seg" / "images" / "val"
    assert [len(r) for r in model(folder, imgsz=320, verbose=False)] == [0, 0, 0, 0]


def test_names_of_the_file_are_read(shared_dir):
    layout = json.loads((shared_dir / "vectors" / "yolo11n-seg.json").read_text())
    names = YOLO(shared_dir / "vectors" / layout["checkpoint"]).names
    assert len(names) == 80
    assert names[0] == "person"
