"""Forms made from the schema: every argument gets a control that takes and gives its values."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip

from engine.cfg.argument import MODES
from engine.cfg.schema import arguments_for, by_name
from studio.model.run_facts import RunFacts
from studio.model.runs import RunSnapshot, RunState
from studio.widgets.form import Form
from studio.widgets.form_fields import argument_fields, format_value, setting_label
from studio.widgets.model_picker import ModelPicker

LEFT = Qt.MouseButton.LeftButton


@pytest.mark.parametrize("mode", [m for m in MODES if arguments_for(m)])
@pytest.mark.parametrize("task", ["detect", "segment"])
def test_every_argument_of_a_mode_has_a_control_that_holds_its_default(qtbot, mode, task):
    form = Form(argument_fields(arguments_for(mode, task), mode), ())
    qtbot.addWidget(form)
    form.open_advanced()
    for name, field in form.values.fields.items():
        control = form.row(name).control
        assert field.check(control.raw()) == field.default, name
        assert field.help.split()[0] in control.toolTip()
    assert form.values.changes() == {}
    assert form.values.errors() == {}


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("imgsz", "320", 320),
        ("batch", "-1", -1),
        ("batch", "0.7", 0.7),
        ("freeze", "3", 3),
        ("freeze", "[0,1,2]", [0, 1, 2]),
        ("time", "1.5", 1.5),
        ("time", "", None),
        ("lr0", "1e-3", 0.001),
    ],
)
def test_what_is_typed_becomes_the_arguments_value(qtbot, name, typed, value):
    form = Form(argument_fields([by_name[name]], "train"), [name])
    qtbot.addWidget(form)
    form.show()
    control = form.row(name).control
    control.selectAll()
    QTest.keyClick(control, Qt.Key.Key_Delete)
    QTest.keyClicks(control, typed)
    assert form.values.value(name) == value
    assert form.values.errors() == {}


def test_a_half_typed_number_is_left_alone(qtbot):
    form = Form(argument_fields([by_name["lr0"]], "train"), ["lr0"])
    qtbot.addWidget(form)
    form.show()
    control = form.row("lr0").control
    control.selectAll()
    for text in ("0", ".", "0", "5"):
        QTest.keyClicks(control, text)
    assert control.text() == "0.05"
    assert form.values.changes() == {"lr0": 0.05}


def test_a_choice_takes_only_what_is_offered(qtbot):
    form = Form(
        argument_fields([by_name["optimizer"], by_name["cache"]], "train"), ["optimizer", "cache"]
    )
    qtbot.addWidget(form)
    control = form.row("cache").control
    assert [control.itemText(i) for i in range(control.count())] == ["off", "on", "ram", "disk"]
    control.setCurrentIndex(2)
    control.activated.emit(2)
    assert form.values.changes() == {"cache": "ram"}
    form.values.reset("cache")
    assert control.currentText() == "off"


def test_another_default_is_followed_by_what_nobody_changed(qtbot):
    form = Form(argument_fields([by_name["imgsz"], by_name["batch"]], "train"), ["imgsz", "batch"])
    qtbot.addWidget(form)
    form.values.take("batch", "4")
    form.values.set_default("imgsz", 320)
    form.values.set_default("batch", 8)
    assert (form.values.value("imgsz"), form.values.value("batch")) == (320, 4)
    assert form.row("imgsz").control.text() == "320"
    assert form.values.changes() == {"batch": 4}


def test_advanced_rows_are_made_when_they_are_wanted(qtbot):
    form = Form(argument_fields(arguments_for("train", "segment"), "train"), ["epochs"])
    qtbot.addWidget(form)
    form.show()
    assert form.others is None
    QTest.mouseClick(form.advanced.header, LEFT)
    assert form.others is not None
    assert form.advanced.is_expanded()


def test_a_wheel_over_a_list_does_not_change_it(qtbot):
    form = Form(argument_fields([by_name["optimizer"]], "train"), ["optimizer"])
    qtbot.addWidget(form)
    form.show()
    control = form.row("optimizer").control
    control.setFocus()
    before = control.currentIndex()
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    event = QWheelEvent(
        QPointF(5, 5), QPointF(5, 5), QPoint(0, -120), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(control, event)
    assert control.currentIndex() == before


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "automatic"),
        ("", "empty"),
        (True, "on"),
        (0.01, "0.01"),
        ([1, 2], "1,2"),
        (640, "640"),
    ],
)
def test_values_are_written_as_a_person_would(value, text):
    assert format_value(value) == text


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("runs_dir", "Runs folder"),
        ("weights_url", "Weights address"),
        ("studio.theme", "Theme"),
        ("studio.name_tags", "Name tags"),
    ],
)
def test_settings_are_called_by_words(name, label):
    assert setting_label(name) == label


def test_the_model_picker_keeps_its_choice_and_takes_files(qtbot, tmp_path):
    picker = ModelPicker()
    qtbot.addWidget(picker)
    assert picker.path() is None
    with qtbot.waitSignal(picker.chosen) as chosen:
        picker.set_path(tmp_path / "a.pt")
    assert chosen.args == [tmp_path / "a.pt"]
    picker.show_runs([])
    assert picker.path() == tmp_path / "a.pt"
    last = [picker.itemText(i) for i in range(picker.count())][-2:]
    assert last == ["From a file…", "From a folder…"]


def test_the_model_picker_takes_folders_of_exported_models_only(qtbot, tmp_path, monkeypatch):
    picker = ModelPicker()
    qtbot.addWidget(picker)
    picker.show()
    asked = []
    monkeypatch.setattr(
        "studio.widgets.model_picker.QFileDialog.getExistingDirectory",
        lambda *_: str(asked[-1]),
    )
    for name in ("best_openvino_model", "best_rknn_model", "holiday"):
        (tmp_path / name).mkdir()
    for name, taken in (
        ("best_openvino_model", True),
        ("best_rknn_model", False),
        ("holiday", False),
    ):
        asked.append(tmp_path / name)
        picker.setCurrentIndex(picker.count() - 1)
        picker.activated.emit(picker.count() - 1)
        assert (picker.path() == asked[-1]) == taken
        assert (name in QToolTip.text()) == (not taken)
    assert picker.currentText().endswith("best_openvino_model")
    weights = ModelPicker("*.pt", folders=False)
    qtbot.addWidget(weights)
    assert weights.itemText(weights.count() - 1) == "From a file…"


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"metrics/accuracy_top1": 0.4, "metrics/accuracy_top5": 1.0}, "top-1 accuracy 0.400"),
        ({"metrics/mIoU": 0.3, "metrics/pixel_acc": 0.8}, "mIoU 0.300"),
        ({"metrics/mAP50-95(B)": 0.2}, "mAP50-95 0.200"),
    ],
)
def test_a_run_is_listed_with_the_figure_of_its_task(qtbot, tmp_path, metrics, words):
    """The fitness of a classifier is the mean of two accuracies, and no mAP."""
    best = tmp_path / "train" / "weights" / "best.pt"
    best.parent.mkdir(parents=True)
    best.write_bytes(b"x")
    facts = RunFacts(best_fitness=0.7, best_metrics=metrics)
    picker = ModelPicker()
    qtbot.addWidget(picker)
    picker.show_runs([RunSnapshot(best.parents[1], RunState.FINISHED, facts)])
    assert f"train · best · {words}" in [picker.itemText(i) for i in range(picker.count())]
