"""Classes whose eye is shut, in the real window: what is drawn into them, and what lies below them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt

from studio.model.edits import AddShapes, ChangeClass
from studio.model.records import ClassDef, ImageFilter, new_shape
from tests.studio.ui.conftest import Hands


def class_of(hands: Hands, name: str) -> ClassDef:
    return next(cls for cls in hands.session.project.classes() if cls.name == name)


def said(hands: Hands) -> str:
    return str(hands.studio.window.status.currentMessage())


def push_eye(hands: Hands, row: int) -> None:
    rows = hands.session.annotate.classes.rows
    hands.wait(lambda: rows[row].eye.isVisible())
    hands.push(rows[row].eye)


def test_who_draws_into_a_hidden_class_is_told_each_time(labelled: Hands) -> None:
    hands = labelled
    nut = class_of(hands, "nut")
    hands.session.apply(ChangeClass(replace(nut, visible=False)))
    hands.session.workspace.choose_class(nut.id)
    hands.press(Qt.Key.Key_R)
    for x in (220, 260):
        hands.studio.window.status.clearMessage()
        hands.click(x, 30)
        hands.click(x + 30, 60)
        assert "nut" in said(hands)
        assert not class_of(hands, "nut").visible
    hands.studio.window.status.clearMessage()
    hands.session.workspace.choose_class(class_of(hands, "bolt").id)
    hands.click(220, 100)
    hands.click(250, 130)
    assert said(hands) == ""
    assert len(hands.shapes()) == 5


def test_drawing_shows_the_shapes_that_were_hidden_all_together(labelled: Hands) -> None:
    hands = labelled
    shown = hands.studio.actions["view.shapes"]
    hands.press(Qt.Key.Key_H)
    assert not shown.isChecked()
    hands.click(70, 70)  # choosing and looking go on with the bare picture
    assert not shown.isChecked()
    hands.press(Qt.Key.Key_R)
    hands.click(220, 30)
    assert shown.isChecked()  # before the box has its second corner: it is seen while it grows
    assert hands.canvas.labels.visible
    assert said(hands)
    hands.click(250, 60)
    assert len(hands.shapes()) == 3
    hands.press(Qt.Key.Key_H)
    assert not hands.canvas.labels.visible


def test_a_class_means_those_below_it(labelled: Hands) -> None:
    hands = labelled
    project, workspace = hands.session.project, hands.session.workspace
    one, two, _ = project.image_ids()
    bolt, nut = class_of(hands, "bolt"), class_of(hands, "nut")
    hands.session.apply(ChangeClass(replace(nut, parent=bolt.id)))
    square = hands.shapes()[0].geometry
    hands.session.apply(AddShapes((new_shape(two, nut.id, square),)))
    assert project.image_ids(ImageFilter(class_id=bolt.id)) == [one, two]
    assert project.image_ids(ImageFilter(class_id=nut.id)) == [one, two]
    assert project.store.count_images(ImageFilter(class_id=bolt.id)) == 2
    workspace.select([shape.id for shape in hands.shapes() if shape.class_id == bolt.id])
    hands.studio.actions["edit.select_class"].trigger()
    assert len(workspace.selection) == 2
    workspace.select(())
    panel = hands.session.annotate.classes
    panel.select_shapes(bolt)
    assert len(workspace.selection) == 2
    steps = len(project.history())
    push_eye(hands, 0)
    assert [cls.visible for cls in project.classes()] == [False, False]
    assert len(project.history()) == steps + 1
    push_eye(hands, 1)  # the one below alone
    assert [cls.visible for cls in project.classes()] == [False, True]
    push_eye(hands, 0)
    assert [cls.visible for cls in project.classes()] == [True, True]
    for _ in range(3):
        hands.studio.actions["edit.undo"].trigger()
    assert [cls.visible for cls in project.classes()] == [True, True]
    assert class_of(hands, "nut").parent == bolt.id
