from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.metrics.average_precision import ap_per_class
from engine.metrics.matching import match_predictions
from engine.ops.iou import box_iou, mask_iou
from engine.ops.raster import polygons2masks

SIZE = 96
CLASSES = 3


def _ellipse(box):
    angle = np.arange(24) * 2 * np.pi / 24
    (x1, y1), (x2, y2) = box[:2], box[2:]
    return np.stack(
        (
            (x1 + x2) / 2 + (x2 - x1) / 2 * np.cos(angle),
            (y1 + y2) / 2 + (y2 - y1) / 2 * np.sin(angle),
        ),
        1,
    )


def _images(seed, count=12):
    """Yield ground truth and sorted predictions of random images: jittered, wrong, doubled, missing."""
    random = np.random.default_rng(seed)
    for number in range(count):
        n = int(random.integers(0, 7))
        corner = random.uniform(0, SIZE * 0.7, (n, 2))
        truth = np.concatenate((corner, corner + random.uniform(6, 28, (n, 2))), 1)
        label = random.integers(0, CLASSES, n)
        copies = np.repeat(np.arange(n), random.integers(0, 4, n))
        boxes = truth[copies] + random.normal(0, 2.0, (len(copies), 4))
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)  # COCO leaves out negative areas
        guess = np.where(random.random(len(copies)) < 0.8, label[copies], 0)
        stray = random.uniform(0, SIZE * 0.6, (3, 2))
        boxes = np.concatenate((boxes, np.concatenate((stray, stray + 15), 1)))
        guess = np.concatenate((guess, random.integers(0, CLASSES, 3)))
        score = random.random(len(boxes)).round(1)  # many equal scores
        order = np.argsort(-score, kind="stable")
        yield number, truth, label, boxes[order], guess[order], score[order]


def _coco(kind, scenes):
    annotations, results = [], []
    for number, truth, label, boxes, guess, score in scenes:
        for box, c, mask in zip(truth, label, _rle(truth), strict=True):
            width, height = box[2:] - box[:2]
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": int(c),
                    "bbox": [*box[:2], width, height], "area": width * height, "iscrowd": 0,
                    "segmentation": mask,
                }
            )  # fmt: skip
        for box, c, s, mask in zip(boxes, guess, score, _rle(boxes), strict=True):
            result = {"image_id": number, "category_id": int(c), "score": float(s)}
            shape = {"bbox": [*box[:2], *(box[2:] - box[:2])]}
            results.append({**result, **(shape if kind == "bbox" else {"segmentation": mask})})
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [{"id": s[0], "width": SIZE, "height": SIZE} for s in scenes],
        "categories": [{"id": c, "name": str(c)} for c in range(CLASSES)],
        "annotations": annotations,
    }
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(results), kind)
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # (thresholds, recalls, classes)
    return precision


def _rle(boxes):
    masks = polygons2masks((SIZE, SIZE), [_ellipse(box) for box in boxes])
    return [coco_mask.encode(np.asfortranarray(mask)) for mask in masks]


def _ours(kind, scenes):
    columns = []
    for _, truth, label, boxes, guess, score in scenes:
        if kind == "bbox":
            iou = box_iou(torch.from_numpy(truth), torch.from_numpy(boxes), eps=0)
        else:
            masks = [
                torch.from_numpy(
                    polygons2masks((SIZE, SIZE), [_ellipse(box) for box in group]).copy()
                )
                for group in (truth, boxes)
            ]
            iou = mask_iou(*masks)
        columns.append((match_predictions(iou, guess, label), score, guess, label))
    return ap_per_class(*(np.concatenate(c) for c in zip(*columns, strict=True)), CLASSES)


@pytest.mark.parametrize("kind", ["bbox", "segm"])
@pytest.mark.parametrize("seed", range(4))
def test_equals_pycocotools(kind, seed):
    scenes = list(_images(seed))
    precision = _coco(kind, scenes)
    ours = _ours(kind, scenes)
    assert 0.1 < ours.map < 0.9
    assert ours.map == pytest.approx(precision.mean(), abs=1e-6)
    assert ours.map50 == pytest.approx(precision[0].mean(), abs=1e-6)
    assert ours.map75 == pytest.approx(precision[5].mean(), abs=1e-6)
    np.testing.assert_allclose(ours.ap_table, precision.mean(1).T, atol=1e-6)
    np.testing.assert_allclose(ours.curves.precision, precision[0].T, atol=1e-6)


def _one_class(hits, conf, objects):
    tp = np.repeat(np.array(hits, bool)[:, None], 10, 1)
    return ap_per_class(tp, np.array(conf), np.zeros(len(hits)), np.zeros(objects), nc=2)


def test_a_perfect_class_scores_one():
    perfect = _one_class([1, 1, 1], [0.9, 0.8, 0.7], 3)
    assert perfect.map == perfect.map50 == perfect.mp == perfect.mr == 1.0
    assert perfect.f1.tolist() == [1.0]
    assert perfect.best_confidence <= 0.7


def test_precision_and_recall_by_confidence_count_predictions():
    result = _one_class([1, 0, 1, 0], [0.9, 0.8, 0.5, 0.3], 4)
    at = {c: round(c * 1000) for c in (0.1, 0.5, 0.6, 0.85, 0.95)}
    p, r = result.curves.p[0], result.curves.r[0]
    assert [p[i] for i in at.values()] == pytest.approx([0.5, 2 / 3, 0.5, 1, 1])
    assert [r[i] for i in at.values()] == pytest.approx([0.5, 0.5, 0.25, 0.25, 0])
    assert result.mp == pytest.approx(2 / 3)  # F1 is best where two of three are right
    assert result.mr == pytest.approx(0.5)
    assert 0.3 < result.best_confidence <= 0.5


def test_a_class_that_is_never_predicted_has_no_precision():
    hit = np.ones((1, 10), bool)
    found = ap_per_class(hit, np.array([0.9]), np.array([0]), np.array([0, 1]), nc=2)
    assert found.p.tolist() == [1.0, 0.0]
    assert found.r.tolist() == [1.0, 0.0]


def test_classes_without_objects_do_not_count():
    tp = np.ones((2, 10), bool)
    result = ap_per_class(tp, np.array([0.9, 0.8]), np.array([2, 4]), np.array([2]), nc=6)
    assert result.classes.tolist() == [2]
    assert result.map == 1.0
    assert result.maps.tolist() == [1.0] * 6  # the mean stands in for classes without objects
    assert result.class_result(0) == (1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize(("predictions", "objects"), [(0, 0), (3, 0), (0, 3)])
def test_nothing_found_or_nothing_to_find(predictions, objects):
    result = _one_class([0] * predictions, np.linspace(1, 0.1, predictions), objects)
    assert result.map == result.map50 == result.mr == 0
    assert len(result.maps) == 2
    assert json.loads(json.dumps(result.curves.to_dict()))["recall"][100] == 1


def test_finds_beyond_the_first_hundred_of_an_image_count():
    """Without sizes there is no cap of 100; of 150 predictions the last finds the only object."""
    hits = np.zeros((150, 10), bool)
    hits[-1] = True
    scored = ap_per_class(hits, np.linspace(0.9, 0.1, 150), np.zeros(150), np.zeros(1))
    assert scored.map50 == pytest.approx(1 / 150)
