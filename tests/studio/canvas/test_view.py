"""The canvas with real mouse, wheel and key events."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.data.annotations import Box, Polygon
from engine.data.images import write_image
from studio.model.edits import AddShapes, RemoveShapes, ReplaceShapes
from studio.model.edits.classes import NEW

SHIFT = Qt.KeyboardModifier.ShiftModifier
CTRL = Qt.KeyboardModifier.ControlModifier
MIDDLE = Qt.MouseButton.MiddleButton
RIGHT = Qt.MouseButton.RightButton


# -- zoom and pan ------------------------------------------------------------


def test_wheel_zooms_to_the_cursor(studio: Any, qtbot: QtBot) -> None:
    before, place = studio.view.zoom, studio.place(90, 60)
    with qtbot.waitSignal(studio.view.zoom_changed, timeout=1000) as told:
        studio.wheel(90, 60, 120)
    assert told.args[0] == pytest.approx(before * 1.2)
    assert (studio.place(90, 60) - place).manhattanLength() <= 2
    studio.wheel(90, 60, -120)
    assert studio.view.zoom == pytest.approx(before)


def test_a_finely_stepped_wheel_zooms_in_fine_steps(studio: Any) -> None:
    before = studio.view.zoom
    for _ in range(8):
        studio.wheel(200, 150, 15)
    assert studio.view.zoom == pytest.approx(before * 1.2)


def test_a_picture_drawn_in_a_hurry_is_sharp_when_the_wheel_rests(
    studio: Any, qtbot: QtBot
) -> None:
    """While the wheel turns a coarser level will do; what stays is what an unhurried zoom shows."""
    noise = np.random.default_rng(0).integers(0, 256, (1600, 2200, 4), np.uint8)
    noise[..., 3] = 255
    picture = QImage(noise.data, 2200, 1600, QImage.Format.Format_RGB32).copy()
    studio.show(picture)
    qtbot.waitUntil(studio.view.is_settled)
    for _ in range(5):  # from 0.36 to 0.56: the half as large level is too small for that
        studio.wheel(1100, 800, 60)
    hurried = on_screen(studio.view)
    assert not studio.view.is_settled()
    qtbot.waitUntil(studio.view.is_settled, timeout=5000)
    rested = on_screen(studio.view)
    assert hurried != rested
    studio.view.update()
    QApplication.processEvents()
    assert on_screen(studio.view) == rested


def on_screen(view: QWidget) -> QImage:
    """Return what the window shows, without having it painted."""
    return view.screen().grabWindow(view.winId()).toImage()


def test_shift_and_wheel_pans_sideways(studio: Any) -> None:
    x = studio.place(0, 0).x()
    studio.wheel(200, 150, -120, SHIFT)
    assert studio.place(0, 0).x() == x - 64


def test_middle_button_pans(studio: Any) -> None:
    start = studio.place(0, 0)
    studio.drag((200, 150), (220, 160), (230, 170), button=MIDDLE)
    moved = studio.place(0, 0) - start
    assert (moved.x(), moved.y()) == pytest.approx(
        (30 * studio.view.zoom, 20 * studio.view.zoom), abs=3
    )
    assert studio.edits == []


def test_space_and_left_button_pan_and_select_nothing(studio: Any) -> None:
    start = studio.place(0, 0)
    QTest.keyPress(studio.view, Qt.Key.Key_Space)
    assert studio.view.cursor().shape() == Qt.CursorShape.OpenHandCursor
    studio.drag((110, 110), (130, 120))
    QTest.keyRelease(studio.view, Qt.Key.Key_Space)
    assert studio.place(0, 0) != start
    assert studio.view.scene.selection == ()
    assert studio.view.cursor().shape() != Qt.CursorShape.OpenHandCursor


def test_double_click_on_the_background_fits(studio: Any) -> None:
    fitted = studio.view.zoom
    studio.wheel(200, 150, 480)
    assert studio.view.zoom > fitted
    QTest.mouseDClick(studio.view, Qt.MouseButton.LeftButton, pos=studio.place(220, 160))
    assert studio.view.zoom == pytest.approx(fitted)


def test_double_click_on_a_shape_tells_which(studio: Any, qtbot: QtBot) -> None:
    with qtbot.waitSignal(studio.view.shape_activated, timeout=1000) as told:
        QTest.mouseDClick(studio.view, Qt.MouseButton.LeftButton, pos=studio.place(300, 150))
    assert told.args == [3]


def test_zoom_by_command(studio: Any) -> None:
    studio.view.set_zoom(1.0)
    assert studio.view.zoom == 1.0
    studio.view.zoom_in()
    assert studio.view.zoom == pytest.approx(1.25)
    studio.view.zoom_out()
    studio.view.show_rect(250, 100, 350, 200)
    center = studio.place(300, 150) - studio.view.rect().center()
    assert center.manhattanLength() <= 2
    studio.view.fit()
    assert studio.view.viewport.fitted


def test_a_fitted_picture_stays_fitted_when_the_window_grows(studio: Any) -> None:
    studio.view.resize(1000, 900)
    QApplication.processEvents()
    assert studio.view.zoom == pytest.approx(studio.view.viewport.fit_scale())


# -- drawing -----------------------------------------------------------------


def test_a_polygon_by_clicks(studio: Any) -> None:
    studio.view.set_tool("polygon")
    corners = [(200, 210), (240, 210), (240, 260), (200, 260)]
    for corner in corners:
        studio.click(*corner)
    studio.move(201, 211)
    studio.click(201, 211)
    (edit,) = studio.edits
    assert isinstance(edit, AddShapes)
    assert np.allclose(edit.shapes[0].geometry.exterior, corners, atol=1.0)
    assert (edit.shapes[0].class_id, edit.shapes[0].image_id) == (0, 7)
    assert studio.view.tool_name == "polygon"
    assert len(studio.view.scene) == 4


def test_a_polygon_closed_by_a_real_double_click(studio: Any) -> None:
    studio.view.set_tool("polygon")
    for corner in [(200, 210), (240, 210)]:
        studio.click(*corner)
    studio.click(240, 260)
    QTest.mouseDClick(studio.view, Qt.MouseButton.LeftButton, pos=studio.place(240, 260))
    (edit,) = studio.edits
    assert len(edit.shapes[0].geometry.exterior) == 3


def test_a_box_by_dragging(studio: Any) -> None:
    studio.view.set_tool("box")
    studio.drag((200, 210), (220, 230), (240, 260))
    (edit,) = studio.edits
    assert np.allclose(edit.shapes[0].geometry.bounds(), (200, 210, 240, 260), atol=1.0)


def test_escape_leaves_nothing_then_asks_to_leave_the_tool(studio: Any, qtbot: QtBot) -> None:
    studio.view.set_tool("polygon")
    studio.click(200, 210)
    studio.click(240, 210)
    studio.move(220, 240)
    with qtbot.assertNotEmitted(studio.view.leave_asked):
        studio.key(Qt.Key.Key_Escape)
    with qtbot.waitSignal(studio.view.leave_asked, timeout=1000):
        studio.key(Qt.Key.Key_Escape)
    assert studio.edits == []


def test_without_a_class_new_shapes_say_so(studio: Any) -> None:
    studio.view.set_current_class(None)
    studio.view.set_tool("box")
    studio.drag((200, 210), (220, 230), (240, 260))
    assert studio.edits[0].shapes[0].class_id == NEW


def test_a_refused_shape_gives_a_notice(studio: Any, qtbot: QtBot) -> None:
    studio.view.set_tool("polygon")
    for corner in [(200, 210), (240, 210)]:
        studio.click(*corner)
    with qtbot.waitSignal(studio.view.notice, timeout=1000) as told:
        studio.key(Qt.Key.Key_Return)
    assert "three points" in told.args[0]


def test_changing_tools_drops_what_was_begun_but_lines(studio: Any) -> None:
    studio.view.set_tool("oriented_box")
    studio.click(200, 210)
    studio.view.set_tool("select")
    studio.view.set_tool("oriented_box")
    studio.key(Qt.Key.Key_Return)
    assert studio.edits == []
    studio.view.set_tool("polygon")
    for corner in [(200, 210), (240, 210)]:
        studio.click(*corner)
    studio.view.set_tool("select")
    studio.view.set_tool("polygon")
    assert len(studio.view.hand.tool.points) == 2
    studio.click(240, 240)
    studio.key(Qt.Key.Key_Return)
    (edit,) = studio.edits
    assert len(edit.shapes[0].geometry.exterior) == 3
    studio.view.set_tool("select")
    studio.view.set_tool("polygon")  # nothing waits that was finished
    assert studio.view.hand.tool.points == []
    with pytest.raises(KeyError):
        studio.view.set_tool("no such tool")


# -- selecting and editing ---------------------------------------------------


def test_click_selects_and_tells(studio: Any, qtbot: QtBot) -> None:
    with qtbot.waitSignal(studio.view.selection_changed, timeout=1000) as told:
        studio.click(110, 110)
    assert told.args[0] == (2,)
    studio.click(300, 150, SHIFT)
    assert studio.view.scene.selection == (2, 3)


def test_dragging_moves_and_the_picture_follows(studio: Any) -> None:
    studio.drag((300, 150), (310, 160), (300, 220))
    (edit,) = studio.edits
    assert isinstance(edit, ReplaceShapes)
    assert edit.after[0].geometry.y1 == pytest.approx(170, abs=1)
    studio.view.select([])
    studio.move(10, 290)
    assert studio.color(300, 110).name() == "#404040"
    assert studio.color(300, 250).name() != "#404040"


def test_during_a_drag_the_shape_is_not_at_its_old_place(studio: Any) -> None:
    studio.press(300, 150)
    for y in (180, 220, 250):
        QTest.mouseMove(studio.view, studio.place(300, y))
        QApplication.processEvents()
    assert studio.color(300, 110).name() == "#404040"
    studio.key(Qt.Key.Key_Escape)
    assert studio.color(300, 110).name() != "#404040"
    studio.release(300, 250)
    assert studio.edits == []


def test_dragging_a_vertex(studio: Any) -> None:
    studio.click(60, 160)
    studio.drag((170, 170), (180, 180), (200, 190))
    (edit,) = studio.edits
    assert np.allclose(edit.after[0].geometry.exterior[2], (200, 190), atol=1.0)


def test_delete_key(studio: Any) -> None:
    studio.click(300, 150)
    studio.key(Qt.Key.Key_Delete)
    assert isinstance(studio.edits[0], RemoveShapes)
    studio.move(10, 290)
    assert studio.color(300, 150).name() == "#404040"


def test_right_click_selects_for_a_menu(studio: Any) -> None:
    studio.press(300, 150, RIGHT)
    studio.release(300, 150, RIGHT)
    assert studio.view.scene.selection == (3,)
    assert studio.edits == []


def test_cursor_position_is_told_and_forgotten(studio: Any) -> None:
    heard: list[tuple[float, float]] = []
    studio.view.cursor_moved.connect(lambda x, y: heard.append((x, y)))
    studio.move(100, 200)
    assert heard[-1] == pytest.approx((100, 200), abs=1)
    QApplication.sendEvent(studio.view, _leave())
    assert all(map(math.isnan, heard[-1]))


def _leave() -> Any:
    from PySide6.QtCore import QEvent

    return QEvent(QEvent.Type.Leave)


def test_the_cursor_says_what_a_click_will_do(studio: Any) -> None:
    shapes = {}
    for name, at in (
        ("background", (10, 290)),
        ("shape", (70, 140)),
        ("vertex", (50, 50)),
        ("box", (250, 100)),
    ):
        studio.move(*at)
        shapes[name] = studio.view.cursor().shape()
    assert len(set(shapes.values())) == 4


def test_select_all_and_none(studio: Any) -> None:
    studio.view.select_all()
    assert studio.view.scene.selection == (1, 2, 3)
    studio.key(Qt.Key.Key_Escape)
    assert studio.view.scene.selection == ()


# -- keys and the window's shortcuts -----------------------------------------


def test_keys_that_mean_something_to_the_tool_do_not_reach_shortcuts(
    new_studio: Callable[..., Any], qtbot: QtBot
) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(800, 600)
    studio = new_studio(parent=window)
    fired: list[str] = []
    QShortcut(QKeySequence(Qt.Key.Key_Backspace), window, lambda: fired.append("backspace"))
    QShortcut(QKeySequence(Qt.Key.Key_D), window, lambda: fired.append("d"))
    window.show()
    studio.show()
    studio.view.activateWindow()
    qtbot.waitUntil(studio.view.hasFocus, timeout=2000)
    studio.key(Qt.Key.Key_Backspace)
    assert fired == ["backspace"]
    studio.view.set_tool("polygon")
    studio.click(100, 100)
    studio.key(Qt.Key.Key_Backspace)
    assert fired == ["backspace"]
    studio.key(Qt.Key.Key_D)
    assert fired == ["backspace", "d"]


# -- suggestions -------------------------------------------------------------


@pytest.fixture
def suggested(studio: Any) -> Any:
    from studio.model.records import Shape

    ghost = Shape(50, 7, 0, Box(220, 210, 300, 280), source="model", score=0.87)
    studio.view.set_suggestions([ghost])
    studio.settle()
    return studio


def test_a_click_on_a_suggestion_tells_which(suggested: Any, qtbot: QtBot) -> None:
    with qtbot.waitSignal(suggested.view.suggestion_clicked, timeout=1000) as told:
        suggested.click(260, 245)
    assert told.args == [50]
    assert suggested.view.scene.selection == ()


def test_the_suggestion_under_the_cursor_is_known_and_highlighted(suggested: Any) -> None:
    assert suggested.view.suggestion_under_cursor() is None
    plain = suggested.color(260, 230)
    suggested.move(260, 245)
    assert suggested.view.suggestion_under_cursor() == 50
    assert suggested.color(260, 230) != plain
    suggested.view.set_suggestions([])
    assert suggested.view.suggestion_under_cursor() is None


def test_while_drawing_suggestions_are_only_looked_at(suggested: Any, qtbot: QtBot) -> None:
    suggested.view.set_tool("polygon")
    with qtbot.assertNotEmitted(suggested.view.suggestion_clicked):
        suggested.click(260, 245)


# -- pictures ----------------------------------------------------------------


def test_a_file_is_shown_when_it_has_been_read(
    new_studio: Callable[..., Any], qtbot: QtBot, tmp_path: Path
) -> None:
    pixels = np.full((90, 120, 3), (30, 60, 90), np.uint8)
    path = write_image(tmp_path / "a.png", pixels)
    studio = new_studio()
    studio.show()
    with qtbot.waitSignal(studio.view.image_shown, timeout=5000) as told:
        studio.view.set_image(path, 8)
    assert told.args == [True]
    assert studio.view.scene.size_wh == (120, 90)
    assert studio.color(60, 45).getRgb()[:3] == (90, 60, 30)


def test_shapes_can_be_drawn_before_the_file_has_been_read(
    new_studio: Callable[..., Any], tmp_path: Path
) -> None:
    path = write_image(tmp_path / "a.png", np.zeros((300, 400, 3), np.uint8))
    studio = new_studio()
    studio.show()
    studio.view.set_image(path, 8, (400, 300))
    studio.view.set_tool("box")
    studio.drag((20, 20), (40, 40), (80, 90))
    assert studio.edits[0].shapes[0].image_id == 8


def test_a_damaged_file_says_so_on_the_canvas(
    new_studio: Callable[..., Any], qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / "bad.jpg"
    path.write_bytes(b"no picture")
    studio = new_studio()
    studio.show()
    good = studio.shot()
    with qtbot.waitSignal(studio.view.image_shown, timeout=5000) as told:
        studio.view.set_image(path, 9)
    assert told.args == [False]
    assert studio.view.problem()
    assert studio.shot() != good
    studio.show()
    assert studio.view.problem() == ""


def test_another_image_takes_shapes_and_selection_away(studio: Any) -> None:
    studio.click(300, 150)
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(0)
    studio.view.set_image(image, 9)
    assert len(studio.view.scene) == 0
    assert studio.view.scene.selection == ()
    studio.view.set_image(None)
    studio.click(10, 10)
    assert studio.edits == []


def test_a_real_picture_of_the_shared_data(
    new_studio: Callable[..., Any], shared_dir: Path, qtbot: QtBot
) -> None:
    paths = sorted((shared_dir / "datasets" / "coco8-seg").rglob("*.jpg"))
    studio = new_studio()
    studio.show()
    with qtbot.waitSignal(studio.view.image_shown, timeout=5000) as told:
        studio.view.set_image(paths[0])
        studio.view.prefetch(paths[1:3])
    assert told.args == [True]


@pytest.mark.parametrize("zoom", [9.0, 24.0])
def test_pixels_show_as_squares_with_grid_and_values(studio: Any, zoom: float) -> None:
    studio.view.set_shapes([])
    image = QImage(64, 48, QImage.Format.Format_RGB32)
    image.fill(0xFF202020)
    image.setPixelColor(32, 24, Qt.GlobalColor.white)
    studio.view.set_image(image, 7)
    studio.view.show_rect(32, 24, 33, 25)
    studio.view.set_zoom(zoom)
    shot = studio.shot()
    corner = studio.place(32, 24)
    inside = shot.pixelColor(corner + QPoint(3, 2))
    outside = shot.pixelColor(corner + QPoint(-3, -2))
    assert inside.lightness() > 200
    assert outside.lightness() < 60
    assert shot.pixelColor(corner + QPoint(0, 4)) not in (inside, outside)
    middle = studio.place(32.5, 24.5)
    digits = {
        shot.pixelColor(middle + QPoint(dx, dy)).lightness() < 128
        for dx in range(-3, 4)
        for dy in range(-3, 4)
    }
    assert (True in digits) is (zoom > 20)


def test_a_polygon_with_a_hole_shows_the_picture_in_it(studio: Any) -> None:
    from studio.model.records import Shape

    ring = ((20, 200), (120, 200), (120, 290), (20, 290))
    hole = ((50, 225), (90, 225), (90, 265), (50, 265))
    studio.view.set_shapes([Shape(1, 7, 0, Polygon(ring, (hole,)))])
    studio.move(300, 20)
    assert studio.color(70, 245).name() == "#404040"
    assert studio.color(35, 245).name() != "#404040"
