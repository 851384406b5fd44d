"""Every task from a project's labels to the page of its validation: version, training, record, all real."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.data.annotations import Geometry, Keypoints, OrientedBox, Polygon, Tag
from engine.models.yolo.model import YOLO
from studio.model.edits import AddShapes, SetSplit
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.project import Project
from studio.model.records import new_shape
from studio.model.run_facts import History
from studio.model.run_figures import headline
from studio.model.runs import RunReader, RunState
from studio.model.tasks import TASK_TITLES
from studio.model.validation_report import ValidationReport, read_report
from studio.storage.image_index import add_folder
from studio.storage.project_files import create_project
from studio.storage.versions import create_version

IMAGES, SIDE = 8, 64
TINY = {"epochs": 1, "imgsz": 64, "batch": 3, "workers": 0, "device": "cpu", "plots": False,
        "verbose": False, "exist_ok": True, "pretrained": False}  # fmt: skip
MODELS = {
    "segment": "yolo11n-seg.yaml",
    "detect": "yolo11n.yaml",
    "obb": "yolo11n-obb.yaml",
    "pose": "yolo11n-pose.yaml",
    "semseg": "yolo11n-semseg.yaml",
    "classify": "yolo11n-cls.yaml",
}
FIGURES = {
    "segment": "mask mAP50-95",
    "detect": "box mAP50-95",
    "obb": "box mAP50-95",
    "pose": "pose mAP50-95",
    "semseg": "mIoU",
    "classify": "top-1 accuracy",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Iterator[Project]:
    """Eight images with a shape of every kind and a class of their own, two of them for validation."""
    root = tmp_path_factory.mktemp("tasks")
    (root / "pictures").mkdir()
    for number in range(IMAGES):
        pixels = np.full((SIDE, SIDE, 3), 40 + 20 * (number % 2), np.uint8)
        cv2.circle(pixels, (20 + number, 20), 10, (200, 200, 60), -1)
        cv2.imwrite(str(root / "pictures" / f"{number}.png"), pixels)
    with create_project(root / "project") as project:
        for _step in add_folder(project, root / "pictures"):
            pass
        for name in ("disc", "bar"):
            project.add_class(name)
        for number, image_id in enumerate(project.image_ids()):
            shapes = (new_shape(image_id, c, g) for c, g in _shapes(number))
            project.apply(AddShapes(tuple(shapes)))
        images = project.image_ids()
        project.apply(SetSplit({i: "val" if i in images[-2:] else "train" for i in images}))
        project.describe_keypoints(KeypointScheme(3, (0, 2, 1)))
        yield project


def _shapes(number: int) -> list[tuple[int, Geometry]]:
    centre = (20 + number, 20)
    ring = [
        (centre[0] + 10 * math.cos(a), centre[1] + 10 * math.sin(a))
        for a in np.linspace(0, 2 * math.pi, 12, endpoint=False)
    ]
    points = Keypoints(((20.0, 40.0), (10.0, 50.0), (30.0, 50.0)), (2, 2, 1))
    return [
        (0, Polygon(tuple(ring))),
        (1, OrientedBox(40, 45, 20, 8, 0.5)),
        (1, points),
        (number % 2, Tag()),
    ]


@pytest.fixture(scope="module", params=list(TASK_TITLES))
def trained(request, project: Project, tmp_path_factory) -> tuple[str, Path]:
    """The run directory of a training of each task on that project."""
    task = request.param
    version = create_version(project, task=task)
    runs = tmp_path_factory.mktemp("runs")
    model = YOLO(MODELS[task], task=task)
    model.train(data=str(version.yaml), project=str(runs), name=task, **TINY)
    return task, runs / task


def report_of(run: Path) -> ValidationReport:
    return read_report(run / "validation.json")


def test_a_run_tells_its_task_and_figures(trained: tuple[str, Path]) -> None:
    task, run = trained
    snapshot, _news = RunReader(run).poll()
    assert snapshot.facts.task == task
    assert snapshot.state is RunState.FINISHED
    figure, second = headline(snapshot.facts.best_metrics)
    assert figure is not None
    assert second is not None
    assert figure.caption == FIGURES[task]
    assert 0 <= figure.value <= second.value <= 1


def test_a_record_says_what_the_task_sees(trained: tuple[str, Path]) -> None:
    task, run = trained
    report = report_of(run)
    assert report.task == task
    assert report.images
    image = report.images[0]
    assert (image.width, image.height) == (SIDE, SIDE)
    assert (image.answer is not None) == (task == "classify")
    assert (image.maps is not None) == (task == "semseg")
    if task == "pose":
        assert any(len(seen.shown_keypoints) == 3 for seen in image.truth)
    if task == "obb":
        angles = [np.subtract(seen.corners[1], seen.corners[0]) for seen in image.truth]
        assert any(abs(dx * dy) > 1 for dx, dy in angles), "turned"
    if task == "segment":
        assert all(len(seen.polygon) >= 4 for seen in image.truth)


def test_every_cell_holds_what_was_counted(trained: tuple[str, Path]) -> None:
    task, run = trained
    report = report_of(run)
    behind = {cell for cell, examples in report.cells.items() if examples}
    counted = {(int(r), int(c)) for r, c in np.argwhere(report.matrix)}
    if task == "semseg":  # a handful of pixels is lost where maps are kept small
        assert behind <= counted
    else:
        assert behind == counted
        assert {cell: len(found) for cell, found in report.cells.items()} == {
            cell: report.matrix[cell] for cell in counted
        }


def test_every_loss_and_measure_is_a_curve(trained: tuple[str, Path]) -> None:
    _task, run = trained
    reader = RunReader(run)
    reader.poll()
    history: History = reader.history
    assert history.names("train/")
    assert {name.split("/")[1] for name in history.names("train/")} == {
        name.split("/")[1] for name in history.names("val/")
    }
    assert history.names("metrics/")
    assert all(history.get(name).y for name in history.series)
