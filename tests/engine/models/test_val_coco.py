"""What a validation measures, held against pycocotools on the files it writes."""

from __future__ import annotations

import contextlib
import io
import json

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.data.labels.parse import parse_label_text
from engine.ops.raster import polygon2mask


def _ground_truth(root):
    """Build COCO's description of the drawn pictures from their label files, without the engine's loaders."""
    images, annotations = [], []
    for number, file in enumerate(sorted((root / "images" / "val").iterdir())):
        height, width = cv2.imread(str(file)).shape[:2]
        images.append({"id": int(file.stem), "width": width, "height": height})
        for line in (root / "labels" / "val" / f"{file.stem}.txt").read_text().splitlines():
            points = np.array(line.split()[1:], float).reshape(-1, 2) * [width, height]
            low, high = points.min(0), points.max(0)
            pixels = np.asfortranarray(polygon2mask((height, width), [points]))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": images[number]["id"],
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [*low, *(high - low)],
                    "area": float(pixels.sum()),
                    "segmentation": coco_mask.encode(pixels),
                }
            )
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "square"}],
    }


def _coco(truth, rows, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = truth
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes(rows), kind)
        evaluation.params.maxDets = [1, 10, 300]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, 0, 0, 2]  # thresholds x recalls
    return precision[0].mean(), precision.mean()


@pytest.fixture(scope="module")
def validated(trained, drawn_parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("val")
    metrics = trained.val(
        imgsz=64, batch=2, save_json=True, save_txt=True, save_conf=True, plots=True, device="cpu",
        project=str(folder), name="out",
    )  # fmt: skip
    return metrics, folder / "out"


@pytest.mark.parametrize(("part", "kind"), [("box", "bbox"), ("seg", "segm")])
def test_average_precision_is_that_of_pycocotools(validated, drawn_parts, part, kind):
    metrics, folder = validated
    rows = json.loads((folder / "predictions.json").read_text())
    at_half, mean = _coco(_ground_truth(drawn_parts.parent), rows, kind)
    ours = getattr(metrics, part)
    assert mean > 0.3  # it has learned something, or the comparison says nothing
    assert ours.map50 == pytest.approx(at_half, abs=0.01)
    assert ours.map == pytest.approx(mean, abs=0.01)


def test_text_files_hold_the_predictions(validated):
    _, folder = validated
    rows = json.loads((folder / "predictions.json").read_text())
    lines = [
        line
        for file in sorted((folder / "labels").iterdir())
        for line in file.read_text().splitlines()
    ]
    assert len(lines) == len(rows)
    scores = sorted(float(line.split()[-1]) for line in lines)
    np.testing.assert_allclose(scores, sorted(row["score"] for row in rows), atol=1e-4)
    text = "\n".join(dict.fromkeys(line.rpartition(" ")[0] for line in lines))
    parsed, problems = parse_label_text(text, 1)
    # nothing is left out or changed; the outline of a weak mask may touch itself, which is only noted
    assert [p for p in problems if p.kind != "note"] == []
    assert len(parsed) == len(text.splitlines())


def test_pictures_and_curves_are_drawn(validated, shared_dir):
    _, folder = validated
    names = {p.name for p in folder.iterdir()}
    assert {
        "MaskPR_curve.png",
        "confusion_matrix.png",
        "val_batch0_labels.jpg",
        "val_batch0_pred.jpg",
    } <= names


def test_confusion_counts_every_object_once(validated):
    _, folder = validated
    matrix = np.array(json.loads((folder / "validation.json").read_text())["confusion"]["matrix"])
    assert matrix[:, 0].sum() == 2  # two pictures, one square each
