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

from engine import YOLO
from engine.data.labels.parse import parse_label_text


def _ground_truth(root):
    """Build COCO's description of the drawn pictures from their label files, without the engine's loaders."""
    images, annotations = [], []
    for number, file in enumerate(sorted((root / "images" / "val").iterdir())):
        height, width = cv2.imread(str(file)).shape[:2]
        images.append({"id": int(file.stem), "width": width, "height": height})
        for line in (root / "labels" / "val" / f"{file.stem}.txt").read_text().splitlines():
            points = np.array(line.split()[1:], float).reshape(-1, 2) * [width, height]
            low, high = points.min(0), points.max(0)
            outline = [points.reshape(-1).tolist()]
            pixels = coco_mask.frPyObjects(outline, height, width)[0]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": images[number]["id"],
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [*low, *(high - low)],
                    "area": float(coco_mask.area(pixels)),
                    "segmentation": outline,
                }
            )
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "square"}],
    }


def _coco(truth, rows, kind):
    """Return COCO's twelve numbers; rows of masks come without boxes, whose areas would count instead."""
    other = "segmentation" if kind == "bbox" else "bbox"
    rows = [{k: v for k, v in row.items() if k != other} for row in rows]
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = truth
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes(rows), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats


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
    expected = _coco(_ground_truth(drawn_parts.parent), rows, kind)
    ours = getattr(metrics, part)
    assert expected[0] > 0.3  # it has learned something, or the comparison says nothing
    assert len(rows) > 3
    numbers = np.nan_to_num(list(ours.coco.values()), nan=-1)
    np.testing.assert_allclose(numbers, expected, atol=1e-6)
    assert [ours.map, ours.map50, ours.map75] == pytest.approx(expected[:3], abs=1e-6)
    record = json.loads((folder / "validation.json").read_text())
    details = record["details"]["box" if part == "box" else "mask"]
    assert details["coco_mar_100"] == pytest.approx(expected[8], abs=1e-6)


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


def test_record_holds_curves_labels_and_measures_as_data(validated):
    metrics, folder = validated
    record = json.loads((folder / "validation.json").read_text())
    assert record["labels"]["classes"] == [
        {"class_id": 0, "name": "square", "images": 2, "objects": 2}
    ]
    for kind in ("box", "mask"):
        curves = record["curves"][kind]
        assert len(curves["confidence"]) == len(curves["f1"]["0"]) == len(curves["r"]["0"])
    table = metrics.summary()
    assert table[0]["Class"] == "square"
    assert table[0]["mAP50-95"] == pytest.approx(metrics.box.map, abs=1e-5)
    assert table[0]["Mask-mAP50"] == pytest.approx(metrics.seg.map50, abs=1e-5)
    assert metrics.to_csv().startswith("Class,Images,Instances,Box-P")
    rows = json.loads(metrics.confusion_matrix.to_json())
    assert [row["Predicted"] for row in rows] == ["square", "background"]
    assert sum(row["square"] for row in rows) == 2


def test_matrix_draws_itself(validated, tmp_path):
    metrics, _ = validated
    drawn = metrics.confusion_matrix.plot(tmp_path, normalize=True)
    assert [p.name for p in drawn] == ["confusion_matrix_normalized.png"]
    assert [p.name for p in tmp_path.iterdir()] == ["confusion_matrix_normalized.png"]


def test_hybrid_labels_are_the_given_ones_and_what_is_new(trained, drawn_parts, tmp_path):
    options = {"imgsz": 64, "batch": 2, "device": "cpu", "plots": False, "project": str(tmp_path)}
    model = YOLO(trained.ckpt_path)
    model.val(data=str(drawn_parts), save_hybrid=True, conf=0.3, name="out", **options)
    given = drawn_parts.parent / "labels" / "val"
    found = 0
    for file in sorted((tmp_path / "out" / "labels_hybrid").iterdir()):
        old, new = (
            folder.joinpath(file.name).read_text().splitlines() for folder in (given, file.parent)
        )
        assert [line.split()[0] for line in new[: len(old)]] == [line.split()[0] for line in old]
        first = (np.array(lines[0].split()[1:], float) for lines in (old, new))
        np.testing.assert_allclose(*first, atol=1e-5)
        found += len(new) - len(old)
    record = json.loads((tmp_path / "out" / "validation.json").read_text())
    stray = [
        p
        for i in record["images"]
        for p in i["predictions"]
        if not p["matched"] and p["score"] >= 0.3
    ]
    assert found == len(stray)


def _annotated(drawn_parts, folder, crowd):
    """Write a data.yaml that names COCO annotations in which every object is a crowd, or none."""
    truth = _ground_truth(drawn_parts.parent)
    for row in truth["annotations"]:
        row["iscrowd"] = int(crowd)
    for image, file in zip(
        truth["images"], sorted((drawn_parts.parent / "images" / "val").iterdir()), strict=True
    ):
        image["file_name"] = file.name
    truth["categories"][0]["name"] = "square"
    (folder / "truth.json").write_text(json.dumps(truth))
    text = drawn_parts.read_text()
    (folder / "data.yaml").write_text(f"{text}\nannotations: {{val: {folder / 'truth.json'}}}\n")
    return str(folder / "data.yaml")


def test_annotations_named_by_the_data_set_count(trained, drawn_parts, validated, tmp_path):
    options = {"imgsz": 64, "batch": 2, "device": "cpu", "plots": False, "project": str(tmp_path)}
    model = YOLO(trained.ckpt_path)
    same = model.val(data=_annotated(drawn_parts, tmp_path, crowd=False), **options)
    assert same.box.map == pytest.approx(validated[0].box.map, abs=1e-6)
    assert same.seg.map == pytest.approx(validated[0].seg.map, abs=1e-6)
    crowds = model.val(data=_annotated(drawn_parts, tmp_path, crowd=True), **options)
    assert len(crowds.box.classes) == 0  # nothing that counts
    assert crowds.confusion_matrix.matrix[:, 0].sum() == 0
