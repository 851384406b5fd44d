"""COCO's files measured here and by pycocotools: the same numbers, whatever the objects' sizes, crowds and limits."""

from __future__ import annotations

import contextlib
import copy
import io
import json

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.metrics.coco_files import evaluate, read_truth
from engine.ops.raster import polygon2mask
from engine.runtime.errors import DatasetError

WIDTH, HEIGHT, CLASSES = 260, 200, 3
COCO_ORDER = (
    "map", "map50", "map75", "map_small", "map_medium", "map_large",
    "mar_1", "mar_10", "mar_100", "mar_small", "mar_medium", "mar_large",
)  # fmt: skip


def _ellipse(box):
    turn = np.arange(16) * 2 * np.pi / 16
    x, y, w, h = box
    points = np.stack((x + w / 2 + w / 2 * np.cos(turn), y + h / 2 + h / 2 * np.sin(turn)), 1)
    return points.reshape(-1).tolist()


def _drawn(seed, kind, images=9):
    """Draw annotations and predictions: objects of all sizes, crowds, misses, doubles, equal scores."""
    random = np.random.default_rng(seed)
    annotations, rows = [], []
    for image in range(images):
        for _ in range(int(random.integers(0, 9))):
            size = np.exp(random.uniform(np.log(8), np.log(150), 2))
            corner = random.uniform(0, 1, 2) * (np.array([WIDTH, HEIGHT]) - size)
            box, label = [*corner, *size], int(random.integers(0, CLASSES))
            crowd = int(random.random() < 0.2)
            outline = [_ellipse(box)]
            if random.random() < 0.3:  # in two parts
                outline.append(_ellipse([corner[0], corner[1], *(size / 3)]))
            shape = coco_mask.merge(coco_mask.frPyObjects(outline, HEIGHT, WIDTH))
            pixels = polygon2mask((HEIGHT, WIDTH), [np.array(o) for o in outline])
            edges = np.flatnonzero(np.diff(pixels.reshape(-1, order="F"), prepend=0))
            runs = np.diff([0, *edges, pixels.size]).tolist()  # the first run is of what is outside
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": image, "category_id": 7 * label + 2,
                    "iscrowd": crowd, "bbox": [float(v) for v in box],
                    "area": float(coco_mask.area(shape)),
                    "segmentation": {"size": [HEIGHT, WIDTH], "counts": runs} if crowd else outline,
                }
            )  # fmt: skip
            for _ in range(int(random.integers(0, 3))):
                near = np.array(box) + random.normal(0, random.choice([0.02, 0.15]) * size[0], 4)
                near[2:] = near[2:].clip(3)
                guess = label if random.random() < 0.8 else int(random.integers(0, CLASSES))
                row = {
                    "image_id": image,
                    "category_id": 7 * guess + 2,
                    "score": float(random.random().__round__(1)),
                }
                if kind == "bbox":
                    rows.append({**row, "bbox": near.tolist()})
                else:
                    shape = coco_mask.frPyObjects([_ellipse(near)], HEIGHT, WIDTH)[0]
                    rows.append({**row, "segmentation": shape})
    truth = {
        "info": {},
        "images": [
            {"id": i, "width": WIDTH, "height": HEIGHT, "file_name": f"{i}.jpg"}
            for i in range(images)
        ],
        "categories": [{"id": 7 * c + 2, "name": f"kind {c}"} for c in range(CLASSES)],
        "annotations": annotations,
    }
    return truth, rows


def _pycocotools(truth, rows, kind, limits=(1, 10, 100)):
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = copy.deepcopy(truth)
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes(copy.deepcopy(rows)), kind)
        evaluation.params.maxDets = list(limits)
        evaluation.evaluate()
        evaluation.accumulate()
        if limits == (1, 10, 100):
            evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@pytest.mark.parametrize("seed", range(5))
def test_twelve_numbers_are_those_of_pycocotools(kind, seed):
    truth, rows = _drawn(seed, kind)
    expected = _pycocotools(truth, rows, kind)
    ours = evaluate(truth, rows, kind)
    assert tuple(ours.coco) == COCO_ORDER
    assert 0.05 < ours.coco["map"] < 0.95
    numbers = np.nan_to_num(list(ours.coco.values()), nan=-1)
    np.testing.assert_allclose(numbers, expected.stats, atol=1e-9)
    precision = expected.eval["precision"]  # thresholds, recalls, classes, sizes, limits
    of_classes = precision[..., 0, 2].mean(1).T
    np.testing.assert_allclose(ours.ap_table, of_classes[ours.classes], atol=1e-9)
    for place, size in enumerate(("small", "medium", "large"), start=1):
        table = precision[..., place, 2].mean(1).T[ours.classes]
        np.testing.assert_allclose(np.nan_to_num(ours.by_size[size], nan=-1), table, atol=1e-9)


def test_more_than_a_hundred_predictions_of_a_class():
    truth, rows = _drawn(3, "bbox")
    of_class = [o for o in truth["annotations"] if o["category_id"] == 2 and not o["iscrowd"]]
    last = of_class[-1]
    same = {"image_id": last["image_id"], "category_id": 2}
    rows += [{**same, "score": 0.95, "bbox": [1.0, 1.0, 5.0, 5.0 + i]} for i in range(110)]
    rows.append({**same, "score": 0.001, "bbox": last["bbox"]})
    rows = [r for r in rows if r["bbox"] != last["bbox"] or r["score"] == 0.001]
    ours = evaluate(truth, rows)
    expected = _pycocotools(truth, rows, "bbox")
    numbers = np.nan_to_num(list(ours.coco.values()), nan=-1)
    np.testing.assert_allclose(numbers, expected.stats, atol=1e-9)
    everything = _pycocotools(truth, rows, "bbox", (1, 10, 10_000))
    precision = everything.eval["precision"][:, :, :, 0, 2]
    assert ours.map == pytest.approx(precision[precision > -1].mean(), abs=1e-9)
    assert ours.map > ours.coco["map"]  # the last prediction finds something


def test_crowds_are_no_objects_and_their_finders_no_mistakes():
    truth, _ = _drawn(0, "bbox", images=1)
    box = [10.0, 10.0, 60.0, 60.0]
    single = {"id": 1, "image_id": 0, "category_id": 2, "iscrowd": 0, "bbox": box, "area": 3600.0}
    crowd = {**single, "id": 2, "iscrowd": 1, "bbox": [100.0, 100.0, 90.0, 90.0], "area": 8100.0}
    truth["annotations"] = [single, crowd]
    inside = {"image_id": 0, "category_id": 2, "score": 0.9, "bbox": [110.0, 110.0, 20.0, 20.0]}
    rows = [inside, {**inside, "score": 0.8}, {**inside, "score": 0.5, "bbox": box}]
    assert evaluate(truth, rows).map == 1.0
    crowd["iscrowd"] = 0
    assert evaluate(truth, rows).map < 0.5


def test_no_predictions_and_no_objects():
    truth, rows = _drawn(1, "bbox")
    assert evaluate(truth, []).coco["map"] == 0
    truth["annotations"] = []
    nothing = evaluate(truth, rows)
    assert nothing.map == 0
    assert len(nothing.classes) == 0


def test_files_are_read_and_what_is_wrong_is_said(tmp_path):
    truth, rows = _drawn(2, "bbox")
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    from_files = evaluate(tmp_path / "truth.json", tmp_path / "rows.json")
    assert from_files.map == evaluate(truth, rows).map
    read = read_truth(tmp_path / "truth.json")
    assert read.names == {0: "kind 0", 1: "kind 1", 2: "kind 2"}
    assert read.by_file["3.jpg"] == 3
    with pytest.raises(DatasetError, match="not annotated"):
        evaluate(truth, [{**rows[0], "image_id": 99}])
    with pytest.raises(DatasetError, match="no COCO annotations"):
        read_truth({"images": []})
    (tmp_path / "rows.json").write_text("[")
    with pytest.raises(DatasetError, match="not valid JSON"):
        evaluate(truth, tmp_path / "rows.json")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_truth(tmp_path / "none.json")
