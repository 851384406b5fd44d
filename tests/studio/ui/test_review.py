"""Reviewing by hand: stages by keys, tags, comments, approve, reject with a reason."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.panels.review import ReviewPanel
from tests.studio.ui.conftest import Hands

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def panel_of(hands: Hands) -> ReviewPanel:
    hands.session.annotate.show_dock("review")
    QApplication.processEvents()
    return hands.session.pages.review


def test_done_goes_on_and_approve_goes_to_the_next_that_waits(labelled: Hands) -> None:
    hands = labelled
    project, workspace = hands.session.project, hands.session.workspace
    one, two, three = project.image_ids()
    hands.canvas.setFocus()
    hands.press(Qt.Key.Key_Return, CTRL)
    assert workspace.image_id == two
    hands.press(Qt.Key.Key_Return, CTRL | Qt.KeyboardModifier.AltModifier)
    assert workspace.image_id == three
    hands.press(Qt.Key.Key_Return, CTRL)
    assert [r.stage for r in project.images([one, two, three])] == ["done", "skipped", "done"]
    hands.press(Qt.Key.Key_R, CTRL | SHIFT)
    assert workspace.image_id == one
    hands.press(Qt.Key.Key_Return, CTRL | SHIFT)
    assert project.image(one).stage == "reviewed"
    assert workspace.image_id == three
    hands.press(Qt.Key.Key_Z, CTRL)
    assert project.image(one).stage == "done"


def test_a_rejection_asks_for_its_reason(labelled: Hands) -> None:
    hands = labelled
    project, one = hands.session.project, hands.session.workspace.image_id
    assert one is not None
    panel = panel_of(hands)
    hands.canvas.setFocus()
    hands.press(Qt.Key.Key_Backspace, CTRL | SHIFT)
    assert QApplication.focusWidget() is panel.comment_field
    assert project.image(one).stage != "rejected"
    QTest.keyClicks(panel.comment_field, "two bolts are missing")
    hands.push(panel.reject_button)
    assert project.image(one).stage == "rejected"
    assert [c.text for c in project.comments(one)] == ["two bolts are missing"]
    assert panel.comment_field.text() == ""


def test_tags_and_comments_by_hand(labelled: Hands) -> None:
    hands = labelled
    project, one = hands.session.project, hands.session.workspace.image_id
    assert one is not None
    panel = panel_of(hands)
    QTest.keyClicks(panel.tag_field, "night, rain")
    QTest.keyClick(panel.tag_field, Qt.Key.Key_Return)
    assert project.image(one).tags == ("night", "rain")
    hands.push(hands.button("rain", panel))
    assert project.image(one).tags == ("night",)
    QTest.keyClicks(panel.comment_field, "look at the left")
    QTest.keyClick(panel.comment_field, Qt.Key.Key_Return)
    assert [c.text for c in project.comments(one)] == ["look at the left"]
    panel.stage_box.setCurrentIndex(panel.stage_box.findData("skipped"))
    panel.stage_box.activated.emit(panel.stage_box.currentIndex())
    assert project.image(one).stage == "skipped"
    hands.session.workspace.step(1)
    assert panel.stage_box.currentText() == "New"
