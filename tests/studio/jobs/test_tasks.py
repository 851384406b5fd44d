"""The worker's real work through the real worker process: predict, validate, export and compare."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import (
    Exported,
    Failed,
    Predict,
    Predicted,
    PredictionDone,
    Result,
    Validated,
)
from studio.jobs.worker import CancelledError, Context
from studio.model.validation_report import read_report

pytestmark = pytest.mark.slow
EVERYTHING = {"conf": 0.0, "imgsz": 64, "max_det": 5, "device": "cpu"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory, drawn_parts) -> Path:
    """A model of random weights that knows the classes of the drawn parts."""
    from engine.models.yolo.model import YOLO

    path = tmp_path_factory.mktemp("weights") / "model.pt"
    model = YOLO("yolo11n-seg.yaml")
    model.model = type(model.model)("yolo11n-seg.yaml", nc=1, verbose=False)
    model.model.names = {0: "square"}
    model.save(path)
    return path


@pytest.fixture(scope="module")
def images(drawn_parts) -> list[Path]:
    return sorted((drawn_parts.parent / "images" / "train").glob("*.png"))


@pytest.fixture
def client(qtbot, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    client = JobsClient(log_path=tmp_path / "worker.log")
    yield client
    client.close()


def end_of(qtbot, job: Job) -> object:
    ends: list[object] = []
    job.finished.connect(ends.append)
    job.failed.connect(ends.append)
    qtbot.waitUntil(lambda: bool(ends), timeout=120_000)
    return ends[0]


def test_predict_gives_the_objects_of_each_image_and_passes_over_a_broken_one(
    client, qtbot, weights, images, tmp_path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n not a picture")
    wide = tmp_path / "wide.png"
    cv2.imwrite(str(wide), np.full((40, 120, 3), 90, np.uint8))
    pictures = [(7, images[0]), (8, broken), (9, wide)]
    job = client.predict(weights, pictures, EVERYTHING)
    seen: list[Predicted] = []
    job.predicted.connect(seen.append)
    done = end_of(qtbot, job)
    assert isinstance(done, PredictionDone), done
    assert (done.images, done.problems) == (3, 1)
    by_key = {predicted.key: predicted for predicted in seen}
    assert set(by_key) == {7, 8, 9}
    assert "broken.png" in by_key[8].problem
    assert by_key[8].shapes == ()
    assert done.shapes == len(by_key[7].shapes) + len(by_key[9].shapes)
    for key, (width, height) in ((7, (64, 64)), (9, (120, 40))):
        for shape in by_key[key].shapes:
            x1, y1, x2, y2 = shape.geometry.bounds()
            assert 0 <= x1 < x2 <= width
            assert 0 <= y1 < y2 <= height
            assert (shape.class_name, shape.class_id) == ("square", 0)
            assert 0 <= shape.score <= 1
            assert len(shape.geometry.exterior) >= 3
    pid = client.worker_pid
    assert isinstance(
        end_of(qtbot, client.predict(weights, pictures[:1], EVERYTHING)), PredictionDone
    )
    assert client.worker_pid == pid


def test_a_file_that_is_no_model_is_refused_with_the_reason(client, qtbot, tmp_path, images):
    path = tmp_path / "fake.pt"
    path.write_bytes(b"not a model")
    failed = end_of(qtbot, client.predict(path, [(0, images[0])], EVERYTHING))
    assert isinstance(failed, Failed)
    assert failed.kind == "checkpoint"
    assert "fake.pt" in failed.message
    assert failed.remedy


def test_an_argument_out_of_range_is_refused_by_name(client, qtbot, weights, images):
    failed = end_of(qtbot, client.predict(weights, [(0, images[0])], {"conf": 7}))
    assert failed.kind == "config"
    assert "conf" in failed.message


def test_validate_writes_a_report_that_the_panel_can_read(
    client, qtbot, weights, drawn_parts, tmp_path
):
    folder = tmp_path / "validations" / "model"
    job = client.validate(
        weights, drawn_parts, folder, {"imgsz": 64, "device": "cpu", "workers": 0}
    )
    steps = []
    job.progressed.connect(lambda p: steps.append((p.done, p.total)))
    result = end_of(qtbot, job)
    assert isinstance(result, Validated), result
    assert Path(result.folder) == folder
    assert "metrics/mAP50-95(M)" in result.metrics
    assert steps[-1] == (1, 1)
    report = read_report(folder / "validation.json")
    assert report.names == {0: "square"}
    assert len(report.images) == 2
    assert all(len(image.truth) == 1 for image in report.images)
    assert report.kinds == ("mask", "box")


@pytest.mark.parametrize("target", ["onnx", "torchscript"])
def test_export_says_where_how_large_and_how_exact(
    client, qtbot, weights, images, tmp_path, target
):
    model = tmp_path / "model.pt"
    model.write_bytes(weights.read_bytes())
    job = client.export(model, target, images[0], {"imgsz": 64, "device": "cpu"})
    result = end_of(qtbot, job)
    assert isinstance(result, Exported), result
    path = Path(result.path)
    assert path == model.with_suffix(f".{target}")
    assert result.size_bytes == path.stat().st_size > 1_000_000
    assert 0 <= result.max_abs_diff < 1e-3
    assert result.image == str(images[0])
    assert result.seconds > 0
    again = end_of(qtbot, client.predict(path, [(0, images[0])], EVERYTHING))
    assert isinstance(again, PredictionDone), "the exported file predicts too"


def test_export_to_a_format_whose_tool_is_missing_says_the_way(client, qtbot, weights):
    if find_spec("tensorrt") is not None:
        pytest.skip("TensorRT is installed here")
    failed = end_of(qtbot, client.export(weights, "engine", None, {}))
    assert failed.kind == "export"
    assert "pip install tensorrt" in failed.remedy


def test_a_model_stays_loaded_until_its_file_changes(weights, tmp_path):
    from studio.jobs.tasks import Models

    models, path = Models(), tmp_path / "model.pt"
    path.write_bytes(weights.read_bytes())
    first = models.get(str(path))
    assert models.get(str(path)) is first
    import os

    os.utime(path, ns=(1, 1))
    assert models.get(str(path)) is not first


def test_cancel_is_heard_between_two_images(weights, images):
    from studio.jobs.tasks import run

    asked = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    sent = []
    pictures = tuple((n, str(images[0])) for n in range(50))
    with pytest.raises(CancelledError):
        run(Predict(1, str(weights), pictures, EVERYTHING), Context(1, sent.append, cancelled))
    assert len([m for m in sent if isinstance(m, Predicted)]) == 1
    done = run(
        Predict(2, str(weights), pictures[:2], EVERYTHING), Context(2, sent.append, lambda: False)
    )
    assert isinstance(done, Result)
