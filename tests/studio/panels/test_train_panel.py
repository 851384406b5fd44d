"""The Train page with real mouse and keys: what it offers, what it refuses, and a real training."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.data.annotations import Keypoints, Tag
from engine.runtime.settings import settings
from studio.jobs.training import stop_training
from studio.model.edits import AddShapes, ChangeClass
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import new_shape
from studio.model.runs import RunState, summarise
from studio.model.tasks import TASK_TITLES
from studio.panels.train.panel import TrainPanel
from studio.panels.train.summary import split_counts, summarise_project, summary_lines
from studio.storage.project_files import create_project
from studio.storage.versions import create_version

LEFT = Qt.MouseButton.LeftButton
FINISHED = {"event": "on_train_end", "reason": "finished"}


def press(qtbot, dashboard, key):
    """Click on a button of a run once it has its place: one that has just come is 0 pixels wide, and hears nothing."""
    button = dashboard.buttons.button(key)
    qtbot.waitUntil(lambda: button.width() >= button.minimumSizeHint().width())
    QTest.mouseClick(button, LEFT)


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
    assert "6 images, 6 outlines" in words
    assert "1 class: square" in words
    assert "about 4 to learn from, 2 to check on" in words
    assert "Left out: 2 unlabelled" in words
    assert summary_lines(summarise_project(project), "segment")[0] in words


def test_tasks_are_offered_with_their_labels_and_refused_with_their_reason(panel, project):
    box = panel.tasks
    assert [box.itemData(i) for i in range(box.count())] == list(TASK_TITLES)
    assert box.task() == "segment"
    lines = {box.itemData(i): box.itemData(i, Qt.ItemDataRole.UserRole + 1) for i in range(6)}
    assert lines["detect"] == "Boxes around objects (detect) · 6 outlines as boxes"
    assert lines["pose"].endswith("Needs objects with keypoints.")
    can = [box.itemData(i) for i in range(6) if box.model().item(i).isEnabled()]
    assert can == ["segment", "detect", "obb", "semseg"]


def test_another_task_has_its_own_form_and_keeps_it(panel, project):
    type_into(panel, "epochs", "7")
    choose(panel.tasks, "detect")
    assert project.task == "detect"
    assert panel.form.task == "detect"
    assert panel.form.arguments()["model"] == "yolo11n.yaml"
    assert panel.form.arguments()["epochs"] == 100, "each task has its own values"
    assert "overlap_mask" not in panel.form.values.fields, "that belongs to outlines"
    assert "6 outlines as boxes" in panel._summary.text()
    assert panel.train_button.isEnabled()
    choose(panel.tasks, "segment")
    assert panel.form.arguments()["epochs"] == 7
    assert "overlap_mask" in panel.form.values.fields


@pytest.fixture
def tagged_panel(project, jobs, watcher, qtbot) -> TrainPanel:
    """Every image has a class of its own, one of two."""
    project.add_class("disc")
    for number, image_id in enumerate(project.image_ids()):
        project.apply(AddShapes((new_shape(image_id, number % 2, Tag()),)))
    project.choose_task("classify")
    panel = TrainPanel(project, jobs, watcher)
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: bool(panel._devices), timeout=10_000)
    return panel


def test_a_classifier_learns_from_the_classes_of_images(tagged_panel):
    assert "8 images with a class of their own" in tagged_panel._summary.text()
    assert tagged_panel.form.arguments()["imgsz"] == 224
    assert tagged_panel.form.arguments()["model"].endswith("-cls.yaml")
    assert "mosaic" not in tagged_panel.form.values.fields


def test_keypoints_without_a_mirror_are_told(panel, project):
    image = project.image_ids()[0]
    points = Keypoints(((5.0, 6.0), (20.0, 30.0)), (2, 2))
    project.apply(AddShapes((new_shape(image, 0, points),)))
    panel.refresh()
    choose(panel.tasks, "pose")
    assert "1 object with keypoints, 6 objects without keypoints" in panel._summary.text()
    assert "not mirrored" in panel._summary.text()
    project.describe_keypoints(KeypointScheme(2, (1, 0)))
    panel.refresh()
    assert "not mirrored" not in panel._summary.text()


def test_the_classes_whose_keypoints_keep_images_from_being_mirrored_are_named(project):
    bolt, nut = project.classes()[0], project.add_class("a second")
    points = Keypoints(((5.0, 6.0), (20.0, 30.0), (9.0, 9.0)), (2, 2, 2))
    for cls in (bolt, nut):
        project.apply(AddShapes((new_shape(project.image_ids()[0], cls.id, points),)))

    def note(*mirrors):
        for cls, mirror in zip((bolt, nut), mirrors, strict=True):
            scheme = KeypointScheme(3, mirror) if mirror is not None else None
            project.apply(ChangeClass(replace(cls, keypoints=scheme)))
        return summarise_project(project).mirror

    assert f"keypoints of {nut.name} change" in note((1, 0, 2), None)
    assert f"keypoints of {bolt.name}, {nut.name} change" in note((), None)
    assert "in different ways" in note((1, 0, 2), (2, 1, 0))
    assert note((1, 0, 2), (1, 0, 2)) == ""


def test_a_model_of_a_run_brings_its_task(panel, make_run, qtbot):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: bool(panel._runs), timeout=5000)
    choose(panel.tasks, "detect")
    best = folder / "weights" / "best.pt"
    panel.train_from(best)
    assert panel.form.task == "segment"
    assert panel.form.arguments()["model"] == str(best)


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
    names = ["model", "linear_probe", "epochs", "imgsz", "batch", "device"]
    assert panel.form.essentials.names() == names
    shown = [name for name in names if panel.form.row(name).isVisible()]
    assert shown == ["model", "epochs", "imgsz", "batch", "device"]
    assert not panel.form.advanced.is_expanded()
    QTest.mouseClick(panel.form.advanced.header, LEFT)
    qtbot.waitUntil(lambda: panel.form.row("lr0").isVisible())
    QTest.keyClicks(panel.form.search, "learning rate warm-up")
    qtbot.waitUntil(lambda: not panel.form.row("mosaic").isVisible(), timeout=3000)
    assert panel.form.row("lr0").isVisible()
    assert "data" not in panel.form.values.fields
    assert "resume" not in panel.form.values.fields


def texts_of(box) -> list[str]:
    return [box.itemText(i) for i in range(box.count())]


def choose(box, value: str) -> None:
    """Choose an entry as a person does: open the list, go to it with the keys, press Enter."""
    row = box.findData(value)
    assert row >= 0, (value, [box.itemData(i) for i in range(box.count())])
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(row, 0))
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    assert box.currentIndex() == row


def test_models_and_devices_are_offered_by_name(panel, make_run, watcher, qtbot):
    make_run("train", FINISHED, exit_record={"code": 0})
    box = panel.form.row("model").control.models
    qtbot.waitUntil(lambda: any("mAP50-95 0.200" in text for text in texts_of(box)))
    texts = texts_of(box)
    for family in ("YOLO11", "YOLO26", "YOLO12", "YOLOv8"):
        assert sum(text.startswith(f"{family} ") for text in texts) == 5
        assert family in texts, "its heading"
    assert texts.index("YOLOE-11") > texts.index("YOLOv8"), "those told in words come last"
    assert box.currentText() == "YOLO11 nano · 2.9 M"
    assert texts[-1] == "From a file…"
    heading = box.model().index(texts.index("YOLO26"), 0)
    assert not heading.flags() & Qt.ItemFlag.ItemIsSelectable
    device = panel.form.row("device").control
    assert [device.itemData(i) for i in range(device.count())] == [d.id for d in panel._devices]
    assert panel.form.arguments()["device"] == panel._devices[0].id


@pytest.fixture
def online(monkeypatch) -> None:
    """Weights could be fetched; nothing is."""
    monkeypatch.setenv("MASKWRIGHT_OFFLINE", "0")


def test_without_the_network_only_what_is_here_can_be_chosen(panel):
    editor = panel.form.row("model").control
    choose(editor.models, "yolo26n-seg.yaml")
    assert not editor.start.model().index(0, 0).flags() & Qt.ItemFlag.ItemIsEnabled
    line = editor.start.itemData(0, Qt.ItemDataRole.UserRole + 1)
    assert line == "Trained weights · not on this computer, and the network is switched off"


def test_a_model_starts_from_trained_or_random_weights(online, panel):
    editor = panel.form.row("model").control
    assert texts_of(editor.start) == ["Trained weights", "Random weights"]
    assert editor.start.currentText() == "Random weights", "nothing is fetched unasked"
    assert "Learns everything from your images" in editor.note.text()
    choose(editor.start, "yolo11n-seg.pt")
    assert panel.form.arguments()["model"] == "yolo11n-seg.pt"
    assert "fetched once, about 5.8 MB" in editor.note.text()
    assert "It knows 80 classes, this project 1" in editor.note.text()
    choose(editor.models, "yolo26s-seg.yaml")
    assert panel.form.arguments()["model"] == "yolo26s-seg.pt", "still from trained weights"
    choose(editor.start, "yolo26s-seg.yaml")
    choose(editor.models, "yolov8n-seg.yaml")
    assert panel.form.arguments()["model"] == "yolov8n-seg.yaml"


def test_weights_that_nobody_published_cannot_be_chosen(online, panel):
    editor = panel.form.row("model").control
    choose(editor.start, "yolo11n-seg.pt")
    choose(editor.models, "yolo12n-seg.yaml")
    assert panel.form.arguments()["model"] == "yolo12n-seg.yaml"
    trained = editor.start.model().index(0, 0)
    assert not trained.flags() & Qt.ItemFlag.ItemIsEnabled
    assert editor.start.currentText() == "Random weights"


def test_weights_on_this_computer_are_where_one_begins(qtbot, project, jobs, watcher, tmp_path):
    settings["weights_dir"] = str(tmp_path)
    (tmp_path / "yolo11n-seg.pt").write_bytes(b"x" * 6_200_000)
    panel = TrainPanel(project, jobs, watcher)
    qtbot.addWidget(panel)
    panel.show()
    editor = panel.form.row("model").control
    assert panel.form.arguments()["model"] == "yolo11n-seg.pt"
    assert editor.start.currentText() == "Trained weights"
    assert "on this computer" in editor.note.text()


def test_weights_that_cannot_be_had_are_told_and_random_ones_offered(
    online, panel, project, qtbot, tmp_path
):
    settings["weights_url"] = str(tmp_path / "an empty folder")
    settings["weights_dir"] = str(tmp_path / "weights")
    choose(panel.form.row("model").control.start, "yolo11n-seg.pt")
    QTest.mouseClick(panel.train_button, LEFT)
    assert panel.progress.isVisible()
    qtbot.waitUntil(lambda: panel.banner.isVisible(), timeout=20_000)
    assert "yolo11n-seg.pt" in panel.banner.text()
    assert not project.runs_dir.exists()
    assert panel.banner.action_button.text() == "Use random weights"
    QTest.mouseClick(panel.banner.action_button, LEFT)
    assert panel.form.arguments()["model"] == "yolo11n-seg.yaml"
    assert not panel.banner.isVisible()


@pytest.mark.slow
def test_a_file_says_what_a_training_keeps_of_it(panel, random_weights, qtbot):
    editor = panel.form.row("model").control
    panel.form.values.set_value("model", str(random_weights))
    assert not editor.start.isVisible(), "a file brings its own weights"
    qtbot.waitUntil(lambda: "knows this project's classes" in editor.note.text(), timeout=60_000)
    panel._project.add_class("disc")
    panel.refresh()
    qtbot.waitUntil(
        lambda: "It knows 1 class, this project 2." in editor.note.text(), timeout=60_000
    )
    assert "class scores" in editor.note.text()


@pytest.mark.slow
def test_a_file_that_is_no_model_is_told_before_training(panel, tmp_path, qtbot):
    fake = tmp_path / "fake.pt"
    fake.write_text("<html>not found</html>")
    panel.form.values.set_value("model", str(fake))
    note = panel.form.row("model").control.note
    qtbot.waitUntil(lambda: "fake.pt" in note.text(), timeout=60_000)
    assert note.property("role") == "danger"
    assert not panel.train_button.isEnabled()
    panel.form.values.set_value("model", "yolo11n-seg.yaml")
    assert note.property("role") == "caption"
    assert panel.train_button.isEnabled()


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
    press(qtbot, dashboard, "stop_after_epoch")
    qtbot.waitUntil(lambda: dashboard.run.state is RunState.STOPPED, timeout=120_000)
    assert clicks == 1
    assert dashboard.buttons.button("resume").isVisible()
    assert dashboard.buttons.button("validation").isVisible()
    with qtbot.waitSignal(panel.asked) as asked:
        press(qtbot, dashboard, "validation")
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
    press(qtbot, second.dashboard, "stop")
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


def test_a_small_classifier_costs_more_than_nothing(tagged_panel):
    editor = tagged_panel.form.row("model").control
    choose(editor.models, "yolo11n-cls.yaml")
    assert "0.4 GFLOPs at 224 px" in editor.note.text()


def test_the_page_counts_as_the_training_will_divide(project):
    """A fifth of a few images, drawn by their names, may be far from a fifth."""
    version = create_version(project, task=project.task)
    train, val = split_counts(summarise_project(project))
    assert {"train": train, "val": val} == dict(version.images)
