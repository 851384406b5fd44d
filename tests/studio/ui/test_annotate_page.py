"""Annotating with mouse and keys on the real window."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTabBar, QToolButton

from studio.actions.table import ACTIONS

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
SQUARE = ((200.0, 20.0), (280.0, 20.0), (280.0, 80.0), (200.0, 80.0))


def names(hands: Any) -> list[str]:
    classes = {cls.id: cls.name for cls in hands.session.project.classes()}
    return [classes[shape.class_id] for shape in hands.shapes()]


def test_undo_and_redo(opened: Any) -> None:
    opened.draw(*SQUARE)
    before = opened.shapes()
    opened.press(Qt.Key.Key_Z, CTRL)
    assert opened.shapes() == []
    assert not opened.studio.actions["edit.undo"].isEnabled() or opened.session.project.can_undo
    opened.press(Qt.Key.Key_Z, CTRL | SHIFT)
    assert opened.shapes() == before
    opened.press(Qt.Key.Key_Z, CTRL)
    opened.press(Qt.Key.Key_Y, CTRL)
    assert opened.shapes() == before


def test_undo_goes_to_the_image_that_it_changes(opened: Any) -> None:
    opened.draw(*SQUARE)
    first = opened.session.workspace.image_id
    opened.press(Qt.Key.Key_D)
    assert opened.session.workspace.image_id != first
    opened.press(Qt.Key.Key_Z, CTRL)
    assert opened.session.workspace.image_id == first
    assert opened.shapes() == []


def test_keys_choose_the_class_of_what_is_drawn_next(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_2)
    labelled.press(Qt.Key.Key_P)
    labelled.draw(*SQUARE)
    assert names(labelled) == ["bolt", "nut", "nut"]
    labelled.press(Qt.Key.Key_1)
    labelled.draw((20, 180), (80, 180), (80, 230))
    assert names(labelled)[-1] == "bolt"


def test_keys_give_their_class_to_the_selected_shapes(labelled: Any) -> None:
    labelled.click(70, 70)
    assert labelled.session.workspace.selection
    labelled.press(Qt.Key.Key_2)
    assert names(labelled) == ["nut", "nut"]


def test_class_keys_work_after_a_click_in_the_filmstrip_and_the_lists(labelled: Any) -> None:
    strip = labelled.session.annotate.filmstrip.view
    second = strip.visualRect(strip.model().index(1, 0)).center()
    QTest.mouseClick(strip.viewport(), Qt.MouseButton.LeftButton, pos=second)
    labelled.settle()
    assert labelled.session.workspace.position == 1
    assert labelled.canvas.hasFocus()
    labelled.press(Qt.Key.Key_2)
    assert labelled.session.workspace.class_id == labelled.session.project.classes()[1].id
    strip.setFocus()
    labelled.press(Qt.Key.Key_1)
    assert labelled.session.workspace.class_id == labelled.session.project.classes()[0].id


def test_images_are_switched_with_keys_and_the_canvas_keeps_them(opened: Any) -> None:
    places = []
    for key in (Qt.Key.Key_D, Qt.Key.Key_PageDown, Qt.Key.Key_D, Qt.Key.Key_A, Qt.Key.Key_PageUp):
        opened.press(key)
        places.append(opened.session.workspace.position)
        assert opened.canvas.hasFocus()
    assert places == [1, 2, 2, 1, 0]


def test_a_vertex_is_moved_and_put_back(labelled: Any) -> None:
    before = labelled.shapes()[0].geometry
    labelled.click(70, 70)
    labelled.drag((100, 100), (110, 112), (120, 120))
    after = labelled.shapes()[0].geometry
    assert after.exterior[2] == pytest.approx((120, 120), abs=0.6)
    assert after.exterior[:2] == before.exterior[:2]
    labelled.press(Qt.Key.Key_Z, CTRL)
    assert labelled.shapes()[0].geometry == before


def test_a_vertex_is_inserted_and_removed(labelled: Any) -> None:
    labelled.click(70, 70)
    labelled.drag((70, 40), (70, 30), (70, 20))
    shape = labelled.shapes()[0].geometry
    assert len(shape.exterior) == 5
    labelled.click(*shape.exterior[1], how=Qt.KeyboardModifier.AltModifier)
    assert len(labelled.shapes()[0].geometry.exterior) == 4


def test_a_shape_is_moved_and_nudged(labelled: Any) -> None:
    labelled.drag((70, 70), (80, 90), (90, 110))
    x1, y1, _, _ = labelled.shapes()[0].geometry.bounds()
    assert (x1, y1) == pytest.approx((60, 80), abs=0.6)
    labelled.press(Qt.Key.Key_Right, SHIFT)
    assert labelled.shapes()[0].geometry.bounds()[0] == pytest.approx(x1 + 10)


def test_delete_takes_the_selected_shape(labelled: Any) -> None:
    labelled.click(70, 70)
    labelled.press(Qt.Key.Key_Delete)
    assert names(labelled) == ["nut"]


def test_copy_and_paste_into_another_image(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_A, CTRL)
    labelled.press(Qt.Key.Key_C, CTRL)
    before = [shape.geometry for shape in labelled.shapes()]
    labelled.press(Qt.Key.Key_D)
    labelled.settle()
    labelled.press(Qt.Key.Key_V, CTRL)
    assert [shape.geometry for shape in labelled.shapes()] == before
    labelled.press(Qt.Key.Key_D, CTRL)
    assert len(labelled.shapes()) == 4


def test_typing_in_a_field_is_not_a_shortcut(labelled: Any) -> None:
    field = labelled.session.annotate.classes.name_field
    field.setFocus()
    for letter in "pd1V":
        QTest.keyClicks(field, letter)
    assert field.text() == "pd1V"
    assert labelled.canvas.tool_name == "select"
    assert labelled.session.workspace.position == 0
    QTest.keyClick(field, Qt.Key.Key_Return)
    classes = labelled.session.project.classes()
    assert classes[-1].name == "pd1V"
    assert labelled.session.workspace.class_id == classes[-1].id


def test_tab_hides_all_but_the_canvas_only_from_the_canvas(labelled: Any) -> None:
    page, window = labelled.session.annotate, labelled.studio.window
    labelled.press(Qt.Key.Key_Tab)
    assert not page.classes.isVisible()
    assert not window.rail.isVisible()
    assert labelled.canvas.isVisible()
    labelled.press(Qt.Key.Key_Tab)
    assert page.classes.isVisible()
    assert window.rail.isVisible()
    page.classes.name_field.setFocus()
    labelled.press(Qt.Key.Key_Tab)
    assert page.classes.isVisible()
    assert not page.classes.name_field.hasFocus()


def test_another_page_brings_the_window_back(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_Tab)
    labelled.press(Qt.Key.Key_3, CTRL)
    assert labelled.studio.window.rail.isVisible()
    assert labelled.studio.window.current_page() == "train"


def test_keys_of_the_canvas_do_nothing_on_another_page(labelled: Any) -> None:
    labelled.rail("Dataset")
    for key in (Qt.Key.Key_D, Qt.Key.Key_P, Qt.Key.Key_2, Qt.Key.Key_Delete):
        labelled.press(key)
    workspace = labelled.session.workspace
    assert (workspace.position, labelled.canvas.tool_name) == (0, "select")
    assert workspace.class_id == labelled.session.project.classes()[0].id
    labelled.rail("Annotate")
    labelled.press(Qt.Key.Key_D)
    assert workspace.position == 1


def test_the_filter_keeps_the_image_at_hand_until_it_is_left(opened: Any) -> None:
    strip, workspace = opened.session.annotate.filmstrip, opened.session.workspace
    strip.filter.status_box.setCurrentText("Unlabelled")
    assert len(workspace.image_ids) == 3
    opened.canvas.setFocus()
    opened.draw(*SQUARE)
    assert workspace.position == 0
    first = workspace.image_id
    opened.press(Qt.Key.Key_D)
    assert len(workspace.image_ids) == 2
    assert first not in workspace.image_ids
    assert workspace.position == 0
    strip.filter.status_box.setCurrentText("Labelled")
    assert list(workspace.image_ids) == [first]


def test_the_filter_by_class_and_by_name(labelled: Any) -> None:
    strip, workspace = labelled.session.annotate.filmstrip, labelled.session.workspace
    strip.filter.class_box.setCurrentText("nut")
    assert len(workspace.image_ids) == 1
    strip.filter.class_box.setCurrentIndex(0)
    QTest.keyClicks(strip.filter.search, "img2")
    labelled.wait(lambda: len(workspace.image_ids) == 1)


def test_next_unlabelled_goes_round_the_end(labelled: Any) -> None:
    workspace = labelled.session.workspace
    seen = []
    for _ in range(3):
        labelled.press(Qt.Key.Key_D, CTRL | SHIFT)
        seen.append(workspace.position)
    assert seen == [1, 2, 1]


def test_the_class_of_the_whole_image_is_said_changed_and_taken_back(opened: Any) -> None:
    project, strip = opened.session.project, opened.session.pages.annotate.image_tags
    opened.press(Qt.Key.Key_I, SHIFT)
    assert project.label_facts().kinds == {}, "there is no class yet"
    for name in ("hen", "cock"):
        project.add_class(name)
    for key, said in ((Qt.Key.Key_1, ["hen"]), (Qt.Key.Key_2, ["cock"])):
        opened.press(key)
        opened.press(Qt.Key.Key_I, SHIFT)
        assert [chip.words.text() for chip in strip.chips] == said
    assert project.label_facts().kinds == {"tag": 1}
    opened.press(Qt.Key.Key_I, SHIFT)
    assert strip.chips == []
    assert project.history()[0].label == "Take its class away"
    opened.press(Qt.Key.Key_Z, CTRL)
    assert [chip.words.text() for chip in strip.chips] == ["cock"]
    opened.press(Qt.Key.Key_Z, CTRL)
    assert [chip.words.text() for chip in strip.chips] == ["hen"], "one step of the history"


def test_background_is_marked_and_counted(opened: Any) -> None:
    opened.press(Qt.Key.Key_B, SHIFT)
    assert opened.session.project.status_counts()["background"] == 1
    counts = opened.session.annotate.filmstrip._counts
    opened.wait(lambda: "1 labelled" in counts.text())
    opened.press(Qt.Key.Key_B, SHIFT)
    opened.wait(lambda: "0 labelled" in counts.text())


def test_dropped_folders_and_files_are_added(
    opened: Any, tmp_path: Path, write_photos: Any
) -> None:
    more = write_photos(tmp_path / "more", 2, (32, 32))
    single = write_photos(tmp_path / "single", 1, (32, 32))
    opened.drop(opened.studio.window, more[0].parent, single[0])
    opened.settle()
    assert opened.session.project.count_images() == 6


def test_a_folder_dropped_on_the_start_screen_is_opened(hands: Any, photos: Path) -> None:
    hands.drop(hands.studio.window.page("annotate"), photos)
    hands.wait(lambda: hands.studio.session and hands.session.workspace.image_id is not None)
    assert hands.session.project.count_images() == 3


def test_selecting_in_the_list_selects_on_the_canvas(labelled: Any) -> None:
    panel = labelled.session.annotate.objects
    objects, second = panel.list, labelled.shapes()[1].id
    labelled.wait(lambda: not panel.row_of(second).isNull())
    place = panel.row_of(second)
    QTest.mouseClick(objects.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert labelled.session.workspace.selection == (labelled.shapes()[1].id,)
    assert labelled.canvas.scene.selection == labelled.session.workspace.selection


def test_a_class_is_renamed_hidden_and_removed(labelled: Any) -> None:
    panel = labelled.session.annotate.classes
    QTest.mouseDClick(panel.rows[0], Qt.MouseButton.LeftButton, pos=QPoint(80, 10))
    editor = panel.rows[0]._editor
    editor.selectAll()
    QTest.keyClicks(editor, "screw")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert labelled.session.project.classes()[0].name == "screw"
    labelled.wait(lambda: panel.rows[0].eye.isVisible())
    labelled.push(panel.rows[0].eye)
    assert not labelled.session.project.classes()[0].visible
    dialog = panel.remove(labelled.session.project.classes()[0])
    dialog.delete_button.click()
    labelled.push(dialog.remove_button)
    assert [cls.name for cls in labelled.session.project.classes()] == ["nut"]
    assert len(labelled.shapes()) == 1


def test_the_history_goes_back_and_forth(labelled: Any) -> None:
    page = labelled.session.annotate
    labelled.press(Qt.Key.Key_P)
    labelled.draw(*SQUARE)
    page.docks[2].raise_()
    labelled.wait(page.history.list.isVisible)
    labels = [page.history.list.item(i).text() for i in range(page.history.list.count())]
    assert labels[-1] == "Start"
    row = page.history.list.visualItemRect(page.history.list.item(1)).center()
    QTest.mouseClick(page.history.list.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert len(labelled.shapes()) == 2
    labelled.wait(lambda: page.history.list.currentRow() == 1)
    row = page.history.list.visualItemRect(page.history.list.item(0)).center()
    QTest.mouseClick(page.history.list.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert len(labelled.shapes()) == 3


def test_what_cannot_be_done_is_greyed(hands: Any, photos: Path) -> None:
    actions = hands.studio.actions
    for spec in ACTIONS:
        assert actions[spec.id].isEnabled() == (not spec.needs), spec.id
    hands.studio.files.open_paths([photos])
    hands.wait(lambda: hands.session.workspace.image_id is not None)
    hands.settle()
    assert actions["tool.use:polygon"].isEnabled()
    for missing in ("edit.undo", "edit.redo", "edit.delete", "suggest.accept"):
        assert not actions[missing].isEnabled(), missing
    hands.draw(*SQUARE)
    assert actions["edit.undo"].isEnabled()


def test_the_status_bar_follows_the_cursor(opened: Any) -> None:
    opened.move(100, 60)
    status = opened.studio.window.status
    assert status.cursor_place.text() == "x 100  y 60"
    assert status.image.text() == "320 × 240"
    opened.canvas.cursor_moved.emit(float("nan"), float("nan"))
    assert status.cursor_place.text() == ""
    opened.rail("Train")
    assert not status.zoom.isVisible()


def test_no_row_of_tabs_lies_over_a_dock(opened: Any) -> None:
    page = opened.session.annotate

    def strays() -> list[str]:
        places = [dock.geometry() for dock in page.docks if dock.isVisible()]
        return [
            bar.tabText(0)
            for bar in page.findChildren(QTabBar)
            if bar.isVisibleTo(page)
            and bar.parent() is page
            and any(bar.geometry().intersects(place) for place in places)
        ]

    opened.wait(lambda: not strays(), timeout_ms=2000)
    page.arrange_docks(page.saveState(page.docks_version))
    opened.wait(lambda: not strays(), timeout_ms=2000)
    assert sum(bar.isVisibleTo(page) for bar in page.findChildren(QTabBar)) >= 2


@pytest.mark.parametrize(("size", "rows"), [((1280, 720), 1), ((1100, 700), 2)])
def test_every_tool_is_in_sight_in_a_small_window(
    opened: Any, size: tuple[int, int], rows: int
) -> None:
    window, strip = opened.studio.window, opened.session.annotate.strip
    window.resize(*size)
    opened.wait(lambda: window.width() == size[0])
    opened.settle()
    buttons = strip.findChildren(QToolButton)
    places = [QRect(b.mapTo(strip, QPoint()), b.size()) for b in buttons]
    assert len(buttons) > 20
    assert all(strip.rect().contains(place) for place in places)
    assert not any(a.intersects(b) for a, b in itertools.combinations(places, 2))
    assert len({place.y() for place in places}) == rows
    assert strip.height() < rows * 45  # the picture gets the rest
    assert opened.canvas.y() >= strip.geometry().bottom()
