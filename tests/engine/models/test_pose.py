"""Pose models from training to measuring: what they learn, what a validation writes, held against pycocotools."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pytest
import yaml
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine import YOLO
from engine.models.yolo.pose.val import PoseValidator
from engine.ops.keypoints import AREA_OF_BOX, keypoint_sigmas
from engine.runtime.errors import DatasetError

STILL = dict.fromkeys(("mosaic", "scale", "translate", "hsv_h", "hsv_s", "hsv_v"), 0)
SMALL = {"imgsz": 64, "device": "cpu", "verbose": False}


@pytest.fixture(scope="module")
def posed(drawn_darts, tmp_path_factory):
    """A pose model that knows a dart's tip and corners."""
    model = YOLO("yolo11n-pose.yaml")
    folder = tmp_path_factory.mktemp("posed")
    model.train(
        data=str(drawn_darts), epochs=80, val=False, save=False, batch=2, plots=False,
        project=str(folder), name="run", **STILL, **SMALL,
    )  # fmt: skip
    return model


@pytest.fixture(scope="module")
def validated(posed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("val")
    metrics = posed.val(
        batch=2, save_json=True, save_txt=True, save_conf=True, plots=True, project=str(folder),
        name="out", **SMALL,
    )  # fmt: skip
    return metrics, folder / "out"


def _labels(root):
    """The labels of the val pictures in COCO's form, read without the engine's loaders."""
    images, annotations = [], []
    for file in sorted((root / "images" / "val").iterdir()):
        images.append({"id": int(file.stem), "width": 64, "height": 64})
        for line in (root / "labels" / "val" / f"{file.stem}.txt").read_text().splitlines():
            numbers = np.array(line.split()[1:], float)
            x, y, w, h = numbers[:4] * 64
            points = numbers[4:].reshape(-1, 3) * (64, 64, 1)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": images[-1]["id"],
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [x - w / 2, y - h / 2, w, h],
                    "area": AREA_OF_BOX * w * h,
                    "keypoints": points.ravel().tolist(),
                    "num_keypoints": int((points[:, 2] > 0).sum()),
                }
            )
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "dart"}],
    }


def _of_coco(truth, rows):
    """Precision at thresholds x recalls by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = truth
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes(rows), "keypoints")
        evaluation.params.maxDets = [300]
        evaluation.params.kpt_oks_sigmas = keypoint_sigmas(3)
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][:, :, 0, 0, 0]


def test_average_precision_is_that_of_pycocotools_on_the_written_file(validated, drawn_darts):
    metrics, folder = validated
    rows = json.loads((folder / "predictions.json").read_text())
    precision = _of_coco(_labels(drawn_darts.parent), rows)
    assert precision.mean() > 0.3  # it has learned something, or the comparison says nothing
    assert metrics.pose.map50 == pytest.approx(precision[0].mean(), abs=0.0005)
    assert metrics.pose.map == pytest.approx(precision.mean(), abs=0.0005)
    assert metrics.results_dict["metrics/mAP50-95(P)"] == metrics.pose.map


def test_the_record_has_the_points_of_labels_and_predictions(validated, drawn_darts):
    _, folder = validated
    record = json.loads((folder / "validation.json").read_text())
    assert record["task"] == "pose"
    assert set(record["per_class"][0]["pose"]) == {"precision", "recall", "ap50", "ap"}
    assert len(record["curves"]["pose"]["recall"]) == 101
    truth = {a["image_id"]: a for a in _labels(drawn_darts.parent)["annotations"]}
    found = 0
    for image in record["images"]:
        (label,) = image["ground_truth"]
        number = int(image["file"].rsplit("/", 1)[-1].split(".")[0])
        points = np.array(truth[number]["keypoints"]).reshape(-1, 3)
        np.testing.assert_allclose(np.array(label["keypoints"]), points, atol=0.02)
        for row in image["predictions"]:
            seen = np.array(row["keypoints"])
            assert seen.shape == (3, 3)
            assert ((seen[:, 2] >= 0) & (seen[:, 2] <= 1)).all()
            if row["matched"] and row["score"] > 0.25:
                assert label["matched"]
                assert np.abs(seen[:, :2] - points[:, :2]).max() < 16
                found += 1
    assert found
    assert {f"Pose{k}_curve.png" for k in ("PR", "F1", "P", "R")} <= {
        p.name for p in folder.iterdir()
    }


def test_label_text_has_a_box_its_points_and_the_score(validated):
    _, folder = validated
    files = list((folder / "labels").iterdir())
    assert files
    for line in files[0].read_text().splitlines():
        assert len(line.split()) == 1 + 4 + 3 * 3 + 1


def test_label_text_of_pictures_on_which_nothing_is_found(posed, tmp_path):
    posed.val(
        batch=2, conf=0.9999, save_txt=True, plots=False, project=str(tmp_path), name="out", **SMALL
    )  # fmt: skip
    files = list((tmp_path / "out" / "labels").iterdir())
    assert files
    assert not any(file.read_text() for file in files)


def test_a_prediction_has_the_trained_points(posed, drawn_darts):
    picture = sorted((drawn_darts.parent / "images" / "train").iterdir())[0]
    result = YOLO(posed.ckpt_path)(picture, imgsz=64, conf=0.05, verbose=False)[0]
    assert result.keypoints.data.shape[1:] == (3, 3)
    line = (drawn_darts.parent / "labels" / "train" / f"{picture.stem}.txt").read_text()
    truth = np.array(line.split()[5:], float).reshape(-1, 3)[:, :2] * 64
    assert np.abs(result.keypoints.xy[0].numpy() - truth).max() < 12


def test_annotations_bring_areas_crowds_and_objects_without_points(posed, drawn_darts, tmp_path):
    """Named in data.yaml they count instead of the label files, as pycocotools counts them."""
    truth = _labels(drawn_darts.parent)
    for row in truth["annotations"]:
        row["area"] *= 0.4  # a mask's, not a share of the box
    first = truth["annotations"][0]
    more = {**first, "bbox": [0, 0, 64, 64], "area": 4096}
    truth["annotations"] += [
        {**more, "id": 11, "iscrowd": 1},
        {**more, "id": 12, "keypoints": [0] * 9, "num_keypoints": 0},
    ]
    for row, file in zip(truth["images"], ("0.png", "1.png"), strict=True):
        row["file_name"] = file
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    values = yaml.safe_load(drawn_darts.read_text())
    values["annotations"] = str(tmp_path / "truth.json")
    (tmp_path / "data.yaml").write_text(yaml.safe_dump(values))

    def measure():
        return YOLO(posed.ckpt_path).val(
            data=str(tmp_path / "data.yaml"), batch=2, save_json=True, plots=False, exist_ok=True,
            project=str(tmp_path), name="out", **SMALL,
        )  # fmt: skip

    metrics = measure()
    precision = _of_coco(truth, json.loads((tmp_path / "out" / "predictions.json").read_text()))
    assert precision.mean() > 0.1
    assert metrics.pose.map50 == pytest.approx(precision[0].mean(), abs=0.0005)
    assert metrics.pose.map == pytest.approx(precision.mean(), abs=0.0005)
    for row in truth["annotations"]:
        row["keypoints"] = row["keypoints"][:6]
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    with pytest.raises(DatasetError, match="no object of these annotations has 3 keypoints"):
        measure()


def test_measuring_on_other_keypoints_is_refused(posed, drawn_darts, tmp_path):
    values = yaml.safe_load(drawn_darts.read_text()) | {"kpt_shape": [5, 3], "flip_idx": None}
    other = tmp_path / "data.yaml"
    other.write_text(yaml.safe_dump(values))
    with pytest.raises(DatasetError, match="5 keypoints, the model places 3"):
        PoseValidator(args={"data": str(other), **SMALL, "project": str(tmp_path)})(
            model=str(posed.ckpt_path)
        )


def test_an_exported_file_measures_as_its_weights_do(posed, validated, tmp_path):
    file = YOLO(posed.ckpt_path).export(format="torchscript", imgsz=64)
    metrics = YOLO(file).val(
        data=posed.trainer.args.data, batch=1, plots=False, project=str(tmp_path), **SMALL
    )
    assert metrics.pose.map == pytest.approx(validated[0].pose.map, abs=0.02)
