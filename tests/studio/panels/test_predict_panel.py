"""The Suggest page: a model's objects become suggestions of the project."""

from __future__ import annotations

import shutil

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.data.annotations import Box, Polygon, Tag
from studio.jobs.messages import Predicted, PredictedShape
from studio.jobs.suggestions import SuggestionSink
from studio.panels.predict import PredictPanel

LEFT = Qt.MouseButton.LeftButton
FINISHED = {"event": "on_train_end", "reason": "finished"}


@pytest.fixture
def panel(qtbot, project, jobs, watcher) -> PredictPanel:
    first = project.image_ids()[0]
    panel = PredictPanel(project, jobs, watcher, lambda: first, lambda: project.image_ids()[:3])
    qtbot.addWidget(panel)
    panel.resize(400, 700)
    panel.show()
    return panel


def shape(name: str, box: tuple[float, float, float, float], score: float = 0.9) -> PredictedShape:
    return PredictedShape(0, name, score, Box(*box))


def test_the_images_to_look_at_are_counted(panel):
    texts = [panel.choices.images.itemText(i) for i in range(panel.choices.images.count())]
    assert texts == [
        "Unlabelled images · 2",
        "This image",
        "Images of the list as it is filtered · 3",
        "All images · 8",
    ]
    assert not panel.run_button.isEnabled(), "there is no model yet"


def test_the_slider_says_how_sure_the_model_must_be(panel):
    assert panel.choices.confidence.text() == "0.25"
    panel.choices.slider.setFocus()
    QTest.keyClick(panel.choices.slider, Qt.Key.Key_Right)
    assert panel.choices.confidence.text() == "0.26"
    assert panel.choices.arguments()["conf"] == 0.26


@pytest.mark.slow
def test_a_real_model_makes_suggestions_that_can_be_reviewed(
    panel, project, make_run, qtbot, random_weights
):
    folder = make_run("train", FINISHED, exit_record={"code": 0})
    shutil.copy(random_weights, folder / "weights" / "best.pt")
    qtbot.waitUntil(lambda: panel.choices.picker.path() is not None, timeout=10_000)
    assert panel.choices.form.values.value("imgsz") == 64, "the size that it was trained at"
    panel.choices.form.values.take("max_det", "3")
    panel.choices.arguments = lambda: {
        **panel.choices.form.values.changes(),
        "imgsz": 64,
        "conf": 0.0,
    }
    QTest.mouseClick(panel.run_button, LEFT)
    assert panel.progress.isVisible()
    qtbot.waitUntil(lambda: panel.outcome.isVisible(), timeout=120_000)
    assert "of 2 images" in panel.outcome.text()
    unlabelled = project.image_ids()[6:]
    found = {image_id: project.suggestions(image_id) for image_id in unlabelled}
    assert any(found.values())
    assert all(
        s.source == "model" and s.score is not None for list_ in found.values() for s in list_
    )
    assert project.shapes(unlabelled[0]) == [], "a suggestion is no label"
    with qtbot.waitSignal(panel.review_asked) as asked:
        QTest.mouseClick(panel.review_button, LEFT)
    assert found[asked.args[0]]


def test_a_broken_model_says_why_and_leaves_no_suggestions(panel, project, make_run, qtbot):
    make_run("train", FINISHED, exit_record={"code": 0})
    qtbot.waitUntil(lambda: panel.choices.picker.path() is not None, timeout=10_000)
    QTest.mouseClick(panel.run_button, LEFT)
    qtbot.waitUntil(lambda: panel.banner.isVisible(), timeout=60_000)
    assert "best.pt" in panel.banner.text()
    assert panel.run_button.isVisible()
    assert not any(project.suggestions(i) for i in project.image_ids())


def test_classes_are_found_by_name_and_new_ones_added(project):
    sink = SuggestionSink(project)
    image_id = project.image_ids()[-1]
    sink.take(
        Predicted(1, image_id, (shape("square", (1, 1, 9, 9)), shape("disc", (20, 20, 30, 30))))
    )
    assert project.suggestions(image_id) == [], "written together, later"
    sink.flush()
    names = {cls.id: cls.name for cls in project.classes()}
    found = project.suggestions(image_id)
    assert sorted(names[s.class_id] for s in found) == ["disc", "square"]
    assert all(isinstance(s.geometry, Box) for s in found)
    assert sink.count.new_classes == ["disc"]
    assert sink.count.sentence() == "2 suggestions on 1 of 1 image. New classes: disc."


def test_what_is_drawn_already_is_not_suggested_again(project):
    image_id = project.image_ids()[0]
    (drawn,) = project.shapes(image_id)
    x1, y1, x2, y2 = drawn.geometry.bounds()
    near = (x1 + 1, y1, x2 + 1, y2)
    ring = ((x1 + 12, y1), (x2 + 12, y1), (x2 + 12, y2))
    outlined = PredictedShape(0, "square", 0.5, Polygon(ring))
    sink = SuggestionSink(project)
    sink.take(Predicted(1, image_id, (shape("square", near), outlined, shape("disc", near))))
    sink.flush()
    assert sink.count.already == 1
    kinds = [type(s.geometry) for s in project.suggestions(image_id)]
    assert kinds == [Polygon, Box]
    assert sink.count.shapes == 2


def test_images_that_cannot_be_read_are_counted(project):
    sink = SuggestionSink(project)
    image_id = project.image_ids()[-1]
    project.set_suggestions(image_id, [])
    sink.take(Predicted(1, image_id, (), "x.png: cannot be read."))
    sink.flush()
    assert sink.count.problems == ["x.png: cannot be read."]
    assert "1 image could not be read" in sink.count.sentence()


def test_a_new_prediction_replaces_the_suggestions_of_its_images(project):
    image_id = project.image_ids()[-1]
    for box in ((1, 1, 9, 9), (20, 20, 30, 30)):
        sink = SuggestionSink(project)
        sink.take(Predicted(1, image_id, (shape("square", box),)))
        sink.flush()
    (only,) = project.suggestions(image_id)
    assert only.geometry == Box(20, 20, 30, 30)
    assert not isinstance(only.geometry, Polygon)


def test_a_class_of_the_whole_image_is_suggested_once(project):
    image_id = project.image_ids()[-1]
    tag = PredictedShape(0, "square", 0.7, Tag())
    for _ in range(2):
        sink = SuggestionSink(project)
        sink.take(Predicted(1, image_id, (tag,)))
        sink.flush()
        (only,) = project.suggestions(image_id)
        assert isinstance(only.geometry, Tag)
    project.accept_suggestions(image_id)
    sink.take(Predicted(1, image_id, (tag,)))
    assert sink.count.already == 1
    drawn = project.image_ids()[0]
    sink.take(Predicted(1, drawn, (tag,)))
    assert sink.count.already == 1, "a square drawn on it does not say that the image is one"
