"""Classes whose eye is shut, in the real window: what is drawn into them, and what lies below them."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt

from studio.model.edits import ChangeClass
from studio.model.records import ClassDef
from tests.studio.ui.conftest import Hands


def class_of(hands: Hands, name: str) -> ClassDef:
    return next(cls for cls in hands.session.project.classes() if cls.name == name)


def said(hands: Hands) -> str:
    return str(hands.studio.window.status.currentMessage())


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
