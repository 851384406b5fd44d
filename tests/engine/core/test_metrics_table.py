"""What a validation says to people, for the metrics of every kind of task."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.metrics_table import MOST_CLASSES, aligned, metrics_table, speed_line
from engine.metrics.classification import ClassificationMetrics
from engine.metrics.detection import DetectionMetrics
from engine.metrics.pose import PoseMetrics
from engine.metrics.segmentation import SegmentationMetrics
from engine.metrics.semantic import SemanticMetrics

NAMES = {0: "nut", 1: "bolt"}


def cells(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def found(hit: bool = True) -> tuple:
    """One picture with one bolt that was found, as the metrics of shapes take it."""
    return np.full((1, 10), hit), np.array([0.9]), np.array([1]), np.array([1])


def test_boxes():
    metrics = DetectionMetrics(NAMES)
    metrics.update(*found())
    metrics.process()
    head, whole, bolt = cells(metrics_table(metrics, 3))
    assert head == ["class", "images", "instances", "Box-P", "Box-R", "mAP50", "mAP50-95"]
    assert whole == ["all", "3", "1", "1.000", "1.000", "1.000", "1.000"]
    assert bolt == ["bolt", "1", "1", "1.000", "1.000", "1.000", "1.000"]


@pytest.mark.parametrize(
    ("kind", "argument", "head"),
    [(SegmentationMetrics, "tp_m", "Mask-mAP50-95"), (PoseMetrics, "tp_p", "Pose-mAP50-95")],
)
def test_a_second_kind_of_shape_has_its_own_columns(kind, argument, head):
    metrics = kind(NAMES)
    missed = found(hit=False)[0]
    metrics.update(*found(), **{argument: missed})
    metrics.process()
    table = cells(metrics_table(metrics, 1))
    whole = dict(zip(table[0], table[1], strict=True))
    assert whole[head] == "0.000"
    assert whole["mAP50-95"] == "1.000"


def test_classes_of_pictures_have_their_measures_and_the_whole_its_own():
    metrics = ClassificationMetrics(NAMES)
    metrics.update([[0.9, 0.1], [0.6, 0.4]], [0, 1])
    metrics.process()
    head, whole, nut, bolt = cells(metrics_table(metrics, 2))
    assert head == ["class", "images", "instances", "precision", "recall", "f1"]
    assert whole == ["all", "2", "2", "accuracy_top1=0.500", "accuracy_top5=1.000"]
    assert nut == ["nut", "1", "1", "0.500", "1.000", "0.667"]
    assert bolt == ["bolt", "1", "1", "0.000", "0.000", "0.000"]


def test_classes_of_pixels():
    metrics = SemanticMetrics(NAMES)
    metrics.update(np.array([[0, 0, 1, 1]]), np.array([[0, 0, 0, 1]]))
    metrics.process()
    head, whole, nut, _bolt = cells(metrics_table(metrics, 1))
    assert head == ["class", "images", "pixels", "P", "R", "IoU", "DiceScore", "MCR"]
    assert whole[:3] == ["all", "1", "4"]
    assert float(whole[5]) == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-3)
    assert float(nut[5]) == pytest.approx(2 / 3, abs=1e-3)


@pytest.mark.parametrize(
    "kind",
    [DetectionMetrics, SegmentationMetrics, PoseMetrics, ClassificationMetrics, SemanticMetrics],
)
def test_nothing_measured_is_a_table_too(kind):
    metrics = kind(NAMES)
    metrics.process()
    assert metrics_table(metrics, 0).splitlines()[1].startswith("all")


def test_many_classes_are_cut_and_told():
    metrics = ClassificationMetrics({i: f"c{i}" for i in range(MOST_CLASSES + 7)})
    every = np.eye(MOST_CLASSES + 7)
    metrics.update(every, every.argmax(1))
    metrics.process()
    lines = metrics_table(metrics, len(every)).splitlines()
    assert len(lines) == MOST_CLASSES + 3
    assert lines[-1] == "and 7 further classes"
    assert len(metrics_table(metrics, len(every), classes=False).splitlines()) == 2


def test_names_with_blanks_do_not_move_the_columns():
    lines = aligned([["class", "mAP50"], ["traffic light", 0.5], ["car", None]])
    assert lines == ["class          mAP50", "traffic light  0.500", "car"]


def test_speed_names_the_stages_that_took_time():
    assert (
        speed_line({"preprocess": 0.26, "inference": 31.0, "loss": 0.0})
        == "An image took 0.3 ms preprocess, 31.0 ms inference."
    )
    assert speed_line({}) == ""
