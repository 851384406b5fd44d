"""Editing on the real window: keys and mouse on the canvas, the docks of objects, properties and classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from engine.data.annotations import Box, Mask, Polygon
from engine.data.images import write_image
from studio.model.attribute_def import AttributeDef
from studio.model.edits import AddShapes, ChangeClass, RemoveShapes, SetFields
from studio.model.records import new_shape
from studio.panels.objects.row_view import mark_rect

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
KEY = Qt.Key


def add(hands: Any, *geometries: Any) -> list[Any]:
    """Put more shapes of the first class on the image and return all shapes."""
    project, image = hands.session.project, hands.session.workspace.image_id
    first = project.classes()[0].id
    project.apply(AddShapes(tuple(new_shape(image, first, g) for g in geometries)))
    return hands.shapes()


def act(hands: Any, name: str) -> None:
    """Run an action as its menu entry does."""
    action = hands.studio.actions[name]
    assert action.isEnabled(), name
    action.trigger()


def bounds(hands: Any, place: int) -> Any:
    return hands.shapes()[place].geometry.bounds()


# -- on the canvas -------------------------------------------------------------


def test_the_frame_stretches_and_turns_with_the_mouse(labelled: Any) -> None:
    labelled.click(70, 70)
    labelled.move(120, 200)
    frame = labelled.canvas.tool.preview().frame
    radius = labelled.canvas.tool.aim.radius
    x, y = frame.handles(radius)["se"]
    labelled.drag((x, y), (x + 10, y + 10), (x + 20, y + 20))
    assert bounds(labelled, 0) == pytest.approx((40, 40, 120, 120), abs=1)
    labelled.move(130, 200)
    frame = labelled.canvas.tool.preview().frame
    knob = frame.handles(labelled.canvas.tool.aim.radius)["turn"]
    labelled.drag(knob, (frame.cx + 40, frame.cy - 60), (frame.cx + 90, frame.cy))
    first = labelled.shapes()[0].geometry.exterior[0]
    assert first == pytest.approx((120, 40), abs=1)
    labelled.press(KEY.Key_Z, CTRL)
    labelled.press(KEY.Key_Z, CTRL)
    assert bounds(labelled, 0) == (40, 40, 100, 100)


def test_a_band_with_ctrl_chooses_vertices_and_backspace_takes_them(labelled: Any) -> None:
    add(labelled, Polygon(((220, 100), (260, 90), (300, 100), (300, 140), (220, 140))))
    labelled.click(260, 120)
    places = [labelled.place(210, 80), labelled.place(310, 105)]
    QTest.mouseMove(labelled.canvas, places[0])
    QTest.mousePress(labelled.canvas, LEFT, CTRL, places[0])
    QTest.mouseMove(labelled.canvas, labelled.place(250, 95))
    QTest.mouseMove(labelled.canvas, places[1])
    QTest.mouseRelease(labelled.canvas, LEFT, CTRL, places[1])
    assert len(labelled.canvas.tool.preview().chosen) == 3
    labelled.press(KEY.Key_Up, SHIFT)
    assert labelled.shapes()[2].geometry.exterior[1] == (260, 80)
    labelled.click(260, 80, CTRL)
    labelled.press(KEY.Key_Backspace)
    assert len(labelled.shapes()[2].geometry.exterior) == 3


def test_shapes_go_to_the_front_and_back_by_keys(labelled: Any) -> None:
    ids = [shape.id for shape in labelled.shapes()]
    labelled.click(70, 70)
    act(labelled, "shape.order:front")
    assert [shape.id for shape in labelled.shapes()] == ids[::-1]
    act(labelled, "shape.order:back")
    assert [shape.id for shape in labelled.shapes()] == ids


def test_locked_shapes_let_clicks_through_and_hidden_ones_are_gone(labelled: Any) -> None:
    labelled.click(70, 70)
    labelled.press(KEY.Key_L, CTRL)
    labelled.click(70, 70)
    assert labelled.session.workspace.selection == ()
    labelled.press(KEY.Key_L, CTRL | SHIFT)
    labelled.click(70, 70)
    labelled.press(KEY.Key_H, SHIFT)
    assert [shape.hidden for shape in labelled.shapes()] == [False, True]
    assert labelled.session.workspace.selection == (labelled.shapes()[0].id,)
    labelled.press(KEY.Key_H, CTRL)
    assert labelled.session.workspace.selection == ()
    labelled.press(KEY.Key_H, CTRL | SHIFT)
    assert not any(shape.hidden for shape in labelled.shapes())


def test_undo_takes_back_the_line_in_hand_before_what_is_finished(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_P)
    for place in ((220, 50), (260, 50), (260, 100)):
        labelled.click(*place)
    tool = labelled.canvas.hand.tool
    for left in (2, 1, 0):
        labelled.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        assert len(tool.points) == left
        assert len(labelled.shapes()) == 2
    labelled.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert labelled.shapes() == []


def test_an_open_line_waits_on_its_image(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_P)
    for place in ((220, 50), (260, 50), (260, 100)):
        labelled.click(*place)
    labelled.press(Qt.Key.Key_D)
    labelled.settle()
    assert "waits" in labelled.studio.window.status.currentMessage()
    assert labelled.canvas.hand.tool.points == []
    labelled.press(Qt.Key.Key_A)
    labelled.settle()
    assert len(labelled.canvas.hand.tool.points) == 3
    labelled.press(Qt.Key.Key_Return)
    assert len(labelled.shapes()) == 3
    labelled.press(Qt.Key.Key_D)
    labelled.settle()
    labelled.press(Qt.Key.Key_A)
    labelled.settle()
    assert labelled.canvas.hand.tool.points == []  # it is finished


def test_hidden_shapes_are_not_selected_however_often_all_are(labelled: Any) -> None:
    project = labelled.session.project
    nut = project.classes()[1]
    third = project.add_class("third")
    project.apply(ChangeClass(replace(nut, visible=False)))
    labelled.canvas.setFocus()
    shown = labelled.shapes()[0]
    for _ in range(2):
        labelled.press(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        assert labelled.session.workspace.selection == (shown.id,)
    labelled.press(Qt.Key.Key_3)
    assert [s.class_id for s in labelled.shapes()] == [third.id, nut.id]


def test_groups_by_key_and_selected_as_a_whole(labelled: Any) -> None:
    labelled.press(KEY.Key_A, CTRL)
    labelled.press(KEY.Key_G)
    assert [shape.attributes for shape in labelled.shapes()] == [{"group_id": 1}] * 2
    labelled.click(70, 70)
    labelled.press(KEY.Key_G, SHIFT)
    assert len(labelled.session.workspace.selection) == 2
    labelled.press(KEY.Key_U)
    assert [shape.attributes for shape in labelled.shapes()] == [{}] * 2


def test_all_of_a_class_and_the_others(labelled: Any) -> None:
    shapes = add(labelled, Box(220, 20, 260, 60))
    labelled.click(70, 70)
    labelled.press(KEY.Key_A, CTRL | SHIFT)
    assert set(labelled.session.workspace.selection) == {shapes[0].id, shapes[2].id}
    labelled.press(KEY.Key_I, CTRL)
    assert labelled.session.workspace.selection == (shapes[1].id,)


def test_union_subtraction_and_conversion_from_the_menu(labelled: Any) -> None:
    add(labelled, Polygon(((60, 60), (80, 60), (80, 80), (60, 80))))
    labelled.click(45, 45)
    labelled.click(70, 70, SHIFT)
    labelled.press(KEY.Key_X, CTRL | SHIFT)
    assert [len(shape.geometry.holes) for shape in labelled.shapes()] == [1, 0]
    act(labelled, "shape.convert:mask")
    first = labelled.shapes()[0]
    assert isinstance(first.geometry, Mask)
    assert first.geometry.area() == 3600 - 400
    act(labelled, "shape.fill_holes")
    act(labelled, "shape.convert:box")
    assert labelled.shapes()[0].geometry == Box(40, 40, 100, 100)
    for _ in range(4):
        labelled.press(KEY.Key_Z, CTRL)
    assert len(labelled.shapes()) == 3


def test_what_cannot_be_combined_says_why(labelled: Any) -> None:
    labelled.click(70, 70)
    act(labelled, "shape.unite")
    assert "two shapes" in labelled.banner()


def test_shapes_go_on_to_the_next_image_and_are_repeated(labelled: Any) -> None:
    before = [shape.geometry for shape in labelled.shapes()]
    labelled.press(KEY.Key_C, CTRL | SHIFT)
    assert labelled.session.workspace.position == 1
    assert [shape.geometry for shape in labelled.shapes()] == before
    labelled.press(KEY.Key_D)
    labelled.press(KEY.Key_V, CTRL | SHIFT)
    assert labelled.session.workspace.position == 2
    assert [shape.geometry for shape in labelled.shapes()] == before


def test_the_right_button_opens_the_menu_of_the_shape(labelled: Any) -> None:
    labelled.canvas.customContextMenuRequested.emit(labelled.place(70, 70))
    menus = [m for m in labelled.canvas.findChildren(QMenu) if m.isVisible()]
    assert menus
    texts = [action.text() for action in menus[0].actions()]
    assert "Turn into" in texts
    assert "Lock or unlock" in texts
    menus[0].close()


# -- the docks ----------------------------------------------------------------


def test_a_row_is_locked_and_hidden_by_its_marks(labelled: Any) -> None:
    panel = labelled.session.annotate.objects
    first = labelled.shapes()[0].id
    labelled.wait(lambda: not panel.row_of(first).isNull())
    row = panel.list.visualRect(panel.rows.index(0, 0))
    for mark in ("locked", "hidden"):
        place = mark_rect(row, mark).center()
        QTest.mouseClick(panel.list.viewport(), LEFT, pos=place)
        assert getattr(labelled.shapes()[0], mark)
        assert labelled.session.workspace.selection == ()
    labelled.wait(lambda: panel.rows.shapes()[0].hidden)
    QTest.mouseClick(panel.list.viewport(), LEFT, pos=mark_rect(row, "hidden").center())
    assert not labelled.shapes()[0].hidden


def ask(hands: Any) -> None:
    """Let both classes ask for a colour, and the first for an age and whether it is new."""
    project = hands.session.project
    color = AttributeDef("colour", "choice", ("red", "blue"))
    extra = (AttributeDef("age", "number"), AttributeDef("new", "flag"))
    bolt, nut = project.classes()
    project.apply(ChangeClass(replace(bolt, attributes=(color, *extra))))
    project.apply(ChangeClass(replace(nut, attributes=(color,))))


def test_properties_of_one_shape_are_changed(labelled: Any) -> None:
    ask(labelled)
    panel = labelled.session.annotate.properties
    labelled.click(70, 70)
    labelled.wait(lambda: "age" in panel.attributes)
    assert panel.lines["Area"].text() == "3,600 px²"
    QTest.mouseClick(panel.flags["crowd"], LEFT, pos=QPoint(8, 10))
    panel.track.setFocus()
    QTest.keyClicks(panel.track, "17")
    QTest.keyClick(panel.track, KEY.Key_Return)
    panel.attributes["age"].setFocus()
    QTest.keyClicks(panel.attributes["age"], "2.5")
    QTest.keyClick(panel.attributes["age"], KEY.Key_Return)
    assert labelled.shapes()[0].attributes == {"crowd": True, "track_id": 17, "age": 2.5}
    assert labelled.canvas.hasFocus()
    labelled.wait(lambda: panel.flags["crowd"].isChecked())
    QTest.mouseClick(panel.flags["crowd"], LEFT, pos=QPoint(8, 10))
    assert "crowd" not in labelled.shapes()[0].attributes


def test_what_is_drawn_gets_the_defaults_and_what_was_there_does_not(labelled: Any) -> None:
    project = labelled.session.project
    bolt, nut = project.classes()
    asked = (
        AttributeDef("weather", "choice", ("sun", "rain"), "sun"),
        AttributeDef("seen", "flag", default=True),
        AttributeDef("maker", "text", default="me"),
        AttributeDef("age", "number"),
    )
    project.apply(ChangeClass(replace(bolt, attributes=asked)))
    panel = labelled.session.annotate.properties
    labelled.click(70, 70)
    labelled.wait(lambda: "seen" in panel.attributes)
    assert panel.attributes["seen"].checkState() == Qt.CheckState.Unchecked
    assert panel.attributes["weather"].currentText() == "–"
    assert panel.attributes["maker"].placeholderText() == ""
    assert "sun" in panel.attributes["weather"].toolTip()
    assert panel.attributes["age"].toolTip() == ""
    labelled.session.workspace.choose_class(bolt.id)
    labelled.press(KEY.Key_R)
    labelled.drag((230, 40), (260, 60), (290, 90))
    drawn = labelled.shapes()[-1]
    usual = {"weather": "sun", "seen": True, "maker": "me"}
    assert drawn.attributes == usual
    labelled.session.workspace.select([drawn.id])
    labelled.wait(panel.attributes["seen"].isChecked)
    labelled.press(KEY.Key_Z, CTRL)
    assert drawn.id not in [shape.id for shape in labelled.shapes()]
    other = next(s for s in labelled.shapes() if s.class_id == nut.id)
    labelled.session.workspace.select([other.id])
    labelled.wait(lambda: panel.class_box.currentData() == nut.id)
    row = panel.class_box.findData(bolt.id)
    panel.class_box.activated.emit(row)
    changed = next(s for s in labelled.shapes() if s.id == other.id)
    assert (changed.class_id, changed.attributes) == (bolt.id, usual)


def test_several_shapes_show_what_is_mixed_and_change_together(labelled: Any) -> None:
    ask(labelled)
    panel = labelled.session.annotate.properties
    labelled.click(70, 70)
    labelled.wait(lambda: "age" in panel.attributes)
    QTest.mouseClick(panel.flags["occluded"], LEFT, pos=QPoint(8, 10))
    panel.description.setFocus()
    QTest.keyClicks(panel.description, "rusty")
    QTest.keyClick(panel.description, KEY.Key_Return)
    labelled.press(KEY.Key_A, CTRL)
    labelled.wait(lambda: panel.class_box.currentIndex() == -1)
    assert list(panel.attributes) == ["colour"]
    assert panel.flags["occluded"].checkState() == Qt.CheckState.PartiallyChecked
    assert (panel.description.text(), panel.description.placeholderText()) == ("", "mixed")
    panel.description.setFocus()
    labelled.canvas.setFocus()  # looked at, not changed
    assert [s.attributes.get("description") for s in labelled.shapes()] == ["rusty", None]
    QTest.mouseClick(panel.flags["occluded"], LEFT, pos=QPoint(8, 10))
    panel.attributes["colour"].setCurrentIndex(2)
    panel.attributes["colour"].activated.emit(2)
    assert [s.attributes.get("colour") for s in labelled.shapes()] == ["blue", "blue"]
    assert [s.attributes.get("occluded") for s in labelled.shapes()] == [True, True]


def test_locked_shapes_keep_their_properties(labelled: Any) -> None:
    panel = labelled.session.annotate.properties
    labelled.click(70, 70)
    labelled.wait(lambda: panel.flags["crowd"].isVisible())
    labelled.press(KEY.Key_L, CTRL)
    labelled.wait(lambda: not panel.flags["crowd"].isEnabled())
    assert not panel.class_box.isEnabled()


def test_a_class_is_edited_in_its_window(labelled: Any) -> None:
    project, panel = labelled.session.project, labelled.session.annotate.classes
    bolt, nut = project.classes()
    editor = panel.edit(bolt)
    labelled.wait(editor.isVisible)
    editor.key.setText("d")
    labelled.push(editor.save_button)
    assert "Next image" in editor.banner.text()
    editor.key.setText("w")
    editor.parent_box.setCurrentIndex(editor.parent_box.findData(nut.id))
    editor.opacity.setValue(40)
    labelled.push(editor.attributes.add_button)
    editor.attributes.table.item(0, 0).setText("colour")
    editor.attributes.table.cellWidget(0, 1).setCurrentText("choice")
    editor.attributes.table.item(0, 2).setText("red, blue")
    editor.points.setText("tip, left, right")
    editor.bones.setText("1-2, 1-3")
    editor.mirror.setText("2-3")
    labelled.push(editor.save_button)
    after = project.classes()[0]
    assert (after.shortcut, after.parent, after.opacity) == ("w", nut.id, 0.4)
    assert after.attributes == (AttributeDef("colour", "choice", ("red", "blue")),)
    assert after.keypoints.skeleton == ((0, 1), (0, 2))
    assert after.keypoints.mirrored == (0, 2, 1)
    assert QTest.qWaitForWindowActive(labelled.studio.window)
    labelled.canvas.setFocus()
    labelled.press(KEY.Key_2)
    labelled.press(KEY.Key_W)
    assert labelled.session.workspace.class_id == bolt.id
    labelled.press(KEY.Key_Z, CTRL)
    assert project.classes()[0] == bolt


def test_a_class_with_shapes_asks_what_becomes_of_them(labelled: Any) -> None:
    project, panel = labelled.session.project, labelled.session.annotate.classes
    bolt, nut = project.classes()
    dialog = panel.remove(bolt)
    assert dialog.move_button.isChecked()
    labelled.push(dialog.remove_button)
    assert project.classes() == [nut]
    assert [shape.class_id for shape in labelled.shapes()] == [nut.id, nut.id]
    labelled.canvas.setFocus()
    labelled.press(KEY.Key_Z, CTRL)
    assert project.classes() == [bolt, nut]


def test_classes_merge_and_split_from_the_menu(labelled: Any) -> None:
    project, panel = labelled.session.project, labelled.session.annotate.classes
    bolt, nut = project.classes()
    panel.menu_of(bolt).close()
    panel.merge(nut, bolt)
    assert project.class_counts() == {bolt.id: 2}
    labelled.click(70, 70)
    panel.split_selected(bolt)
    assert [cls.name for cls in project.classes()] == ["bolt", "bolt 2"]
    panel.split_by(bolt, "colour")
    assert "No shape" in panel.banner.text()
    panel.select_shapes(bolt)
    assert labelled.session.workspace.selection == (labelled.shapes()[1].id,)


def test_a_double_click_offers_the_classes(labelled: Any) -> None:
    panel = labelled.session.annotate.properties
    labelled.click(70, 70)
    labelled.wait(lambda: panel.class_box.isVisible())
    QTest.mouseDClick(labelled.canvas, LEFT, Qt.KeyboardModifier.NoModifier, labelled.place(70, 70))
    assert panel.class_box.view().isVisible()
    panel.class_box.hidePopup()


def test_the_list_of_objects_is_that_of_the_project_after_every_edit(labelled: Any) -> None:
    project, image = labelled.session.project, labelled.session.workspace.image_id
    rows = labelled.session.annotate.objects.rows
    first, second = labelled.shapes()
    steps: list[Callable[[], object]] = [
        lambda: add(labelled, Box(1, 1, 9, 9), Box(2, 2, 8, 8)),
        lambda: project.apply(SetFields({first.id: {"z": 99}})),
        lambda: project.apply(SetFields({second.id: {"locked": True}, first.id: {"z": 1}})),
        lambda: project.apply(RemoveShapes((second,))),
        *[project.undo] * 4,
        *[project.redo] * 4,
        lambda: project.apply(RemoveShapes(tuple(labelled.shapes()))),
        project.undo,
    ]
    for step in steps:
        step()
        assert list(rows.shapes()) == project.shape_rows(image)
        assert {rows.place(s.id) for s in rows.shapes()} == set(range(rows.rowCount()))
        assert labelled.session.annotate.objects.list.isVisible() == bool(rows.rowCount())
        drawn = {shape.id: shape for shape in labelled.canvas.scene.shapes()}
        assert drawn == {shape.id: shape for shape in labelled.shapes()}


def test_what_does_not_fit_into_the_next_image_is_said(hands: Any, photos: Path) -> None:
    for name, size_wh in (("img1.png", (180, 240)), ("img2.png", (80, 80))):
        write_image(photos / name, np.zeros((*size_wh[::-1], 3), np.uint8))
    hands.studio.files.open_paths([photos])
    hands.wait(lambda: hands.session.workspace.image_id is not None)
    hands.session.project.add_class("bolt")
    add(hands, Box(40, 40, 100, 100), Box(150, 150, 210, 210))
    act(hands, "tool.use:select")
    act(hands, "edit.select_all")
    act(hands, "edit.copy")
    act(hands, "edit.copy_to_next")
    status = hands.studio.window.status
    assert status.currentMessage() == "1 shape was cut at the border of this image."
    assert len(hands.shapes()) == 2
    hands.session.workspace.step(1)
    hands.settle()
    act(hands, "edit.paste")
    said = "1 of 2 shapes lies outside this image; 1 was cut at its border."
    assert status.currentMessage() == said
    (kept,) = hands.shapes()
    assert kept.geometry.bounds() == (40, 40, 80, 80)
    assert hands.session.workspace.selection == (kept.id,)
    act(hands, "edit.delete")
    act(hands, "edit.repeat_last")
    assert status.currentMessage() == said


def test_a_union_that_becomes_a_mask_is_said(labelled: Any) -> None:
    labelled.press(Qt.Key.Key_A, CTRL)
    act(labelled, "shape.unite")
    said = "Unite 2 shapes as a mask: their parts do not touch"
    assert labelled.studio.window.status.currentMessage() == said
    assert labelled.session.project.history()[0].label == said
