from __future__ import annotations

import json

import numpy as np
import pytest

from engine.core.drawn_confusion import DrawnClassConfusion
from engine.metrics.classification import ClassificationMetrics

NAMES = {0: "a", 1: "b", 2: "c"}


def measured(probabilities, target, names=NAMES, batch=2):
    metrics = ClassificationMetrics(names)
    for start in range(0, len(target), batch):
        metrics.update(probabilities[start : start + batch], target[start : start + batch])
    metrics.process()
    return metrics


def rows_of(predicted, nc=3):
    return np.eye(nc)[predicted] * 0.8 + 0.1


def test_accuracy_of_one():
    metrics = measured(rows_of([0, 0, 1, 1, 2]), [0, 1, 1, 1, 0])
    assert metrics.top1 == pytest.approx(3 / 5)
    assert metrics.top5 == 1.0
    assert metrics.results_dict == {
        "metrics/accuracy_top1": metrics.top1,
        "metrics/accuracy_top5": 1.0,
        "fitness": pytest.approx(0.8),
    }
    assert list(metrics.keys) == ["metrics/accuracy_top1", "metrics/accuracy_top5"]


def test_accuracy_of_five_equals_counting():
    generator = np.random.default_rng(0)
    probabilities, target = generator.random((200, 20)), generator.integers(20, size=200)
    metrics = measured(probabilities, target, {i: str(i) for i in range(20)}, batch=33)
    place = (probabilities > probabilities[np.arange(200), target][:, None]).sum(1)
    assert metrics.top1 == pytest.approx((place < 1).mean())
    assert metrics.top5 == pytest.approx((place < 5).mean())


def test_classes_one_by_one():
    metrics = measured(rows_of([0, 0, 1, 1, 2]), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(
        metrics.confusion_matrix.matrix, [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    )
    np.testing.assert_allclose(metrics.precision, [1 / 2, 1, 0])
    np.testing.assert_allclose(metrics.recall, [1 / 2, 2 / 3, 0])
    rows = metrics.per_class()
    assert [(r["name"], r["images"]) for r in rows] == [("a", 2), ("b", 3)]  # nobody showed a c
    assert rows[1]["figures"] == {
        "precision": pytest.approx(1.0),
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(0.8),
    }


def test_the_table_can_be_taken_elsewhere():
    metrics = measured(rows_of([0, 1]), [0, 1])
    assert metrics.to_csv().splitlines()[0] == "class_id,name,images,instances,precision,recall,f1"
    assert json.loads(metrics.to_json())[1]["name"] == "b"


def test_confusion_has_no_background():
    matrix = measured(rows_of([0, 0, 1]), [0, 1, 1]).confusion_matrix
    assert matrix.to_dict() == {
        "labels": ["a", "b", "c"],
        "matrix": [[1, 1, 0], [0, 1, 0], [0, 0, 0]],
    }
    np.testing.assert_allclose(matrix.normalized()[:, 1], [0.5, 0.5, 0])
    right, wrong = matrix.tp_fp()
    assert (right.tolist(), wrong.tolist()) == ([1, 1, 0], [1, 0, 0])


def test_the_matrix_can_be_drawn(tmp_path):
    metrics = ClassificationMetrics(NAMES, DrawnClassConfusion)
    metrics.update(rows_of([0, 1]), [0, 1])
    written = metrics.confusion_matrix.plot(tmp_path)
    assert sorted(p.name for p in written) == [
        "confusion_matrix.png",
        "confusion_matrix_normalized.png",
    ]
    assert metrics.confusion_matrix.labels == ["a", "b", "c"]


def test_no_images():
    metrics = ClassificationMetrics(NAMES)
    metrics.process()
    assert (metrics.top1, metrics.top5, metrics.fitness) == (0.0, 0.0, 0.0)
    assert metrics.per_class() == []


def test_equal_scores_are_not_luck():
    assert measured(np.ones((3, 3)), [0, 1, 2]).top1 == pytest.approx(1 / 3)
