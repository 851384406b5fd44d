"""Reading validation.json, and the objects behind each cell of its confusion matrix."""

from __future__ import annotations

import json

import numpy as np
import pytest

from engine.metrics.confusion import ConfusionMatrix
from engine.runtime.errors import DatasetError
from studio.model.validation_report import box_overlaps, read_report

NAMES = {0: "bolt", 1: "nut"}


def seen(class_id: int, box: list[float], score: float | None = None, matched: bool = True) -> dict:
    item = {"class_id": class_id, "box": box, "polygon": None, "matched": matched}
    return item if score is None else {**item, "score": score}


def report_file(tmp_path, images: list[dict], **more: object):
    matrix = ConfusionMatrix(NAMES)
    for image in images:
        found, truth = image["predictions"], image["ground_truth"]
        overlap = box_overlaps([t["box"] for t in truth], [p["box"] for p in found])
        matrix.update(
            overlap,
            np.asarray([p["score"] for p in found]),
            np.asarray([p["class_id"] for p in found]),
            np.asarray([t["class_id"] for t in truth]),
        )
    figures = {"precision": 0.5, "recall": 0.5, "ap50": 0.5, "ap": 0.25}
    values = {
        "names": NAMES,
        "metrics": {"metrics/mAP50(B)": 0.5, "fitness": None},
        "per_class": [
            {"class_id": n, "name": name, "images": 1, "instances": 1, "box": figures, "mask": None}
            for n, name in NAMES.items()
        ],
        "curves": {
            "box": {"recall": [0, 1], "precision": {"0": [1, 0], "1": [0.5, 0.5]}},
            "mask": None,
        },
        "confusion": matrix.to_dict(),
        "images": images,
        "speed_ms": {"inference": 3.0},
        "weights": "best.pt",
        **more,
    }
    path = tmp_path / "validation.json"
    path.write_text(json.dumps(values))
    return path


def image(truth: list[dict], predictions: list[dict], file: str = "a.jpg") -> dict:
    return {
        "file": file,
        "width": 100,
        "height": 80,
        "ground_truth": truth,
        "predictions": predictions,
    }


A, B, C, FAR = [0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [80, 60, 90, 70]


def test_every_cell_holds_exactly_the_objects_that_were_counted(tmp_path):
    images = [
        image(
            [seen(0, A), seen(1, B, matched=False), seen(1, C, matched=False)],
            [
                seen(0, A, 0.9),
                seen(0, [21, 0, 31, 10], 0.8, matched=False),  # a nut taken for a bolt
                seen(1, FAR, 0.7, matched=False),  # nothing there
                seen(1, C, 0.2),  # not sure enough to count
            ],
        ),
        image([], [], "empty.jpg"),
        image([seen(1, A, matched=False)], [], "missed.jpg"),
    ]
    report = read_report(report_file(tmp_path, images))
    counts = np.zeros_like(report.matrix)
    for cell, examples in report.cells.items():
        counts[cell] = len(examples)
    assert counts.tolist() == report.matrix.tolist()
    assert report.matrix.tolist() == [[1, 1, 0], [0, 0, 1], [0, 2, 0]]
    (confused,) = report.cells[0, 1]
    assert (confused.truth.class_id, confused.prediction.class_id) == (1, 0)
    assert confused.box == (20, 0, 31, 10)
    assert {e.image.file.name for e in report.cells[2, 1]} == {"a.jpg", "missed.jpg"}
    assert [i.mistakes for i in report.images] == [4, 0, 1]


def test_the_pair_that_overlaps_most_comes_first(tmp_path):
    images = [image([seen(0, A)], [seen(1, [3, 0, 13, 10], 0.9), seen(0, A, 0.3)])]
    report = read_report(report_file(tmp_path, images))
    assert set(report.cells) == {(0, 0), (1, 2)}
    assert report.matrix[0, 0] == 1
    assert report.matrix[1, 2] == 1


def test_figures_and_curves(tmp_path):
    report = read_report(report_file(tmp_path, []))
    assert report.names == NAMES
    assert report.metrics == {"metrics/mAP50(B)": 0.5}
    assert not report.has_masks
    assert report.curves["box"].mean() == (0.75, 0.25)
    assert "mask" not in report.curves
    assert report.cells == {}
    assert report.labels == ("bolt", "nut", "background")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"names": 3}', '{"confusion": null}'])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "validation.json"
    path.write_text(content)
    with pytest.raises(DatasetError, match="no record of a validation") as caught:
        read_report(path)
    assert caught.value.remedy


def test_a_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(DatasetError, match=r"nothing\.json"):
        read_report(tmp_path / "nothing.json")


def test_overlaps():
    found = box_overlaps([(0, 0, 2, 2), (0, 0, 0, 0)], [(1, 0, 3, 2), (5, 5, 6, 6)])
    assert found == pytest.approx(np.array([[1 / 3, 0], [0, 0]]))
    assert box_overlaps([], [(0, 0, 1, 1)]).shape == (0, 1)
