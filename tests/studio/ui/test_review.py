"""Reviewing by hand: stages by keys, tags, comments, approve, reject with a reason."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from studio.model.edits import SetStage
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


def test_enter_rejects_with_the_reason_that_was_asked_for(labelled: Hands) -> None:
    hands = labelled
    project, workspace = hands.session.project, hands.session.workspace
    one, two = project.image_ids()[:2]
    hands.canvas.setFocus()
    hands.press(Qt.Key.Key_Return, CTRL)  # done, and on to the next image
    workspace.go_to(one)
    hands.press(Qt.Key.Key_Backspace, CTRL | SHIFT)
    panel = hands.session.pages.review
    hands.wait(lambda: not panel.comment_field.visibleRegion().isEmpty())
    field = panel.comment_field
    assert field.visibleRegion().boundingRect() == field.rect()  # scrolled into view
    room = field.fontMetrics().horizontalAdvance(field.placeholderText())
    assert room < field.width() - 8
    QTest.keyClicks(field, "two bolts are missing")
    hands.press(Qt.Key.Key_Return)
    assert project.image(one).stage == "rejected"
    assert [(c.text, c.kind) for c in project.comments(one)] == [
        ("two bolts are missing", "reject")
    ]
    workspace.go_to(two)  # what is written from now on is a comment again
    QTest.keyClicks(field, "look at the left")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert [(c.text, c.kind) for c in project.comments(two)] == [("look at the left", "comment")]
    assert project.image(two).stage != "rejected"


def test_escape_leaves_a_rejection(labelled: Hands) -> None:
    hands = labelled
    project, one = hands.session.project, hands.session.workspace.image_id
    assert one is not None
    field = panel_of(hands).comment_field
    usual = field.placeholderText()
    hands.canvas.setFocus()
    hands.press(Qt.Key.Key_Backspace, CTRL | SHIFT)
    assert field.placeholderText() != usual
    QTest.keyClicks(field, "no")
    hands.press(Qt.Key.Key_Escape)
    assert (field.placeholderText(), field.text()) == (usual, "")
    assert QApplication.focusWidget() is hands.canvas
    hands.press(Qt.Key.Key_Backspace, CTRL | SHIFT)
    hands.session.workspace.step(1)  # it was that image that was to be rejected
    assert field.placeholderText() == usual
    QTest.keyClicks(field, "a word")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert "rejected" not in {image.stage for image in project.images(project.image_ids())}


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


def test_the_stages_are_counted_once_however_many_images_an_edit_touches(
    labelled: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = panel_of(labelled)
    project = labelled.session.project
    asked = []
    counts = project.stage_counts
    monkeypatch.setattr(project, "stage_counts", lambda: asked.append(1) or counts())
    _, two, three = project.image_ids()
    project.apply(SetStage({two: "done", three: "done"}))
    assert not asked
    labelled.wait(lambda: "2 done" in panel.counts_text())
    assert len(asked) == 1
    labelled.session.annotate.show_dock("classes")
    panel.hide()
    project.apply(SetStage({two: "reviewed"}))
    panel.show()
    assert "1 done · 1 reviewed" in panel.counts_text()
