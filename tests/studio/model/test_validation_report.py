"""Reading validation.json, and the objects behind each cell of its confusion matrix."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from engine.core.validation_record import ValidationRecord
from engine.data.annotations import OrientedBox
from engine.metrics.confusion import ConfusionMatrix
from engine.runtime.errors import DatasetError
from studio.model.validation_cells import box_overlaps, rotated_overlaps
from studio.model.validation_report import read_report

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
    assert report.kinds == ("box",)
    assert report.curves["box"]["pr"].mean() == (0.75, 0.25)
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


def test_rotated_overlaps_are_those_of_the_validation():
    from engine.ops.rotated import batch_probiou

    generator = np.random.default_rng(1)
    rows = np.column_stack(
        [generator.uniform(20, 60, (2, 9, 2)).reshape(18, 2), generator.uniform(4, 30, (18, 2)),
         generator.uniform(-2, 2, 18)]
    )  # fmt: skip
    rings = [OrientedBox(*row).corners() for row in rows]
    expected = batch_probiou(torch.tensor(rows[:9]), torch.tensor(rows[9:])).numpy()
    np.testing.assert_allclose(rotated_overlaps(rings[:9], rings[9:]), expected, atol=2e-3)
    assert rotated_overlaps([], rings[:2]).shape == (0, 2)


def test_rotated_objects_are_paired_as_they_lie(tmp_path):
    """Two thin crossing boxes have the same upright box: their cells must tell them apart."""
    along, across = OrientedBox(50, 40, 40, 4, 0.78), OrientedBox(50, 40, 40, 4, -0.78)
    objects = [
        {**seen(n, list(box.bounds())), "corners": [list(c) for c in box.corners()]}
        for n, box in enumerate((along, across))
    ]
    found = [{**objects[1], "score": 0.9}, {**objects[0], "score": 0.8}]
    report = read_report(report_file(tmp_path, [image(objects, found)], task="obb"))
    assert set(report.cells) == {(0, 0), (1, 1)}
    ring = report.images[0].truth[0].ring
    assert ring == along.corners()


def test_keypoints_are_shown_where_they_are_known(tmp_path):
    points = [[5, 6, 2], [0, 0, 0], [7, 8, 1]]
    label = {**seen(0, A), "keypoints": points}
    found = {**seen(0, A, 0.9), "keypoints": [[5, 6, 0.9], [1, 1, 0.2], [7, 8, 0.6]]}
    report = read_report(report_file(tmp_path, [image([label], [found])], task="pose"))
    (pictured,) = report.images
    assert pictured.truth[0].shown_keypoints == ((5, 6), (7, 8))
    assert pictured.predictions[0].shown_keypoints == ((5, 6), (7, 8))


OWN_ROWS = [
    {
        "class_id": n,
        "name": name,
        "images": 2,
        "instances": 2,
        "figures": {"recall": 0.5, "f1": n / 2},
    }
    for n, name in NAMES.items()
]


def written(tmp_path, record: ValidationRecord, task: str, matrix: list[list[int]]):
    """Write what a validator of a task writes."""
    metrics = SimpleNamespace(
        names=NAMES, results_dict={"metrics/mIoU": 0.5}, per_class=lambda: OWN_ROWS
    )
    confusion = SimpleNamespace(to_dict=lambda: {"labels": list(NAMES.values()), "matrix": matrix})
    record.write(tmp_path / "validation.json", metrics, confusion, {}, "best.pt", task)
    return read_report(tmp_path / "validation.json")


def test_answers_of_a_classifier(tmp_path):
    record = ValidationRecord()
    for number, (truth, sure) in enumerate([(0, 0.9), (1, 0.2), (0, 0.4)]):
        record.add_label(f"{number}.png", (8, 6), truth, np.array([sure, 1 - sure]))
    report = written(tmp_path, record, "classify", [[1, 0], [1, 1]])
    assert (report.task, report.counts, report.has_background) == ("classify", "image", False)
    assert report.kinds == ("figures",)
    assert {cell: [e.image.file.name for e in es] for cell, es in report.cells.items()} == {
        (0, 0): ["0.png"],
        (1, 1): ["1.png"],
        (1, 0): ["2.png"],
    }
    assert [i.mistakes for i in report.images] == [0, 0, 1]
    wrong = report.images[2]
    assert wrong.answer.top == ((1, 0.6), (0, 0.4))
    assert wrong.classes == {0, 1}
    assert report.cells[1, 0][0].box == (0, 0, 8, 6)


def test_class_maps(tmp_path):
    truth = np.zeros((6, 8), np.uint8)
    truth[:, 4:], truth[0] = 1, 255
    mostly, half = truth.copy(), truth.copy()
    mostly[1, 4], half[:, 4:] = 0, 0
    mostly[0] = half[0] = 0
    record = ValidationRecord()
    for name, predicted in (("a.png", mostly), ("b.png", half)):
        record.add_maps(name, (8, 6), truth, predicted)
    report = written(tmp_path, record, "semseg", [[40, 21], [0, 19]])
    assert report.counts == "pixel"
    assert [round(i.mistakes, 3) for i in report.images] == [0.025, 0.5]
    assert report.images[0].maps.pixels == {(0, 0): 20, (0, 1): 1, (1, 1): 19}
    assert [e.image.file.name for e in report.cells[0, 1]] == ["b.png", "a.png"], "the most first"
    assert report.images[1].classes == {0, 1}
    np.testing.assert_array_equal(report.images[0].maps.truth, truth)
