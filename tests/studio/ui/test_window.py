"""The window as a whole: nothing flashes up, what was arranged is remembered, the theme follows the setting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from weakref import ref

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from studio.app.studio import Studio
from studio.dialogs.shortcuts import ShortcutsDialog
from studio.main_window.window import PAGES
from studio.widgets.command_palette import CommandPalette

CTRL = Qt.KeyboardModifier.ControlModifier


class ShownWindows(QObject):
    """Notes every window that is shown beside the main one."""

    def __init__(self, window: QWidget) -> None:
        super().__init__()
        self.window, self.shown = window, list[QWidget]()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_new = event.type() == QEvent.Type.Show and isinstance(watched, QWidget)
        if is_new and watched.isWindow() and watched is not self.window:
            self.shown.append(watched)
        return False


@pytest.fixture
def shown_windows(studio: Studio, qapp: QApplication) -> Iterator[ShownWindows]:
    watch = ShownWindows(studio.window)
    qapp.installEventFilter(watch)
    yield watch
    qapp.removeEventFilter(watch)


def test_no_other_window_flashes_up(hands: Any, shown_windows: ShownWindows, parts: Path) -> None:
    hands.studio.files.open_paths([parts])
    hands.wait(lambda: hands.studio.session is not None)
    for name in PAGES:
        hands.studio.show_page(name)
        hands.settle()
    assert shown_windows.shown == []
    assert hands.studio.window.isActiveWindow()


def test_every_page_has_something_to_say_before_a_project_is_open(hands: Any) -> None:
    for name in PAGES[1:-1]:
        hands.rail(name.capitalize())
        assert hands.studio.window.current_page() == name
        hands.button("Open folder of images")


def test_the_theme_follows_the_settings_page_at_once(hands: Any) -> None:
    hands.rail("Settings")
    box = hands.studio.settings.rows.row("studio.theme").control
    for mode in ("light", "dark"):
        box.setCurrentIndex(box.findData(mode))
        box.activated.emit(box.currentIndex())
        assert hands.studio.theme.colors.scheme == mode
        assert hands.studio.actions[f"view.theme:{mode}"].isChecked()
        assert hands.studio.preferences["studio.theme"] == mode


def test_the_theme_follows_the_menu(labelled: Any) -> None:
    labelled.studio.actions["view.theme:light"].trigger()
    assert labelled.studio.theme.colors.scheme == "light"
    labelled.settle()
    middle = labelled.studio.window.grab().toImage().pixelColor(20, 400)
    assert middle.lightness() > 200
    labelled.studio.actions["view.theme:dark"].trigger()
    assert labelled.studio.window.grab().toImage().pixelColor(20, 400).lightness() < 60


def test_the_palette_finds_a_command_and_runs_it(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_K, CTRL)
    palette = labelled.studio.window.findChild(CommandPalette)
    QTest.keyClicks(palette.field, "rectan")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert labelled.canvas.tool_name == "box"


def test_the_list_of_shortcuts_opens_and_does_not_block(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_F1)
    dialog = labelled.studio.window.findChild(ShortcutsDialog)
    assert isinstance(dialog, QDialog)
    assert not dialog.isModal()
    dialog.close()


def _sheet(labelled: Any) -> ShortcutsDialog:
    labelled.press(Qt.Key.Key_F1)
    return labelled.studio.window.findChild(ShortcutsDialog)


def test_a_shortcut_is_changed_on_the_sheet_and_kept(
    labelled: Any, new_studio: Callable[[], Studio]
) -> None:
    sheet = _sheet(labelled)
    field = sheet.field("tool.use:box")
    QTest.mouseClick(field, Qt.MouseButton.LeftButton)
    assert field.text() == "Press keys"
    QTest.keyClick(field, Qt.Key.Key_F7)
    assert field.text() == "F7"
    sheet.close()
    labelled.studio.window.activateWindow()
    labelled.canvas.setFocus()
    labelled.press(Qt.Key.Key_R)
    assert labelled.canvas.tool_name != "box"
    labelled.press(Qt.Key.Key_F7)
    assert labelled.canvas.tool_name == "box"
    assert "F7" in labelled.studio.actions["tool.use:box"].toolTip()
    again = new_studio()
    assert again.actions["tool.use:box"].shortcut().toString() == "F7"


def test_a_key_in_use_is_taken_only_when_the_person_says_so(labelled: Any) -> None:
    sheet, actions = _sheet(labelled), labelled.studio.actions
    field = sheet.field("go.next")
    QTest.mouseClick(field, Qt.MouseButton.LeftButton)
    QTest.keyClick(field, Qt.Key.Key_P)
    assert actions["tool.use:polygon"].shortcut().toString() == "P"
    assert sheet.banner.isVisible()
    QTest.mouseClick(sheet.banner.action_button, Qt.MouseButton.LeftButton)
    assert actions["go.next"].shortcut().toString() == "P"
    assert actions["tool.use:polygon"].shortcuts() == []
    assert sheet.field("tool.use:polygon").text() == "none"
    QTest.mouseClick(sheet.reset_button("go.next"), Qt.MouseButton.LeftButton)
    QTest.mouseClick(sheet.restore_button, Qt.MouseButton.LeftButton)
    assert actions.key_map.to_list() == []
    assert actions["tool.use:polygon"].shortcut().toString() == "P"


def test_keys_of_the_shape_in_hand_are_refused_and_escape_changes_nothing(labelled: Any) -> None:
    sheet = _sheet(labelled)
    field = sheet.field("go.next")
    for key in (Qt.Key.Key_Escape, Qt.Key.Key_Return):
        before = field.text()
        QTest.mouseClick(field, Qt.MouseButton.LeftButton)
        QTest.keyClick(field, key)
        assert labelled.studio.actions.key_map.to_list() == []
        assert field.text() in (before, "D, PgDown")
    assert sheet.banner.isVisible()
    assert sheet.isVisible()


def test_the_sheet_is_searched(labelled: Any) -> None:
    sheet = _sheet(labelled)
    QTest.keyClicks(sheet.search, "rectang")
    QTest.keyClick(sheet.search, Qt.Key.Key_Return)
    assert sheet.field("tool.use:box").isVisible()
    assert not sheet.field("go.next").isVisible()


def test_size_and_docks_are_remembered(
    new_studio: Callable[[], Studio], photos: Path, qtbot: Any
) -> None:
    first = new_studio()
    first.files.open_paths([photos])
    qtbot.waitUntil(lambda: first.session is not None and not first.is_busy())
    assert first.session is not None
    first.window.resize(1100, 760)  # the offscreen screen is no wider
    first.session.annotate.docks[0].hide()
    first.window.close()
    second = new_studio()
    second.restore_window()
    second.files.open_paths([photos])
    qtbot.waitUntil(lambda: second.session is not None)
    assert second.session is not None
    assert (second.window.width(), second.window.height()) == (1100, 760)
    assert second.session.annotate.docks[0].isHidden()
    assert not second.session.annotate.docks[1].isHidden()


def test_the_place_in_the_project_is_remembered(
    new_studio: Callable[[], Studio], photos: Path, qtbot: Any
) -> None:
    first = new_studio()
    first.files.open_paths([photos])
    qtbot.waitUntil(lambda: first.session is not None and not first.is_busy())
    assert first.session is not None
    first.session.workspace.step(2)
    here = first.session.workspace.image_id
    first.window.close()
    second = new_studio()
    start = second.window.page("annotate")
    second.files.open_project(start._recent.itemAt(1).widget() and photos / "maskwright")
    assert second.session is not None
    assert second.session.workspace.image_id == here


def test_saving_says_that_all_is_saved(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_S, CTRL)
    assert "saved" in labelled.studio.window.status.currentMessage()
    assert labelled.studio.window.status.saved.text() == "saved ✓"


def test_closing_the_project_shows_the_start_with_the_project_in_its_list(opened: Any) -> None:
    opened.press(Qt.Key.Key_W, CTRL)
    assert opened.studio.session is None
    opened.settle()
    opened.button("Open folder of images")
    recent = [button.text() for button in opened.studio.window.findChildren(QWidget, "recent")]
    assert any("photos" in text for text in recent)


def test_a_closed_project_leaves_memory_and_threads_at_once(opened: Any) -> None:
    folder = opened.session.project.folder
    known = set(threading.enumerate())
    held = [ref(opened.session), ref(opened.canvas), ref(opened.session.thumbnails)]
    assert opened.studio.close_session()
    opened.wait(lambda: not any(thing() for thing in held))
    assert opened.studio.files.open_project(folder)
    opened.settle()
    opened.press(Qt.Key.Key_W, CTRL)
    opened.wait(lambda: set(threading.enumerate()) <= known)


def test_the_sample_is_made_with_progress_and_can_be_given_up(
    hands: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    hands.push(hands.button("Try the sample"))
    row = hands.studio.window.progress
    hands.wait(row.isVisible)
    hands.wait(lambda: row.share() > 0)
    hands.push(row.cancel_button)
    hands.wait(lambda: not hands.studio.is_busy())
    assert not row.isVisible()
    assert hands.studio.session is None
    assert hands.banner() == ""


def test_panels_are_hidden_and_brought_back_from_the_menu(labelled: Any) -> None:
    page, actions = labelled.session.annotate, labelled.studio.actions
    actions["view.panel:classes"].trigger()
    assert page.docks[0].isHidden()
    actions["view.panel:classes"].trigger()
    assert not page.docks[0].isHidden()
    actions["view.panel:history"].trigger()
    labelled.wait(page.history.list.isVisible)
