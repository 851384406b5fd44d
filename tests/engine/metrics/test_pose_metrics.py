"""Keypoint measures held against pycocotools on the same random predictions."""

from __future__ import annotations

import contextlib
import io
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from engine.metrics.matching import Matches
from engine.metrics.pose import PoseMetrics, match_keypoints
from engine.ops.keypoints import AREA_OF_BOX, COCO_SIGMAS, keypoint_sigmas, keypoint_similarity

IMAGES, NAMES = 25, {0: "person", 1: "dog"}
SIZES = ("all", "medium", "large")  # COCO's for keypoints


def _drawn(seed, count):
    """Labels and predictions in COCO's form: jittered, doubled, of the wrong class, in empty places."""
    random = np.random.default_rng(seed)
    spread = float(keypoint_sigmas(count).mean())
    labels, found = [], []

    def predict(image, category, points):
        points = np.concatenate((points, np.ones((count, 1))), 1)
        score = float(random.integers(1, 40) / 40)  # many are equal
        row = {"image_id": image, "category_id": category, "score": score}
        found.append({**row, "keypoints": points.ravel().tolist()})

    for image in range(IMAGES):
        for _ in range(random.integers(0, 6)):
            middle, side = random.uniform(60, 400, 2), random.uniform(12, 260)
            size = side * random.uniform(0.4, 1, 2)
            points = middle + (random.random((count, 2)) - 0.5) * size
            visible = random.integers(0, 3, count) * (random.random() > 0.25)
            given = np.concatenate((points, visible[:, None]), 1) * (visible > 0)[:, None]
            category = int(random.integers(1, 3))
            labels.append(
                {
                    "id": len(labels) + 1,
                    "image_id": image,
                    "category_id": category,
                    "bbox": [*(middle - size / 2), *size],
                    "area": float(AREA_OF_BOX * size.prod()),
                    "iscrowd": 0,
                    "keypoints": given.ravel().tolist(),
                    "num_keypoints": int((visible > 0).sum()),
                }
            )
            for _ in range(random.integers(0, 4)):
                jitter = random.normal(0, random.uniform(0, 0.7) * spread * side, (count, 2))
                predict(image, category if random.random() < 0.9 else 3 - category, points + jitter)
        for _ in range(random.integers(0, 3)):
            predict(image, int(random.integers(1, 3)), random.uniform(0, 500, (count, 2)))
    return labels, found


def _of_coco(labels, found, count):
    """Average precision (sizes, classes, thresholds) by pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        api = COCO()
        api.dataset = {
            "images": [{"id": i, "width": 640, "height": 640} for i in range(IMAGES)],
            "annotations": labels,
            "categories": [{"id": k + 1, "name": name} for k, name in NAMES.items()],
        }
        api.createIndex()
        evaluation = COCOeval(api, api.loadRes([dict(row) for row in found]), "keypoints")
        evaluation.params.maxDets = [300]
        evaluation.params.kpt_oks_sigmas = keypoint_sigmas(count)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][..., 0]  # thresholds, recalls, classes, sizes
    precision = np.where(precision < 0, np.nan, precision)  # -1 where there are no such objects
    return precision.mean(1).transpose(2, 1, 0)


def _measured(labels, found, count):
    metrics = PoseMetrics(NAMES)
    for image in range(IMAGES):
        here = [row for row in labels if row["image_id"] == image]
        mine = sorted(
            (row for row in found if row["image_id"] == image), key=lambda row: -row["score"]
        )
        boxes = np.array([row["bbox"] for row in here], float).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        classes, targets = (np.array([r["category_id"] - 1 for r in rows]) for rows in (mine, here))
        points, truth = (
            np.array([r["keypoints"] for r in rows], float).reshape(-1, count, 3)
            for rows in (mine, here)
        )
        matches = match_keypoints(truth, points, boxes, classes, targets)
        scores = np.array([row["score"] for row in mine])
        nothing = np.zeros((len(mine), 10), bool)
        metrics.update(nothing, scores, classes, targets, image=image, tp_p=matches)
    metrics.process()
    return metrics


@pytest.mark.parametrize("count", [17, 5])
@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_that_of_pycocotools(seed, count):
    labels, found = _drawn(seed, count)
    expected = _of_coco(labels, found, count)
    pose = _measured(labels, found, count).pose
    assert 0.1 < expected[0].mean() < 0.9
    np.testing.assert_allclose(pose.ap_table, expected[0], atol=1e-9)
    for number, size in enumerate(SIZES[1:], start=1):
        np.testing.assert_allclose(pose.by_size[size], expected[number], atol=1e-9)


def test_the_keypoints_decide_the_fitness_and_have_their_columns():
    metrics = _measured(*_drawn(0, 17), 17)
    assert metrics.fitness == metrics.pose.map > 0
    assert metrics.keys[4:] == [
        "metrics/precision(P)", "metrics/recall(P)", "metrics/mAP50(P)", "metrics/mAP50-95(P)"
    ]  # fmt: skip
    assert set(metrics.per_class()[0]["pose"]) == {"precision", "recall", "ap50", "ap"}


def test_similarity_by_hand():
    truth = torch.tensor([[[10.0, 10, 2], [50, 50, 0]]])
    found = torch.tensor([[[13.0, 14], [0, 0]], [[10, 10], [90, 90]]])
    likeness = keypoint_similarity(truth, found, torch.tensor([400.0]))
    expected = math.exp(-25 / (2 * 400 * (2 * 0.5) ** 2))
    assert likeness[0].tolist() == pytest.approx([expected, 1])
    assert likeness.dtype == torch.float64


def test_objects_without_a_labelled_point_are_like_what_lies_about_their_box():
    truth, boxes = torch.zeros(1, 2, 3), torch.tensor([[100.0, 100, 140, 120]])
    # twice the box all around: 60..180 by 80..140
    near = torch.tensor([[[61.0, 81], [179, 139]], [[20.0, 100], [100, 100]]])
    area = torch.tensor([400.0])
    likeness = keypoint_similarity(truth, near, area, boxes)[0]
    assert likeness[0] == 1
    assert likeness[1].item() == pytest.approx((1 + math.exp(-(40**2) / (2 * 400))) / 2)
    assert keypoint_similarity(truth, near, area)[0].tolist() == [0, 0]


def test_who_finds_an_object_without_labelled_points_is_neither_right_nor_wrong():
    truth, boxes = np.zeros((1, 5, 3)), np.array([[100.0, 100, 200, 200]])
    found = np.full((1, 5, 2), 150.0)
    matches = match_keypoints(truth, found, boxes, np.array([0]), np.array([0]))
    assert not matches.tp.any()
    assert matches.ignored[0]
    assert not matches.counted.any()


@pytest.mark.parametrize(("objects", "predictions"), [(0, 0), (0, 3), (2, 0)])
def test_empty_images(objects, predictions):
    matches = match_keypoints(
        np.ones((objects, 17, 3)),
        np.ones((predictions, 17, 3)),
        np.tile([0.0, 0, 9, 9], (objects, 1)),
        np.zeros(predictions),
        np.zeros(objects),
    )
    assert matches.index.shape == (predictions, 10)
    assert (matches.index == -1).all()
    assert len(matches.counted) == objects


def test_spreads_of_people_and_of_others():
    assert keypoint_sigmas(17) is COCO_SIGMAS
    assert COCO_SIGMAS[[0, 11, 16]].tolist() == pytest.approx([0.026, 0.107, 0.089])
    assert keypoint_sigmas(4).tolist() == [0.25] * 4


def test_a_class_without_keypoints_has_measures_of_boxes_alone():
    nothing = Matches.of_table(np.zeros((0, 10)), 2)
    only_dogs = replace(nothing, counted=np.array([[False], [True]]))
    metrics = PoseMetrics(NAMES)
    metrics.update(nothing, [], [], [0, 1], tp_p=only_dogs)
    metrics.process()
    person, dog = metrics.per_class()
    assert (person["pose"], person["box"]["recall"]) == (None, 0)
    assert dog["pose"]["recall"] == 0
    assert all(math.isnan(value) for value in metrics.class_result(0)[4:])
    table = metrics.summary()
    assert [row["Pose-mAP50"] for row in table] == [None, 0]
    assert table.to_csv().splitlines()[1].startswith("person,1,1,")
