"""Reviewing suggestions with real keys and a real mouse: the gallery, thresholds, image by image."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from engine.data.annotations import Polygon
from engine.data.annotations.attribute_names import ACCEPTED_AT, ANNOTATION_MODEL
from studio.model.records import new_shape
from studio.panels.review_gallery.panel import ReviewGallery
from tests.studio.ui.conftest import Hands

CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.AltModifier,
)
KEY = Qt.Key
SCORES = {"bolt": (0.95, 0.4, 0.8), "nut": (0.6, 0.7)}


def square(x: float) -> Polygon:
    return Polygon(((x, 20), (x + 50, 20), (x + 50, 70), (x, 70)))


@pytest.fixture
def waiting(opened: Hands) -> Hands:
    """Suggestions on two of three images: bolts and a nut on the first, bolt and nut on the third."""
    project = opened.session.project
    bolt, nut = project.add_class("bolt").id, project.add_class("nut").id
    one, _two, three = project.image_ids()
    made = {ANNOTATION_MODEL: "train-3/best.pt 9f2c41d0"}
    on_one = ((bolt, 0.95, 20), (bolt, 0.4, 100), (nut, 0.6, 180))
    on_three = ((bolt, 0.8, 20), (nut, 0.7, 180))
    project.set_many_suggestions(
        {
            image: [new_shape(image, c, square(x), "model", s, made) for c, s, x in told]
            for image, told in ((one, on_one), (three, on_three))
        }
    )
    opened.settle()
    return opened


@pytest.fixture
def gallery(waiting: Hands) -> ReviewGallery:
    waiting.press(KEY.Key_R, CTRL | ALT)
    waiting.settle()
    found = waiting.session.review.gallery()
    assert found is not None
    return found


def scores(gallery: ReviewGallery) -> list[float | None]:
    return [row.score for row in gallery.rows()]


def shape_counts(hands: Hands) -> list[int]:
    project = hands.session.project
    return [len(project.shapes(i)) for i in project.image_ids()]


def test_the_gallery_begins_with_the_least_sure_and_shows_real_crops(
    waiting: Hands, gallery: ReviewGallery
) -> None:
    assert scores(gallery) == [0.4, 0.6, 0.7, 0.8, 0.95]
    assert "5 suggestions on 2 images" in gallery.counts.text()
    picture = gallery.tiles.picture(gallery.rows()[0])
    assert picture is not None
    assert not picture.isNull()
    orange = gallery.tiles._color(gallery.rows()[0])
    assert any(
        picture.pixelColor(x, y).name() == orange
        for x in range(picture.width())
        for y in range(picture.height())
    )


def test_single_keys_accept_and_reject_and_one_undo_takes_one_back(
    waiting: Hands, gallery: ReviewGallery
) -> None:
    waiting.press(KEY.Key_N)
    waiting.wait(lambda: scores(gallery) == [0.6, 0.7, 0.8, 0.95])
    waiting.press(KEY.Key_Right, SHIFT)  # the first two, of two images
    waiting.press(KEY.Key_Y)
    waiting.wait(lambda: scores(gallery) == [0.8, 0.95])
    assert shape_counts(waiting) == [1, 0, 1]
    assert QApplication.focusWidget() is gallery.view
    waiting.press(KEY.Key_Z, CTRL)
    waiting.wait(lambda: len(gallery.rows()) == 4)
    assert shape_counts(waiting) == [0, 0, 0]
    assert waiting.studio.window.current_page() == "review"


def test_a_threshold_counts_before_it_accepts_and_is_undone_at_once(
    waiting: Hands, gallery: ReviewGallery
) -> None:
    project, sure = waiting.session.project, gallery.thresholds
    bolt, nut = (cls.id for cls in project.classes())
    slider = sure._rows[bolt].slider
    slider.setFocus()
    for percent in (90, 80):
        while slider.value() > percent:
            waiting.press(KEY.Key_Left)
        wanted = sum(score >= percent / 100 for score in SCORES["bolt"])
        assert sure.count_text(bolt) == f"{wanted} of 3"
    sure.set_threshold(nut, 101)
    assert sure.count_text(nut) == "0 of 2"
    assert sure.accept_button.text() == "Accept 2 suggestions"
    waiting.push(sure.accept_button)
    waiting.wait(lambda: scores(gallery) == [0.4, 0.6, 0.7])
    assert shape_counts(waiting) == [1, 0, 1]
    assert waiting.session.project.undo() is not None
    assert shape_counts(waiting) == [0, 0, 0]


def test_filters_by_class_narrow_keys_and_thresholds(
    waiting: Hands, gallery: ReviewGallery
) -> None:
    gallery.class_box.setCurrentIndex(gallery.class_box.findText("nut"))
    gallery.class_box.activated.emit(gallery.class_box.currentIndex())
    assert scores(gallery) == [0.6, 0.7]
    gallery.view.setFocus()
    waiting.press(KEY.Key_Y, SHIFT)
    waiting.wait(lambda: shape_counts(waiting) == [1, 0, 1])
    assert len(waiting.session.project.suggestion_rows()) == 3


def test_fix_opens_the_shape_on_the_canvas_ready_to_be_changed(
    waiting: Hands, gallery: ReviewGallery
) -> None:
    waiting.press(KEY.Key_End)
    wanted = gallery.chosen()[0]
    assert wanted.score == 0.95
    waiting.press(KEY.Key_Home)
    waiting.press(KEY.Key_Right)
    waiting.press(KEY.Key_Right)
    third = gallery.chosen()[0]
    waiting.press(KEY.Key_J)
    waiting.settle()
    session = waiting.session
    assert waiting.studio.window.current_page() == "annotate"
    assert session.workspace.image_id == third.image_id
    assert session.workspace.selection == (third.id,)
    assert session.canvas.tool_name == "select"
    shape = session.project.shapes_by_id([third.id])[0]
    assert shape.source == "model"
    assert ACCEPTED_AT in shape.attributes
    x, y = shape.geometry.exterior[0]
    waiting.drag((x, y), (x - 5, y - 6), (x - 8, y - 9))
    assert session.project.shapes_by_id([third.id])[0].geometry != shape.geometry


def test_a_click_and_a_double_click_choose_and_open(waiting: Hands, gallery: ReviewGallery) -> None:
    place = gallery.view.visualRect(gallery.tiles.index(1)).center()
    QTest.mouseClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert [row.score for row in gallery.chosen()] == [0.6]
    QTest.mouseDClick(gallery.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    waiting.wait(lambda: waiting.studio.window.current_page() == "annotate")
    assert waiting.session.workspace.selection


def test_image_by_image_goes_on_to_the_next_image_with_suggestions(waiting: Hands) -> None:
    session, review = waiting.session, waiting.session.review
    one, _two, three = session.project.image_ids()
    waiting.canvas.setFocus()
    waiting.press(KEY.Key_R, SHIFT)
    waiting.settle()
    assert review.is_walking
    assert "1 of 3: bolt 95%" in review.bar.words.text()
    waiting.press(KEY.Key_Period)
    assert "2 of 3" in review.bar.words.text()
    waiting.press(KEY.Key_Comma)
    waiting.press(KEY.Key_Y)  # no cursor is needed: the marked one is meant
    waiting.press(KEY.Key_N)
    waiting.press(KEY.Key_Y)
    waiting.wait(lambda: session.workspace.image_id == three)
    waiting.settle()
    assert shape_counts(waiting) == [2, 0, 0]
    waiting.press(KEY.Key_Y, SHIFT)
    waiting.wait(lambda: not review.is_walking)
    assert shape_counts(waiting) == [2, 0, 2]
    assert session.project.suggestion_rows() == []
    assert not waiting.studio.actions["suggest.walk"].isChecked()
    for _ in range(4):
        waiting.press(KEY.Key_Z, CTRL)
    assert len(session.project.suggestion_rows()) == 5
    assert session.workspace.image_id == one


def test_correcting_waits_for_the_person_to_go_on(waiting: Hands) -> None:
    session, review = waiting.session, waiting.session.review
    waiting.canvas.setFocus()
    waiting.press(KEY.Key_R, SHIFT)
    waiting.press(KEY.Key_J)
    waiting.settle()
    assert review.current is None
    assert len(session.workspace.selection) == 1
    assert not review.bar.buttons["accept"].isEnabled()
    waiting.push(review.bar.buttons["next"])
    waiting.settle()
    assert review.current is not None
    assert "1 of 2" in review.bar.words.text()
    waiting.push(review.bar.leave_button)
    assert not review.is_walking


def test_without_suggestions_the_review_says_so(opened: Hands) -> None:
    opened.canvas.setFocus()
    opened.press(KEY.Key_R, SHIFT)
    assert not opened.session.review.is_walking
    assert "No suggestions wait" in opened.studio.window.status.currentMessage()
    opened.press(KEY.Key_R, CTRL | ALT)
    opened.settle()
    gallery = opened.session.review.gallery()
    assert gallery is not None
    assert gallery.empty.isVisible()
    assert not opened.studio.actions["suggest.accept"].isEnabled()


def test_a_gallery_of_ten_thousand_asks_only_for_what_is_in_sight(
    opened: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = opened.session.project
    cls = project.add_class("bolt").id
    image = project.image_ids()[0]
    shapes = [new_shape(image, cls, square(20), "model", i / 10_000) for i in range(10_000)]
    project.set_suggestions(image, shapes)
    opened.press(KEY.Key_R, CTRL | ALT)
    opened.settle()
    gallery = opened.session.review.gallery()
    assert gallery is not None
    asked: list[int] = []
    make: Callable[..., object] = gallery.tiles.picture
    monkeypatch.setattr(gallery.tiles, "picture", lambda row: (asked.append(row.id), make(row))[1])
    bar = gallery.view.verticalScrollBar()
    for place in (0.3, 0.6, 1.0):
        bar.setValue(round(bar.maximum() * place))
        opened.settle()
    in_sight = len(list(gallery.view._shown()))
    assert 0 < len(set(asked)) <= 4 * in_sight
    assert gallery.view.indexAt(QPoint(20, gallery.view.viewport().height() - 20)).row() > 9000


def test_a_very_large_acceptance_is_written_by_a_thread_and_undone_by_one(opened: Hands) -> None:
    project = opened.session.project
    cls = project.add_class("bolt").id
    one, two = project.image_ids()[:2]
    project.set_many_suggestions(
        {image: [new_shape(image, cls, square(20), "model", 0.9)] * 600 for image in (one, two)}
    )
    opened.press(KEY.Key_R, CTRL | ALT)
    opened.settle()
    gallery = opened.session.review.gallery()
    assert gallery is not None
    before = opened.session
    opened.push(gallery.thresholds.accept_button)
    opened.wait(lambda: opened.studio.session not in (None, before))
    opened.settle()
    assert opened.studio.window.current_page() == "review"
    assert shape_counts(opened) == [600, 600, 0]
    opened.press(KEY.Key_Z, CTRL)
    opened.wait(lambda: opened.studio.session is not None and shape_counts(opened) == [0, 0, 0])
    opened.settle()
    assert len(opened.session.project.suggestion_rows()) == 1200
