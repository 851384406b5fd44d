"""The Display panel with real mouse and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from studio.model.calibration import PIXELS, Calibration
from studio.model.display import NEUTRAL, Display, PictureFacts
from studio.panels.display import DisplayPanel

LEFT = Qt.MouseButton.LeftButton
DEEP = PictureFacts(
    ("Red", "Green", "Blue"), "16 bit", 0.0, 4000.0, (100.0, 3000.0), (0.5,) * 256, 5, 1
)


@pytest.fixture
def panel(qtbot: QtBot) -> DisplayPanel:
    made = DisplayPanel()
    qtbot.addWidget(made)
    made.resize(240, 700)
    made.show()
    made.show_facts(DEEP)
    return made


def test_it_offers_what_the_image_has(panel: DisplayPanel) -> None:
    assert panel.histogram.window_range == (100.0, 3000.0)
    assert panel.channel.count() == 4
    assert (panel.page.value(), panel.page.maximum()) == (2, 5)
    assert panel.page.isVisible()
    panel.show_facts(PictureFacts(("Grey",)))
    assert not panel.channel.isEnabled()
    assert not panel.page.isVisible()
    panel.show_facts(None)
    assert not panel.histogram.isEnabled()


def test_dragging_a_handle_changes_the_window(panel: DisplayPanel, qtbot: QtBot) -> None:
    histogram = panel.histogram
    start = QPoint(round(histogram.place_of(3000.0)), 20)
    end = QPoint(round(histogram.place_of(2000.0)), 20)
    with qtbot.waitSignal(panel.display_changed, timeout=2000) as told:
        QTest.mousePress(histogram, LEFT, pos=start)
        QTest.mouseMove(histogram, end)
        QTest.mouseRelease(histogram, LEFT, pos=end)
    window = told.args[0].window
    assert window[0] == 100.0
    assert window[1] == pytest.approx(2000, abs=60)


def test_handles_stop_at_one_another_and_obey_keys(panel: DisplayPanel, qtbot: QtBot) -> None:
    histogram = panel.histogram
    QTest.mousePress(histogram, LEFT, pos=QPoint(round(histogram.place_of(100.0)), 20))
    QTest.mouseMove(histogram, QPoint(histogram.width(), 20))
    QTest.mouseRelease(histogram, LEFT, pos=QPoint(histogram.width(), 20))
    low, high = histogram.window_range
    assert low < high == 3000.0
    with qtbot.waitSignal(histogram.window_changed, timeout=1000) as told:
        QTest.keyClick(histogram, Qt.Key.Key_Left)
    assert told.args[0] < low
    QTest.keyClick(histogram, Qt.Key.Key_Down)
    with qtbot.waitSignal(histogram.window_changed, timeout=1000) as told:
        QTest.keyClick(histogram, Qt.Key.Key_Right)
    assert told.args[1] > high


def test_full_range_auto_and_reset(panel: DisplayPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.display_changed, timeout=2000) as told:
        QTest.mouseClick(panel.full, LEFT)
    assert told.args[0].window == (0.0, 4000.0)
    with qtbot.waitSignal(panel.display_changed, timeout=2000) as told:
        QTest.mouseClick(panel.auto, LEFT)
    assert told.args[0].window is None
    assert panel.histogram.window_range == (100.0, 3000.0)
    with qtbot.waitSignal(panel.display_changed, timeout=2000) as told:
        panel.channel.setCurrentIndex(2)
    assert told.args[0].channel == 1
    with qtbot.waitSignal(panel.display_changed, timeout=2000) as told:
        QTest.mouseClick(panel.reset, LEFT)
    assert told.args[0] == NEUTRAL
    assert panel.channel.currentIndex() == 0
    assert not panel.reset.isEnabled()


def test_sliders_say_their_value_and_go_back(panel: DisplayPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.display_changed, timeout=2000) as told:
        panel.gamma.setFocus()
        QTest.keyClick(panel.gamma, Qt.Key.Key_PageUp)
    assert told.args[0].gamma == pytest.approx(5**0.1)
    assert panel.gamma.value_label.text() == "1.17"
    with qtbot.waitSignal(panel.display_changed, timeout=2000) as told:
        QTest.mouseDClick(panel.gamma, LEFT)
    assert told.args[0].gamma == 1.0
    panel.show_display(Display(brightness=0.5))
    assert panel.brightness.value_label.text() == "+50 %"


def test_pages_are_chosen(panel: DisplayPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.page_chosen, timeout=1000) as told:
        panel.page.stepUp()
    assert told.args == [2]


def test_a_measured_line_gives_the_scale(panel: DisplayPanel, qtbot: QtBot) -> None:
    form = panel.scale
    assert not form.set_button.isEnabled()
    panel.show_measured(231.4)
    form.length.setValue(5.0)
    form.unit.setCurrentText("µm")
    with qtbot.waitSignal(panel.scale_given, timeout=1000) as told:
        QTest.mouseClick(form.set_button, LEFT)
    assert told.args == [5.0, "µm"]
    panel.show_calibration(Calibration(46.28, "µm"))
    assert form.clear_button.isVisible()
    with qtbot.waitSignal(panel.scale_cleared, timeout=1000):
        QTest.mouseClick(form.clear_button, LEFT)
    panel.show_calibration(PIXELS)
    assert not form.clear_button.isVisible()
