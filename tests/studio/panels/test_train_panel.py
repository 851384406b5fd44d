"""The Train page with real mouse and keys: what it offers, what it refuses, and a real training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from studio.jobs.training import stop_training
from studio.model.runs import RunState, summarise
from studio.panels.train.panel import TrainPanel
from studio.panels.train.summary import summarise_project, summary_lines
from studio.storage.project_files import create_project

LEFT = Qt.MouseButton.LeftButton
FINISHED = {"event": "on_train_end", "reason": "finished"}


@pytest.fixture
def panel(qtbot, project, jobs, watcher) -> TrainPanel:
    panel = TrainPanel(project, jobs, watcher)
    qtbot.addWidget(panel)
    panel.resize(1300, 860)
    panel.show()
    qtbot.waitUntil(lambda: bool(panel._devices), timeout=10_000)
    return panel


def type_into(panel: TrainPanel, name: str, text: str) -> None:
    field = panel.form.row(name).control
    field.setFocus()
    QTest.mouseClick(field, LEFT)
    field.selectAll()
    QTest.keyClicks(field, text)


def test_what_will_be_trained_is_said_in_words(panel, project):
    assert panel.train_button.isEnabled()
    words = panel._summary.text()
    assert "6 images, 6 labels, 1 class: square" in words
    assert "about 5 to learn from, 1 to check on" in words
    assert "Left out: 2 unlabelled" in words
    assert summary_lines(summarise_project(project))[0] in words


def test_nothing_labelled_offers_to_draw(qtbot, tmp_path, jobs, watcher):
    with create_project(tmp_path / "empty") as empty:
        panel = TrainPanel(empty, jobs, watcher)
        qtbot.addWidget(panel)
        panel.show()
        assert not panel.train_button.isEnabled()
        assert "draw some shapes" in panel._summary.text()
        with qtbot.waitSignal(panel.annotate_asked):
            QTest.mouseClick(panel._empty.buttons()[0], LEFT)


def test_essentials_are_on_top_and_the_rest_is_folded_and_searchable(panel, qtbot):
    assert panel.form.essentials.names() == ["model", "epochs", "imgsz", "batch", "device"]
    assert not panel.form.advanced.is_expanded()
    QTest.mouseClick(panel.form.advanced.header, LEFT)
    qtbot.waitUntil(lambda: panel.form.row("lr0").isVisible())
    QTest.keyClicks(panel.form.search, "learning rate warm-up")
    qtbot.waitUntil(lambda: not panel.form.row("mosaic").isVisible(), timeout=3000)
    assert panel.form.row("lr0").isVisible()
    assert "data" not in panel.form.values.fields
    assert "resume" not in panel.form.values.fields


def test_models_and_devices_are_offered_by_name(panel, make_run, watcher, qtbot):
    make_run("train", FINISHED, exit_record={"code": 0})
    box = panel.form.row("model").control
    qtbot.waitUntil(lambda: any("mAP 0.200" in box.itemText(i) for i in range(box.count())))
    texts = [box.itemText(i) for i in range(box.count())]
    assert sum("YOLO11" in text for text in texts) == 5
    assert box.currentText().startswith("YOLO11 nano")
    assert texts[-1] == "From a file…"
    device = panel.form.row("device").control
    assert [device.itemData(i) for i in range(device.count())] == [d.id for d in panel._devices]
    assert panel.form.arguments()["device"] == panel._devices[0].id


def test_a_value_out_of_range_is_refused_where_it_is_typed_and_can_be_taken_back(panel, qtbot):
    type_into(panel, "epochs", "0")
    row = panel.form.row("epochs")
    assert "1" in row.help_text()
    assert not panel.train_button.isEnabled()
    assert "epochs" in panel._note.text()
    type_into(panel, "epochs", "12")
    assert row.help_text() == ""
    assert panel.train_button.isEnabled()
    assert panel.form.arguments()["epochs"] == 12
    assert row.reset_button.isVisible()
    QTest.mouseClick(row.reset_button, LEFT)
    assert row.control.text() == "100"
    assert not row.reset_button.isVisible()


def test_only_what_differs_from_the_engines_defaults_is_handed_over(panel):
    usual = panel.form.arguments()
    assert set(usual) == {"model", "epochs", "imgsz", "batch", "device"}
    type_into(panel, "lr0", "0.02")
    assert panel.form.arguments()["lr0"] == 0.02
    assert panel.form.advanced.header.text() == "Advanced · 1 changed"


@pytest.mark.slow
def test_one_click_starts_a_training_that_is_followed_live_and_stopped(panel, project, qtbot):
    for name, text in (("epochs", "300"), ("imgsz", "64"), ("batch", "2")):
        type_into(panel, name, text)
    panel.form.values.take("workers", "0")
    clicks = 0
    QTest.mouseClick(panel.train_button, LEFT)
    clicks += 1
    qtbot.waitUntil(lambda: panel.dashboard.run is not None, timeout=30_000)
    folder = panel.dashboard.run.folder
    args = yaml.safe_load((folder / "args.yaml").read_text())
    assert (args["epochs"], args["imgsz"]) == (300, 64)
    assert Path(args["data"]).is_relative_to(project.versions_dir), "the labels are frozen"
    assert json.loads((folder / "process.json").read_text())["version"]
    dashboard = panel.dashboard
    qtbot.waitUntil(lambda: dashboard.run.facts.epochs_done >= 2, timeout=120_000)
    assert dashboard.run.state is RunState.RUNNING
    qtbot.waitUntil(dashboard.charts.is_complete)
    assert dashboard.charts.chart("map").values_text()
    assert dashboard.stats["epoch"].value().endswith("/ 300")
    QTest.mouseClick(dashboard.buttons.button("stop_after_epoch"), LEFT)
    qtbot.waitUntil(lambda: dashboard.run.state is RunState.STOPPED, timeout=120_000)
    assert clicks == 1
    assert dashboard.buttons.button("resume").isVisible()
    assert dashboard.buttons.button("validation").isVisible()
    with qtbot.waitSignal(panel.asked) as asked:
        QTest.mouseClick(dashboard.buttons.button("validation"), LEFT)
    assert asked.args == ["validation", folder]


@pytest.mark.slow
def test_closing_the_panel_leaves_the_training_and_another_panel_finds_it(
    qtbot, project, jobs, watcher
):
    first = TrainPanel(project, jobs, watcher)
    qtbot.addWidget(first)
    for name, text in (("epochs", "300"), ("imgsz", "64"), ("batch", "2"), ("workers", "0")):
        first.form.values.take(name, text)
    first.show()
    QTest.mouseClick(first.train_button, LEFT)
    qtbot.waitUntil(lambda: first._followed is not None, timeout=30_000)
    folder = first._followed
    qtbot.waitUntil(lambda: summarise(folder).facts.epochs_done >= 1, timeout=120_000)
    first.close()
    first.deleteLater()
    second = TrainPanel(project, jobs, watcher)
    qtbot.addWidget(second)
    second.show()
    qtbot.waitUntil(lambda: second.dashboard.run is not None, timeout=10_000)
    assert second.dashboard.run.folder == folder
    assert second.dashboard.run.state is RunState.RUNNING
    assert second.form.values.value("epochs") == 300, "the last choice is remembered"
    QTest.mouseClick(second.dashboard.buttons.button("stop"), LEFT)
    qtbot.waitUntil(lambda: (folder / "exit.json").is_file(), timeout=120_000)
    assert summarise(folder).state is RunState.STOPPED


def test_a_second_training_on_the_same_device_says_that_it_will_wait(panel, make_run, qtbot):
    folder = make_run("train", epochs=9, alive=True)
    (folder / "args.yaml").write_text(f"device: '{panel.form.arguments()['device']}'\n")
    qtbot.waitUntil(lambda: "Starts when train has ended" in panel._note.text(), timeout=5000)
    assert panel.train_button.isEnabled()
    stop_training(folder)


def test_a_project_that_cannot_be_frozen_says_why(panel, project, qtbot):
    project.versions_dir.symlink_to(project.folder / "a disk that is not there")
    QTest.mouseClick(panel.train_button, LEFT)
    qtbot.waitUntil(lambda: panel.banner.isVisible(), timeout=10_000)
    assert "version" in panel.banner.text()
    assert panel.train_button.isVisible()
    assert not project.runs_dir.exists()
