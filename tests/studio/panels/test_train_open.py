"""Open-vocabulary models on the Train page: both ways to train are offered with their price, and one really runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from engine import YOLO
from engine.nn.checkpoint import load_checkpoint, save_checkpoint
from engine.nn.open_vocabulary import YOLOEModel
from engine.nn.tasks import build_model
from engine.runtime.settings import settings
from studio.jobs.messages import Weighed
from studio.model.open_models import find_open_model, is_open_run
from studio.model.runs import RunState
from studio.panels.train.panel import TrainPanel
from studio.panels.train.way_editor import FULL, PROBE, cost_texts

LEFT = Qt.MouseButton.LeftButton
WAIT_MS = 120_000


def write_model(folder: Path, text_model: str = "sample:phrases") -> Path:
    """Write a tiny open-vocabulary segmenter with random weights."""
    small = [[-1, 1, "Conv", [width, 3, 2]] for width in (8, 16, 16, 16, 16)]
    head = [[[2, 3, 4], 1, "YOLOESegment", ["nc", 8, 16, 512, True]]]
    values = {"nc": 80, "text_model": text_model, "backbone": small, "head": head}
    description = folder / "yoloe-tiny-seg.yaml"
    description.write_text(yaml.safe_dump(values))
    torch.manual_seed(0)
    return save_checkpoint(folder / "yoloe-tiny-seg.pt", build_model(description, verbose=False))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("open"))


@pytest.fixture
def panel(qtbot, project, jobs, watcher) -> TrainPanel:
    panel = TrainPanel(project, jobs, watcher)
    qtbot.addWidget(panel)
    panel.resize(1300, 860)
    panel.show()
    qtbot.waitUntil(lambda: bool(panel._devices), timeout=10_000)
    return panel


def ways(panel: TrainPanel):
    return panel.form.row("linear_probe").control


def choose_file(panel: TrainPanel, path: Path) -> None:
    panel.form.show_model(path)


def test_prices_are_told_for_the_images_and_epochs_of_the_form() -> None:
    cost = Weighed(full_s=1.0, probe_s=0.25, seen_s=0.1, imgsz=320)
    found = cost_texts(cost, train=100, val=20, epochs=10, imgsz=320)
    assert found[FULL] == "About 17 min here, 2 min an epoch."
    assert found[PROBE] == "About 4 min here, 27 s an epoch."
    larger = cost_texts(cost, train=100, val=20, epochs=10, imgsz=640)
    assert larger[PROBE] == "About 18 min here, 2 min an epoch."


@pytest.mark.slow
def test_an_adaptation_from_click_to_predictions_and_export(
    panel, project, jobs, watcher, qtbot, weights, tmp_path
):
    choose_file(panel, weights)
    row = panel.form.row("linear_probe")
    qtbot.waitUntil(row.isVisible, timeout=WAIT_MS)
    assert "told in words" in panel.form.row("model").control.note.text()
    qtbot.waitUntil(lambda: "an epoch" in ways(panel).notes[PROBE].text(), timeout=WAIT_MS)
    assert "and no others" in ways(panel).notes[PROBE].text()
    assert "still be asked" in ways(panel).notes[FULL].text()
    assert "an epoch" in ways(panel).notes[FULL].text()
    assert "linear_probe" not in panel.form.arguments(), "everything, unless somebody says so"
    QTest.mouseClick(ways(panel).buttons[PROBE], LEFT, pos=QPoint(8, 8))  # on its mark
    assert panel.form.arguments()["linear_probe"] is True
    for name, text in (("epochs", "1"), ("imgsz", "64"), ("batch", "2"), ("workers", "0")):
        panel.form.values.take(name, text)
    panel.form.values.take("plots", False)
    QTest.mouseClick(panel.train_button, LEFT)
    qtbot.waitUntil(lambda: panel.dashboard.run is not None, timeout=WAIT_MS)
    ended = {RunState.FINISHED, RunState.FAILED}
    qtbot.waitUntil(lambda: panel.dashboard.run.state in ended, timeout=WAIT_MS)
    run = panel.dashboard.run
    assert run.state is RunState.FINISHED, run.failure
    assert run.args["linear_probe"] is True
    network = load_checkpoint(run.best).model
    assert isinstance(network, YOLOEModel)
    assert not network.head.takes_embeddings
    assert list(network.names.values()) == ["square"]
    assert not is_open_run(run.folder), "nobody is offered to tell it words"
    settings["weights_dir"] = str(tmp_path)
    assert find_open_model(project.runs_dir) is None
    predicts_and_exports(jobs, qtbot, project, run.best)
    choose_file(panel, run.best)
    note = panel.form.row("model").control.note
    qtbot.waitUntil(lambda: "fixed inside" in note.text(), timeout=WAIT_MS)
    assert not row.isVisible()
    assert not panel.train_button.isEnabled()


def predicts_and_exports(jobs, qtbot, project, best: Path) -> None:
    """Run the weights in the worker on an image, write them as a file, and compare the two there."""
    image = project.images(project.image_ids()[:1])[0]
    found, exported = [], []
    job = jobs.predict(best, [(1, image.path)], {"conf": 0.0, "imgsz": 64, "max_det": 3})
    job.predicted.connect(found.append)
    with qtbot.waitSignal(job.ended, timeout=WAIT_MS):
        pass
    assert {shape.class_name for shape in found[0].shapes} == {"square"}
    job = jobs.export(best, "torchscript", image.path, {"imgsz": 64})
    job.finished.connect(exported.append)
    with qtbot.waitSignal(job.ended, timeout=WAIT_MS):
        pass
    assert exported[0].max_abs_diff < 1e-3
    assert YOLO(exported[0].path).names == {0: "square"}


@pytest.mark.slow
def test_without_its_text_encoder_a_model_is_refused_before_any_work(
    panel, project, qtbot, tmp_path
):
    settings["weights_dir"] = str(tmp_path)
    choose_file(panel, write_model(tmp_path, "mobileclip:blt"))
    note = panel.form.row("model").control.note
    qtbot.waitUntil(lambda: "mobileclip_blt.ts" in note.text(), timeout=WAIT_MS)
    assert note.property("role") == "danger"
    assert not panel.train_button.isEnabled()
    assert not project.runs_dir.exists()


def test_a_description_has_nothing_to_adapt(panel):
    panel.form.values.set_value("model", "yoloe-11n-seg.yaml")
    assert panel.form.row("linear_probe").isVisible()
    assert not ways(panel).buttons[PROBE].isEnabled()
    assert "Needs trained weights" in ways(panel).notes[PROBE].text()
    panel.form.values.set_value("model", "yolo11n-seg.yaml")
    assert not panel.form.row("linear_probe").isVisible()


def test_runs_on_top_of_open_runs_are_open_until_one_is_adapted(tmp_path):
    def run(name: str, **args: object) -> Path:
        folder = tmp_path / name
        (folder / "weights").mkdir(parents=True)
        (folder / "args.yaml").write_text(yaml.safe_dump(args))
        return folder

    first = run("a", model="yoloe-11s-seg.pt")
    second = run("b", model=str(first / "weights" / "best.pt"))
    adapted = run("c", model=str(second / "weights" / "best.pt"), linear_probe=True)
    plain = run("d", model="yolo11n-seg.pt")
    circle = run("e", model=str(tmp_path / "e" / "weights" / "best.pt"))
    assert [is_open_run(r) for r in (first, second, adapted, plain, circle)] == [
        True, True, False, False, False,
    ]  # fmt: skip
