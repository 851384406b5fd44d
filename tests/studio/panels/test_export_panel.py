"""The Export page: formats, their own options, a real export and its result."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.export.formats import FORMATS
from studio.jobs.messages import Exported
from studio.panels.export import _PURPOSES, ExportPanel, _exactness, _tone

LEFT = Qt.MouseButton.LeftButton
FINISHED = {"event": "on_train_end", "reason": "finished"}


@pytest.fixture
def panel(qtbot, project, jobs, watcher) -> ExportPanel:
    panel = ExportPanel(project, jobs, watcher)
    qtbot.addWidget(panel)
    panel.resize(1200, 800)
    panel.show()
    return panel


def test_every_format_says_what_it_is_for(panel):
    assert panel.formats.count() == len(FORMATS)
    assert {f.key for f in FORMATS} == set(_PURPOSES)
    assert panel.format.key == "onnx"


def test_each_format_has_its_own_options_only(panel, qtbot):
    for found in FORMATS:
        panel.choose_format(found.key)
        if not found.is_writable:
            assert panel.form is None
            assert not panel.export_button.isVisible()
            assert found.way in panel._purpose.text()
            continue
        names = set(panel.form.values.fields) - {"imgsz", "device"}
        governed = {"conf", "iou", "max_det", "agnostic_nms"} if "nms" in found.options else set()
        assert names - governed <= found.options
    panel.choose_format("torchscript")
    assert "opset" not in panel.form.values.fields
    panel.choose_format("onnx")
    assert "opset" in panel.form.values.fields
    assert not panel.form.advanced.isVisible(), (
        "what governs duplicates waits until it is asked for"
    )
    box = panel.form.row("nms").control
    qtbot.wait(50)  # a new form is laid out by the event loop
    box.showPopup()
    box.view().setCurrentIndex(box.model().index(box.findText("on"), 0))
    QTest.keyClick(box.view(), Qt.Key.Key_Return)
    assert panel.form.values.value("nms") is True
    assert panel.form.advanced.isVisible()


def test_without_a_model_nothing_can_be_exported(panel):
    assert panel.picker.path() is None
    assert not panel.export_button.isEnabled()


def test_the_size_is_the_one_the_model_was_trained_at(panel, make_run, qtbot):
    make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: panel.picker.path() is not None, timeout=10_000)
    assert panel.form.values.value("imgsz") == 64
    assert panel.export_button.isEnabled()
    field = panel.form.row("opset").control
    field.setFocus()
    QTest.keyClicks(field, "3")
    assert not panel.export_button.isEnabled()
    assert panel.form.row("opset").help_text()


def test_a_broken_model_says_why(panel, make_run, qtbot):
    make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: panel.picker.path() is not None, timeout=10_000)
    QTest.mouseClick(panel.export_button, LEFT)
    assert panel.progress.isVisible()
    assert not panel.export_button.isVisible()
    qtbot.waitUntil(lambda: panel.banner.isVisible(), timeout=60_000)
    assert "best.pt" in panel.banner.text()
    assert panel.export_button.isVisible()


@pytest.mark.slow
def test_a_click_writes_the_file_and_shows_how_exact_it_is(panel, make_run, qtbot, random_weights):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    shutil.copy(random_weights, folder / "weights" / "best.pt")
    qtbot.waitUntil(lambda: panel.picker.path() is not None, timeout=10_000)
    with qtbot.waitSignal(panel.exported, timeout=120_000):
        QTest.mouseClick(panel.export_button, LEFT)
    row = panel.results.itemAt(0).widget()
    result = row.result
    assert Path(result.path) == folder / "weights" / "best.onnx"
    assert result.max_abs_diff < 1e-3
    assert result.image.endswith(".png"), "compared on an image of the project"
    qtbot.waitUntil(row.reveal_button.isVisible)


@pytest.mark.parametrize(
    ("diff", "image", "words", "tone"),
    [
        (1e-5, "/a/b.jpg", "on b.jpg: 1e-05", "success"),
        (0.2, "", "on a drawn image: 0.2", "warning"),
        (None, "", "Not compared", "warning"),
    ],
)
def test_the_difference_is_said_in_words(diff, image, words, tone):
    result = Exported("/x/best.onnx", "onnx", 10, 1.0, diff, image)
    assert words in _exactness(result)
    assert _tone(result) == tone
