"""The tools in the real window: a key, the mouse, and what is in the database then."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.data.annotations import Keypoints, Mask, OrientedBox, Polygon, Polyline, Tag
from studio.dialogs.keypoints import KeypointsDialog
from studio.model.preferences import TOOL_OPTIONS

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def wheel(hands: Any, notches: int, how: Qt.KeyboardModifier) -> None:
    """Turn the wheel over the middle of the canvas."""
    place = QPointF(hands.canvas.rect().center())
    event = QWheelEvent(
        place,
        QPointF(hands.canvas.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        how,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(hands.canvas, event)
    QApplication.processEvents()


def kinds(hands: Any) -> list[type]:
    """Return the kinds of the shapes in the database, in the order they were made."""
    return [type(shape.geometry) for shape in sorted(hands.shapes(), key=lambda s: s.id)]


def test_each_drawing_tool_is_a_key_and_a_few_clicks(opened: Any) -> None:
    opened.press(Qt.Key.Key_O)
    for place in ((40, 40), (100, 40), (100, 70)):
        opened.click(*place)
    opened.press(Qt.Key.Key_C, SHIFT)
    opened.drag((160, 60), (170, 60), (190, 60))
    opened.press(Qt.Key.Key_E, SHIFT)
    opened.drag((220, 40), (240, 60), (290, 90))
    opened.press(Qt.Key.Key_L)
    for place in ((20, 120), (60, 140), (110, 120)):
        opened.click(*place)
    opened.press(Qt.Key.Key_Return)
    opened.press(Qt.Key.Key_P, SHIFT)
    opened.click(150, 130)
    opened.press(Qt.Key.Key_B)
    opened.drag((40, 190), (80, 200), (120, 190))
    assert kinds(opened) == [OrientedBox, Polygon, Polygon, Polyline, Keypoints, Mask]
    for _ in range(6):
        opened.press(Qt.Key.Key_Z, CTRL)
    assert opened.shapes() == []


def test_the_brush_goes_on_with_its_mask_and_the_eraser_takes_it_away(opened: Any) -> None:
    opened.press(Qt.Key.Key_B)
    opened.drag((40, 100), (80, 100))
    (first,) = opened.shapes()
    opened.drag((60, 120), (100, 120))
    (grown,) = opened.shapes()
    assert grown.id == first.id
    assert grown.geometry.area() > first.geometry.area()
    opened.press(Qt.Key.Key_Return)
    opened.drag((200, 100), (240, 100))
    assert len(opened.shapes()) == 2
    opened.press(Qt.Key.Key_E)
    before = sum(shape.geometry.area() for shape in opened.shapes())
    opened.drag((200, 100), (220, 100))
    assert sum(shape.geometry.area() for shape in opened.shapes()) < before


def test_the_stroke_is_on_the_screen_before_the_button_is_let_go(opened: Any) -> None:
    opened.press(Qt.Key.Key_B)
    place = opened.place(100, 100)
    bare = opened.canvas.grab().toImage().pixelColor(place)
    QTest.mousePress(opened.canvas, Qt.MouseButton.LeftButton, pos=opened.place(60, 100))
    for x in (80, 100, 130):
        QTest.mouseMove(opened.canvas, opened.place(x, 100))
        QApplication.processEvents()
    painted = opened.canvas.grab().toImage().pixelColor(place)
    assert painted != bare
    assert opened.shapes() == []
    QTest.keyClick(opened.canvas, Qt.Key.Key_Escape)
    QApplication.processEvents()
    assert opened.canvas.grab().toImage().pixelColor(place) == bare


def test_wheel_and_brackets_change_the_brush_and_the_strip_shows_it(opened: Any) -> None:
    opened.press(Qt.Key.Key_B)
    options = opened.canvas.scene.options
    zoom, size = opened.canvas.zoom, options.brush_size
    wheel(opened, 1, SHIFT)
    assert options.brush_size > size
    assert opened.canvas.zoom == zoom
    opened.press(Qt.Key.Key_BracketLeft)
    opened.press(Qt.Key.Key_BracketLeft)
    assert options.brush_size < size
    bar = opened.session.annotate.options
    assert bar.controls["brush_size"].box.value() == options.brush_size
    bar.controls["brush_size"].box.setValue(50)
    assert options.brush_size == 50
    assert (
        opened.canvas.labels.live.preview.brush is None
        or opened.canvas._live.preview.brush[2] == 25
    )
    wheel(opened, 1, CTRL)
    assert opened.canvas.zoom > zoom


def test_only_the_options_of_the_tool_in_hand_show(opened: Any) -> None:
    bar = opened.session.annotate.options
    height = bar.height()
    for key, shown in (
        (Qt.Key.Key_B, {"brush_size", "fill_holes"}),
        (Qt.Key.Key_P, {"snapping", "follow", "smoothing"}),
        (Qt.Key.Key_K, set()),
    ):
        opened.press(key)
        assert {name for name, c in bar.controls.items() if c.isVisible()} == shown
        assert bar.hint.text()
        assert bar.height() == height


def test_options_are_there_again_after_a_restart(opened: Any, photos: Any) -> None:
    opened.press(Qt.Key.Key_M)
    assert not opened.canvas.scene.snapping
    opened.canvas.set_option("tolerance", 77)
    opened.studio.close_session()
    assert "77" in opened.studio.preferences[TOOL_OPTIONS]
    opened.studio.files.open_paths([photos])
    opened.wait(lambda: opened.studio.session is not None)
    opened.settle()
    assert opened.canvas.scene.options.tolerance == 77
    assert not opened.studio.actions["tool.snap"].isChecked()


def test_the_wand_takes_pixels_of_the_picture_that_is_shown(opened: Any) -> None:
    opened.press(Qt.Key.Key_W, SHIFT)
    opened.canvas.set_option("tolerance", 255)
    opened.click(100, 100)
    (shape,) = opened.shapes()
    assert shape.geometry.area() == 320 * 240


def test_the_knife_cuts_and_one_undo_makes_it_whole(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_C)
    labelled.drag((20, 70), (60, 70), (120, 70))
    assert len(labelled.shapes()) == 3
    labelled.press(Qt.Key.Key_Z, CTRL)
    assert len(labelled.shapes()) == 2
    assert {shape.geometry.area() for shape in labelled.shapes()} == {3600}


def test_images_get_classes_by_single_keys_and_the_next_image_comes(labelled: Any) -> None:
    project, workspace = labelled.session.project, labelled.session.workspace
    images = project.image_ids()
    labelled.press(Qt.Key.Key_T, SHIFT)
    labelled.press(Qt.Key.Key_2)
    labelled.press(Qt.Key.Key_1)
    assert workspace.image_id == images[2]
    found = [
        [s.class_id for s in project.shapes(image) if isinstance(s.geometry, Tag)]
        for image in images
    ]
    bolt, nut = (cls.id for cls in project.classes())
    assert found == [[nut], [bolt], []]


def test_keypoints_are_described_placed_hidden_and_swapped(labelled: Any) -> None:
    studio, workspace = labelled.studio, labelled.session.workspace
    studio.actions["keypoint.describe"].trigger()
    (dialog,) = studio.window.findChildren(KeypointsDialog)
    for name in ("left eye", "right eye"):
        labelled.push(dialog.add_button)
        dialog.table.item(dialog.table.rowCount() - 1, 0).setText(name)
    dialog.sketch.resize(200, 200)
    for number in (0, 1):
        place = dialog.sketch.place(number).toPoint()
        QTest.mouseClick(dialog.sketch, Qt.MouseButton.LeftButton, pos=place)
    dialog.table.cellWidget(0, 1).activated.emit(1)
    labelled.push(dialog.save_button)
    scheme = workspace.current_class().keypoints
    assert scheme.names == ("left eye", "right eye")
    assert scheme.mirrored == (1, 0)
    assert scheme.skeleton == ((0, 1),)
    studio.window.activateWindow()
    assert QTest.qWaitForWindowActive(studio.window)
    labelled.canvas.setFocus()
    labelled.press(Qt.Key.Key_K)
    labelled.click(250, 40)
    labelled.click(290, 60)
    made = max(labelled.shapes(), key=lambda shape: shape.id)
    assert made.geometry == Keypoints(made.geometry.points, (2, 2))
    labelled.move(290, 60)
    labelled.press(Qt.Key.Key_X)
    workspace.select([made.id])
    labelled.press(Qt.Key.Key_X, SHIFT)
    swapped = next(shape for shape in labelled.shapes() if shape.id == made.id)
    assert swapped.geometry == Keypoints(made.geometry.points[::-1], (1, 2))


@pytest.mark.parametrize("key", [Qt.Key.Key_P, Qt.Key.Key_B, Qt.Key.Key_I, Qt.Key.Key_K])
def test_escape_leaves_the_tool_when_nothing_is_left_to_cancel(opened: Any, key: Qt.Key) -> None:
    opened.press(key)
    opened.click(100, 100)
    for _ in range(3):
        opened.press(Qt.Key.Key_Escape)
    assert opened.canvas.tool_name == "select"
