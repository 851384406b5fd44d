"""A project with many classes: they are found by typing, and a change of one leaves the rows of the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from studio.model.edits import ChangeClass, OrderClasses, RemoveClass
from studio.widgets.command_palette import KEYS, CommandPalette
from studio.widgets.searched_combo import SearchedComboBox
from tests.studio.ui.conftest import PLAIN, Hands

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def many(labelled: Hands) -> Hands:
    """The window with thirty more classes."""
    for number in range(30):
        labelled.session.project.add_class(f"part {number:02d}")
    labelled.settle()
    return labelled


def shown(hands: Hands) -> list[str]:
    rows = hands.session.annotate.classes.rows
    return [row.cls.name for row in rows if not row.isHidden()]


def test_the_classes_are_found_by_a_part_of_their_name(many: Hands) -> None:
    project, panel = many.session.project, many.session.annotate.classes
    assert panel.search.isVisible()
    panel.search.setFocus()
    QTest.keyClicks(panel.search, "ART 2")
    many.wait(lambda: len(shown(many)) == 12)
    QTest.keyClicks(panel.search, "7")
    QTest.keyClick(panel.search, Qt.Key.Key_Return)
    assert shown(many) == ["part 27"]
    assert many.canvas.hasFocus()
    cls = many.session.workspace.current_class()
    assert cls is not None
    assert cls.name == "part 27"
    panel.name_field.setText("another")
    many.push(panel.add_button)
    many.wait(lambda: panel.search.text() == "")  # the new one must not be sought in vain
    assert len(shown(many)) == 33
    panel.search.setFocus()
    QTest.keyClicks(panel.search, "zzz")
    many.wait(lambda: panel.nothing.isVisible())
    QTest.keyClick(panel.search, Qt.Key.Key_Escape)
    assert len(shown(many)) == 33
    for cls in project.classes()[5:]:
        project.apply(RemoveClass(cls))
    assert not panel.search.isVisible()
    assert len(shown(many)) == 5


def test_only_rows_that_change_are_made_anew(many: Hands) -> None:
    project, panel = many.session.project, many.session.annotate.classes
    before = {row.cls.id: row for row in panel.rows}
    classes = project.classes()
    project.apply(ChangeClass(replace(classes[3], name="other", visible=False, color="#123456")))
    assert {row.cls.id: row for row in panel.rows} == before
    row = panel.rows[3]
    assert (row.name(), row.swatch.color()) == ("other", "#123456")
    order = [cls.id for cls in classes]
    order = [order[20], *order[:20], *order[21:]]
    project.apply(OrderClasses(tuple(order)))
    assert [row.cls.id for row in panel.rows] == order
    assert [row.key.text() for row in panel.rows[:10]] == [*"123456789", ""]
    assert panel.rows[0] is before[order[0]]
    many.wait(lambda: panel.rows[1].y() > panel.rows[0].y())
    ys = [row.y() for row in panel.rows]
    assert ys == sorted(ys)
    project.apply(ChangeClass(replace(project.classes()[1], parent=order[0])))
    QApplication.processEvents()
    many.wait(lambda: panel.rows[1].swatch.x() > panel.rows[0].swatch.x())
    project.apply(RemoveClass(project.classes()[5]))
    assert len(panel.rows) == 31
    many.studio.actions["edit.undo"].trigger()
    assert [row.cls.id for row in panel.rows] == order


def test_the_class_of_a_shape_is_found_by_typing(many: Hands) -> None:
    many.canvas.setFocus()
    many.click(70, 70)
    many.press(Qt.Key.Key_E, CTRL)
    palette = many.studio.window.findChild(CommandPalette)
    assert palette is not None
    QTest.keyClicks(palette.field, "part 1")
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    many.wait(lambda: many.canvas.hasFocus())
    names = {cls.id: cls.name for cls in many.session.project.classes()}
    assert sorted(names[shape.class_id] for shape in many.shapes()) == ["nut", "part 10"]


def palette_of(hands: Hands) -> CommandPalette | None:
    found = hands.studio.window.findChildren(CommandPalette)
    return next((palette for palette in found if palette.isVisible()), None)


def push_through_the_window(hands: Hands, widget: QWidget) -> None:
    """Click where a control is: a popup that is open has the press first, as with a real mouse."""
    window = hands.studio.window
    place = widget.mapTo(window, widget.rect().center())
    QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, PLAIN, place)
    QApplication.processEvents()


def wait_until_it_rests(hands: Hands, widget: QWidget) -> None:
    """Wait until a control keeps its place: a panel that has just come lays itself out in several steps."""
    places: list[QPoint] = []

    def rests() -> bool:
        places.append(widget.mapToGlobal(QPoint(0, 0)))
        return widget.isVisible() and places[-5:] == [places[-1]] * 5

    hands.wait(rests)


def class_names(hands: Hands) -> list[str]:
    names = {cls.id: cls.name for cls in hands.session.project.classes()}
    return sorted(names[shape.class_id] for shape in hands.shapes())


def test_the_box_of_classes_opens_a_list_to_search_in(many: Hands) -> None:
    box = many.session.annotate.properties.class_box
    many.click(70, 70)
    wait_until_it_rests(many, box)
    on_screen = (
        box.screen().availableGeometry().center()
    )  # a test's screen is narrower than the window
    many.studio.window.move(on_screen - box.mapTo(many.studio.window, QPoint(0, 0)))
    before = class_names(many)
    shown = box.currentText()
    resting = box.grab().toImage()
    push_through_the_window(many, box)
    palette = palette_of(many)
    assert palette is not None
    assert not box.view().isVisible()
    assert palette.field.hasFocus()
    current = palette.list.currentItem()
    assert current is not None
    assert current.text() == shown
    assert not palette.geometry().contains(box.mapToGlobal(box.rect().center()))
    push_through_the_window(many, box)  # a second press closes it, as of any drop-down list
    many.wait(lambda: palette_of(many) is None)
    assert class_names(many) == before
    box.clearFocus()
    QApplication.processEvents()
    assert box.grab().toImage() == resting  # not left as if pressed
    push_through_the_window(many, box)
    palette = palette_of(many)
    assert palette is not None
    QTest.keyClicks(palette.field, "part 2")
    row = palette.list.item(next(r for r in range(33) if not palette.list.isRowHidden(r)))
    place = palette.list.visualItemRect(row).center()
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    many.wait(lambda: palette_of(many) is None)
    many.wait(lambda: "part 02" in class_names(many))
    many.wait(many.canvas.hasFocus)
    many.wait(lambda: box.currentText() == "part 02")


@pytest.mark.parametrize(
    ("key", "how"), [(Qt.Key.Key_Space, PLAIN), (Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)]
)
def test_keys_open_the_list_to_search_in_from_the_box(
    many: Hands, key: Qt.Key, how: Qt.KeyboardModifier
) -> None:
    box = many.session.annotate.properties.class_box
    many.click(70, 70)
    many.wait(box.isVisible)
    box.setFocus()
    many.press(key, how)
    palette = palette_of(many)
    assert palette is not None
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    many.wait(lambda: palette_of(many) is None)
    many.wait(box.hasFocus)
    many.press(key, how)
    palette = palette_of(many)
    assert palette is not None
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    many.wait(many.canvas.hasFocus)
    assert class_names(many) == ["nut", "nut"]  # the one below the bolt's


def test_arrow_keys_choose_in_the_closed_box(many: Hands) -> None:
    box = many.session.annotate.properties.class_box
    many.click(70, 70)
    many.wait(box.isVisible)
    box.setFocus()
    many.press(Qt.Key.Key_Down)
    assert palette_of(many) is None
    many.wait(lambda: class_names(many) == ["nut", "nut"])


def test_few_classes_need_no_search(labelled: Hands) -> None:
    assert not labelled.session.annotate.classes.search.isVisible()
    labelled.click(70, 70)
    labelled.press(Qt.Key.Key_E, CTRL)
    assert labelled.studio.window.findChild(CommandPalette) is None
    assert labelled.session.annotate.properties.class_box.view().isVisible()
    labelled.session.annotate.properties.class_box.hidePopup()
    labelled.push(labelled.session.annotate.properties.class_box)
    assert labelled.studio.window.findChild(CommandPalette) is None
    assert labelled.session.annotate.properties.class_box.view().isVisible()
    labelled.session.annotate.properties.class_box.hidePopup()


def type_into_its_list(hands: Hands, box: SearchedComboBox, text: str) -> None:
    """Open a box with the keyboard, find an entry and take it."""
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Space)
    palette = palette_of(hands)
    assert palette is not None
    assert not box.view().isVisible()
    QTest.keyClicks(palette.field, text)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    hands.wait(lambda: palette_of(hands) is None)


def test_the_filters_class_is_found_by_typing(many: Hands) -> None:
    bar, workspace = many.session.annotate.filmstrip.filter, many.session.workspace
    every = [bar.class_box.itemText(row) for row in range(bar.class_box.count())]
    assert len(every) == 33
    type_into_its_list(many, bar.class_box, "nut")
    nut = next(cls.id for cls in many.session.project.classes() if cls.name == "nut")
    many.wait(lambda: workspace.filter.class_id == nut)
    type_into_its_list(many, bar.class_box, "any")
    many.wait(lambda: workspace.filter.class_id is None)


def test_the_class_that_gets_a_removed_ones_shapes_is_found_by_typing(many: Hands) -> None:
    project, panel = many.session.project, many.session.annotate.classes
    bolt = project.classes()[0]
    dialog = panel.remove(bolt)
    assert dialog is not None
    many.wait(dialog.isVisible)
    type_into_its_list(many, dialog.target, "part 21")
    many.push(dialog.remove_button)
    many.wait(lambda: class_names(many) == ["nut", "part 21"])


def test_the_class_above_is_found_by_typing(many: Hands) -> None:
    project, panel = many.session.project, many.session.annotate.classes
    editor = panel.edit(project.classes()[0])
    many.wait(editor.isVisible)
    type_into_its_list(many, editor.parent_box, "part 09")
    many.push(editor.save_button)
    above = {cls.id: cls.name for cls in project.classes()}
    many.wait(lambda: project.classes()[0].parent is not None)
    assert above[project.classes()[0].parent or 0] == "part 09"


def test_the_list_tells_the_keys_of_the_classes(many: Hands) -> None:
    project = many.session.project
    project.apply(ChangeClass(replace(project.classes()[4], shortcut="w")))
    many.click(70, 70)
    many.press(Qt.Key.Key_E, CTRL)
    palette = palette_of(many)
    assert palette is not None
    keys = [palette.list.item(row).data(KEYS) for row in range(palette.list.count())]
    assert keys[:10] == ["1", "2", "3", "4", "W", "6", "7", "8", "9", ""]
