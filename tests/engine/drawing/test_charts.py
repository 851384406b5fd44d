from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from engine.drawing import curves
from engine.metrics.average_precision import ap_per_class
from engine.metrics.confusion import ConfusionMatrix
from engine.metrics.measures import AveragePrecision

NAMES = {0: "nut", 1: "größe", 2: "gear"}


def _measure(classes=3):
    random = np.random.default_rng(0)
    tp = (random.random((60, 1)) < 0.6).repeat(10, 1)
    return ap_per_class(
        tp, random.random(60), random.integers(0, classes, 60), np.repeat(np.arange(classes), 15)
    )


def _ink(path):
    """Return the share of pixels that are not white, of a picture that opens."""
    return (cv2.imread(str(path)) < 250).any(2).mean()


@pytest.mark.parametrize("parts", [("box",), ("box", "seg")])
def test_curves_of_each_part_are_written(tmp_path, parts):
    metrics = SimpleNamespace(names=NAMES, **{part: _measure() for part in parts})
    written = curves.plot_metric_curves(metrics, tmp_path)
    kinds = [f"{p}{c}_curve.png" for p in ("Box", "Mask") for c in ("PR", "F1", "P", "R")]
    assert [p.name for p in written] == kinds[: 4 * len(parts)]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kinds[: 4 * len(parts)])
    assert min(_ink(p) for p in written) > 0.01


def test_curves_without_objects_and_with_many_classes(tmp_path):
    many = {i: str(i) for i in range(90)}
    for names, measure in ((NAMES, AveragePrecision(nc=3)), (many, _measure(90))):
        written = curves.plot_metric_curves(SimpleNamespace(names=names, box=measure), tmp_path)
        assert len(written) == 4


@pytest.mark.parametrize("count", [3, 120])
def test_confusion_is_written_twice(tmp_path, count):
    table = ConfusionMatrix({i: f"class {i}" for i in range(count)})
    table.update(np.eye(3), [0.9] * 3, [0, 1, 2], [0, 1, 1])
    written = curves.plot_confusion_matrix(table, tmp_path)
    assert [p.name for p in written] == ["confusion_matrix.png", "confusion_matrix_normalized.png"]
    assert min(_ink(p) for p in written) > 0.001


def test_results_are_drawn_from_the_table(tmp_path):
    table = tmp_path / "results.csv"
    table.write_text(
        "epoch,time,train/box_loss,val/box_loss,metrics/mAP50(B),lr/pg0\n"
        "1,2.0,3.5,,0.1,0.01\n2,4.0,2.5,3.0,0.2,0.01\n"
    )
    assert curves.plot_results(table) == tmp_path / "results.png"
    assert _ink(tmp_path / "results.png") > 0.01
    table.write_text("epoch,train/box_loss\n")
    assert curves.plot_results(table).exists()


@pytest.mark.parametrize("images", [0, 4])
def test_labels_are_drawn(tmp_path, images):
    random = np.random.default_rng(0)
    labels = [
        {"cls": random.integers(0, 3, (n, 1)), "bboxes": random.random((n, 4)) / 2}
        for n in range(images)
    ]
    assert curves.plot_labels(labels, NAMES, tmp_path) == tmp_path / "labels.jpg"
    assert _ink(tmp_path / "labels.jpg") > 0.01


def test_charts_leave_no_global_state_and_the_import_is_light():
    code = (
        "import sys, engine.drawing.curves, engine.drawing.mosaic, engine.drawing.annotator; "
        "sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
