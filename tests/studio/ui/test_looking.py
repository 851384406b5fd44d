"""Looking at images in the whole window: deep ones, pages, the scale, what is kept for the next time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from studio.model.calibration import Calibration, calibration_of
from studio.model.edits.calibration import SetCalibration
from studio.panels.properties.shared_values import AREA, PERIMETER, SIZE

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def looked(hands: Any, tmp_path: Path) -> Any:
    """A project with a 16-bit picture and a file of three pages."""
    folder = tmp_path / "photos"
    folder.mkdir()
    deep = np.full((120, 160), 3000, np.uint16)
    deep[:, 80:] = 3400
    cv2.imwrite(str(folder / "a.png"), deep)
    pages = [Image.fromarray(np.full((120, 160), 30 + 60 * n, np.uint8)) for n in range(3)]
    pages[0].save(folder / "b.tif", save_all=True, append_images=pages[1:])
    hands.studio.files.open_paths([folder])
    hands.wait(lambda: hands.studio.session is not None)
    hands.wait(lambda: hands.session.workspace.image_id is not None)
    hands.settle()
    return hands


def test_a_deep_image_its_values_and_its_pages(looked: Any) -> None:
    session, canvas = looked.session, looked.canvas
    values = looked.studio.window.status.values
    looked.move_until(20, 60, lambda: values.text() == "3000")
    looked.studio.actions["view.panel:display"].trigger()
    panel = session.annotate.display
    assert panel.isVisible()
    assert panel.histogram.isEnabled()
    assert not panel.page_note.isVisible()
    QTest.mouseClick(panel.full, LEFT)
    looked.wait(lambda: canvas.picture.display.window == (0.0, 3400.0))
    looked.studio.actions["view.reset_display"].trigger()
    assert canvas.picture.display.is_neutral
    session.workspace.go_to(session.workspace.image_ids[1])
    looked.settle()
    assert panel.page.isVisible()
    assert panel.page_note.isVisible()
    assert values.text() == "30  30  30"  # without another move of the mouse
    for page in (1, 2, 2):  # the last one is the last
        looked.studio.actions["view.page:next"].trigger()
        looked.settle()
        assert canvas.picture.page == page
    assert values.text() == "150  150  150"
    assert canvas.picture.pixels(0, 0, 1, 1)[0, 0, 0] == 150
    assert panel.page.value() == 3


def test_pages_become_images_with_shapes_of_their_own(looked: Any) -> None:
    session = looked.session
    action = looked.studio.actions["file.split_pages"]
    action.trigger()  # a picture without pages
    assert len(session.workspace.image_ids) == 2
    session.workspace.go_to(session.workspace.image_ids[1])
    looked.settle()
    looked.studio.actions["view.panel:display"].trigger()
    looked.push(session.annotate.display.split_button)
    looked.wait(lambda: len(session.workspace.image_ids) == 5)
    records = [session.project.image(number) for number in session.workspace.image_ids]
    names = [Path(record.path).name for record in records]
    assert names == ["a.png", "b.tif", *(f"b_page_{n}.tif" for n in (1, 2, 3))]
    session.workspace.go_to(session.workspace.image_ids[4])
    looked.settle()
    assert looked.canvas.picture.pixels(0, 0, 1, 1)[0, 0, 0] == 150
    assert not session.annotate.display.split_button.isVisible()
    session.workspace.go_to(session.workspace.image_ids[1])
    looked.settle()
    action.trigger()  # again: they are there
    looked.wait(lambda: not looked.studio.window.progress.isVisible())
    looked.settle()
    assert len(session.workspace.image_ids) == 5


def test_a_known_length_makes_the_scale_which_can_be_undone(looked: Any) -> None:
    looked.studio.actions["tool.use:measure"].trigger()
    looked.drag((20, 60), (60, 60), (100, 60))
    panel = looked.session.annotate.display
    looked.studio.actions["view.panel:display"].trigger()
    panel.scale.length.setValue(4.0)
    QTest.mouseClick(panel.scale.set_button, LEFT)
    scale = calibration_of(looked.session.project)
    assert scale.unit == "mm"
    assert scale.pixels_per_unit == pytest.approx(20, abs=0.5)
    assert "mm" in looked.canvas.aids.length.text()
    looked.studio.actions["edit.undo"].trigger()
    assert calibration_of(looked.session.project).is_pixels
    assert "mm" not in looked.canvas.aids.length.text()


def test_a_measured_line_leads_to_the_scale(looked: Any) -> None:
    button = looked.session.annotate.options.scale_button
    panel = looked.session.annotate.display
    assert not button.isVisible()
    looked.canvas.setFocus()
    looked.press(Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    assert button.isVisible()
    assert not button.isEnabled()  # there is no line yet
    looked.drag((20, 60), (60, 60), (100, 60))
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT)
    looked.wait(lambda: panel.scale.length.hasFocus())
    looked.wait(lambda: panel.scale.length.visibleRegion().boundingRect().height() > 20)
    QTest.keyClicks(panel.scale.length, "4")  # in place of what was there
    QTest.keyClick(panel.scale.length, Qt.Key.Key_Return)
    scale = calibration_of(looked.session.project)
    assert scale.pixels_per_unit == pytest.approx(20, abs=0.5)
    assert looked.canvas.hasFocus()
    looked.press(Qt.Key.Key_Escape)
    assert not button.isEnabled()
    looked.press(Qt.Key.Key_V)
    assert not button.isVisible()


def test_properties_measure_in_the_units_of_the_scale(labelled: Any) -> None:
    hands = labelled
    hands.click(70, 70)
    panel = hands.session.annotate.properties
    told = {name: panel.lines[name] for name in (SIZE, AREA, PERIMETER)}
    hands.wait(lambda: told[AREA].isVisible())
    pixels = {name: label.text() for name, label in told.items()}
    assert pixels == {SIZE: "60.0 × 60.0 px", AREA: "3,600 px²", PERIMETER: "240.0 px"}
    hands.session.apply(SetCalibration(Calibration(20.0, "mm")))
    hands.wait(lambda: told[AREA].text() == "9 mm²")
    assert [told[SIZE].text(), told[PERIMETER].text()] == ["3 × 3 mm", "12 mm"]
    assert {name: label.toolTip() for name, label in told.items()} == pixels
    hands.studio.actions["edit.undo"].trigger()
    hands.wait(lambda: told[AREA].text() == pixels[AREA])
    assert {label.toolTip() for label in told.values()} == {""}


def test_aids_are_switched_and_remembered(looked: Any) -> None:
    studio, aids = looked.studio, looked.canvas.aids
    for action, name in (
        ("view.rulers", "studio.rulers"),
        ("view.crosshair", "studio.crosshair"),
    ):
        studio.actions[action].trigger()
        assert studio.preferences[name] is True
    assert aids.rulers[0].isVisible()
    looked.canvas.set_zoom(10.0)
    assert aids.minimap.isVisible()
    studio.actions["view.minimap"].trigger()
    assert aids.minimap.isHidden()
    studio.actions["view.rulers"].trigger()
    assert aids.rulers[0].isHidden()
