"""Measures of class maps against counts made by hand and by brute force."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.metrics.semantic import PixelConfusion, SemanticMetrics

NAMES = {0: "sky", 1: "road", 2: "car"}


def measured(truth: object, predicted: object, names=NAMES, classes=None) -> SemanticMetrics:
    metrics = SemanticMetrics(names, classes)
    metrics.update(np.asarray(truth), np.asarray(predicted))
    metrics.process()
    return metrics


def test_figures_by_hand():
    """Sky: 3 of 4 found and one too many; road: 2 of 3; one pixel is ignored."""
    metrics = measured([[0, 0, 0, 0], [1, 1, 1, 255]], [[0, 0, 0, 1], [1, 1, 0, 2]])
    part = metrics.semseg
    assert part.precisions[:2].tolist() == [3 / 4, 2 / 3]
    assert part.recalls[:2].tolist() == [3 / 4, 2 / 3]
    assert part.IoUs[:2].tolist() == [3 / 5, 2 / 4]
    assert part.DiceScores[:2].tolist() == [6 / 8, 4 / 6]
    assert part.MCRs[:2].tolist() == [2 / 7, 2 / 7]
    assert np.isnan(part.IoUs[2])
    assert metrics.results_dict == pytest.approx(
        {
            "metrics/mIoU": 0.55,
            "metrics/pixel_acc": 5 / 7,
            "metrics/precision": (3 / 4 + 2 / 3) / 2,
            "metrics/recall": (3 / 4 + 2 / 3) / 2,
            "metrics/DiceScore": (6 / 8 + 4 / 6) / 2,
            "metrics/MCR": 2 / 7,
            "fitness": 0.55,
        }
    )
    assert (part.IoU, part.mIoU, part.pixel_acc, part.MCR) == pytest.approx(
        (0.55, 0.55, 5 / 7, 2 / 7)
    )
    assert metrics.keys == ["metrics/mIoU", "metrics/pixel_acc"]
    assert metrics.mean_results() == pytest.approx([0.55, 5 / 7])


def test_figures_of_many_images_by_brute_force():
    rng = np.random.default_rng(0)
    metrics = SemanticMetrics({i: str(i) for i in range(6)})
    pairs = [(rng.integers(0, 7, (9, 11)), rng.integers(0, 6, (9, 11))) for _ in range(5)]
    for truth, predicted in pairs:
        metrics.update(np.where(truth == 6, 255, truth), predicted)
    metrics.process()
    truth = np.concatenate([t.ravel() for t, _ in pairs])
    predicted = np.concatenate([p.ravel() for _, p in pairs])[truth < 6]
    truth = truth[truth < 6]
    for label in range(6):
        a, b = truth == label, predicted == label
        both, either = (a & b).sum(), (a | b).sum()
        figures = both / b.sum(), both / a.sum(), both / either, 2 * both / (a.sum() + b.sum())
        assert metrics.class_result(label) == pytest.approx((*figures, (a != b).mean()))
    assert metrics.semseg.pixel_acc == pytest.approx((truth == predicted).mean())
    assert metrics.semseg.mIoU == pytest.approx(metrics.semseg.IoUs.mean())


def test_a_class_predicted_where_there_is_none_counts_as_nothing_right():
    metrics = measured([[0, 0]], [[0, 2]])
    assert metrics.ap_class_index.tolist() == [0, 2]
    assert metrics.semseg.class_result(2)[:4] == (0, 0, 0, 0)
    assert metrics.semseg.mIoU == pytest.approx(0.25)
    assert metrics.maps.tolist() == pytest.approx([0.5, 0.25, 0])


def test_only_the_classes_asked_for_count():
    truth, predicted = [[0, 0, 1, 1]], [[0, 1, 1, 1]]
    assert measured(truth, predicted).semseg.IoU == pytest.approx((1 / 2 + 2 / 3) / 2)
    only = measured(truth, predicted, classes=[0])
    assert only.semseg.IoU == pytest.approx(1 / 2)
    assert only.semseg.pixel_acc == pytest.approx(1 / 2)
    assert [row["name"] for row in only.per_class()] == ["sky"]


def test_nothing_seen_gives_zeros_and_no_warnings():
    for metrics in (SemanticMetrics(NAMES), SemanticMetrics({}), measured([[255]], [[0]])):
        metrics.process()
        assert set(metrics.results_dict.values()) == {0.0}
        assert metrics.per_class() == []


def test_rows_for_tables():
    metrics = measured([[0, 1], [0, 255]], [[0, 1], [1, 1]])
    row = metrics.per_class()[0]
    assert (row["name"], row["images"], row["instances"], row["box"]) == ("sky", 1, 2, None)
    assert row["figures"]["iou"] == pytest.approx(0.5)
    assert metrics.summary()[1] == {
        "Class": "road", "Images": 1, "Pixels": 1,
        "P": 0.5, "R": 1.0, "IoU": 0.5, "DiceScore": 0.66667, "MCR": 0.33333,
    }  # fmt: skip
    assert metrics.summary(normalize=False, decimals=1)[1]["MCR"] == 33.3
    assert metrics.to_csv().splitlines()[0] == "Class,Images,Pixels,P,R,IoU,DiceScore,MCR"
    assert json.loads(metrics.to_json())[0]["Class"] == "sky"
    metrics.clear()
    metrics.process()
    assert metrics.per_class() == []


def test_table_of_pixels():
    table = PixelConfusion(NAMES)
    table.add(np.array([0, 0, 1, 255]), np.array([0, 2, 1, 1]))
    assert table.matrix.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]
    assert table.labels == ["sky", "road", "car"]
    assert table.normalized()[:, 0].tolist() == [0.5, 0, 0.5]
    assert [part.tolist() for part in table.tp_fp()] == [[1, 1, 0], [0, 0, 1]]
    assert table.to_dict() == {"labels": table.labels, "matrix": table.matrix.tolist()}


@pytest.mark.parametrize(
    ("truth", "predicted"), [([[3]], [[0]]), ([[0]], [[3]]), ([[0, 1]], [[0]])]
)
def test_what_is_no_class_is_refused(truth, predicted):
    with pytest.raises(ValueError, match="expected"):
        PixelConfusion(NAMES).add(np.array(truth), np.array(predicted))
