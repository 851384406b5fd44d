"""A batch of suggestions: rules for classes, pausing, and going on after a crash."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtTest import QTest

from engine.data.annotations import Box, Polygon
from studio.jobs.messages import (
    DrawnBox,
    Failed,
    Predicted,
    PredictedShape,
    PredictionDone,
    Progress,
)
from studio.jobs.suggest_run import SuggestRun
from studio.jobs.suggestions import SuggestionCount, SuggestionSink
from studio.model.auto_annotation import AutoAnnotation, ClassRule, Examples, usual_rules
from studio.model.edits import AddShapes
from studio.model.records import new_shape
from studio.panels.predict import PredictPanel
from studio.panels.predict.class_rules import ClassRules
from studio.storage.unfinished_batch import keep_unfinished, read_unfinished

LEFT = Qt.MouseButton.LeftButton
TRIANGLE = Polygon(((2, 2), (9, 2), (9, 9)))


class StepJob(QObject):
    """A prediction whose images come when the test says so."""

    started, progressed, predicted = Signal(), Signal(object), Signal(object)
    finished, failed, ended = Signal(object), Signal(object), Signal()

    def __init__(self, images: tuple[int, ...]) -> None:
        super().__init__()
        self.images, self.number, self.done = images, 1, 0

    def step(self, name: str = "disc", score: float = 0.9) -> None:
        """Find one object on the next image."""
        shapes = (PredictedShape(0, name, score, TRIANGLE),)
        self.predicted.emit(Predicted(1, self.images[self.done], shapes))
        self.done += 1
        self.progressed.emit(Progress(1, self.done, len(self.images), "Predicting"))

    def end(self) -> None:
        self.finished.emit(PredictionDone(self.done, self.done, 0, 0.1))

    def cancel(self) -> None:
        self.failed.emit(Failed(1, "cancelled", "Cancelled."))


class StepJobs:
    """Stands for the worker, so that a test says when it stops; the real one has its own tests."""

    def __init__(self) -> None:
        self.jobs: list[StepJob] = []
        self.asked: list[Any] = []

    def predict(self, model: Path, images: Any, arguments: Any, *told: Any) -> StepJob:
        self.asked.append((model, dict(arguments), *told))
        self.jobs.append(StepJob(tuple(key for key, _ in images)))
        return self.jobs[-1]

    def outline(self, segmenter: str, images: Any) -> StepJob:
        self.asked.append((segmenter, images))
        self.jobs.append(StepJob(tuple(key for key, _, _ in images)))
        return self.jobs[-1]


@pytest.fixture
def steps() -> StepJobs:
    return StepJobs()


def test_rules_say_what_becomes_of_each_class(project: Any, qtbot: Any) -> None:
    table = ClassRules()
    qtbot.addWidget(table)
    (square,) = [cls for cls in project.classes() if cls.name == "square"]
    table.show_classes(("square", "disc", "dog"), project.classes())
    assert table.rules() == {}
    target, _ = table.fields["disc"]
    assert target.itemText(0) == "New class disc"
    target.setCurrentIndex(target.findText("square"))
    table.fields["dog"][0].setCurrentIndex(table.fields["dog"][0].count() - 1)
    table.fields["square"][1].setValue(60)
    rules = table.rules()
    assert rules == {
        "disc": ClassRule(square.id),
        "dog": ClassRule(is_left_out=True),
        "square": ClassRule(confidence=0.6),
    }
    image_id = project.image_ids()[-1]
    sink = SuggestionSink(project, AutoAnnotation("best.pt", (image_id,), rules=rules))
    names = (("disc", 0.3), ("dog", 0.9), ("square", 0.5), ("square", 0.7))
    boxes = [Box(9 * i, 2, 9 * i + 8, 9) for i in range(4)]
    found = [PredictedShape(0, *row, box) for row, box in zip(names, boxes, strict=True)]
    sink.take(Predicted(1, image_id, tuple(found)))
    assert sink.flush() == {image_id}
    kept = project.suggestions(image_id)
    assert [(s.class_id, s.score) for s in kept] == [(square.id, 0.3), (square.id, 0.7)]


def test_what_a_model_for_pixels_calls_background_is_left_out_unless_asked_for(
    project: Any, qtbot: Any
) -> None:
    image_id = project.image_ids()[-1]
    whole = Polygon(((0, 0), (60, 0), (60, 40), (0, 40)))

    def suggested(rules: dict[str, ClassRule]) -> list[str]:
        sink = SuggestionSink(project, AutoAnnotation("best.pt", (image_id,), rules=rules))
        sink.take(Predicted(1, image_id, (PredictedShape(1, "background", None, whole),)))
        sink.flush()
        names = {cls.id: cls.name for cls in project.classes()}
        return [names[shape.class_id] for shape in project.suggestions(image_id)]

    assert suggested({}) == []
    assert "background" not in [cls.name for cls in project.classes()]
    table = ClassRules()
    qtbot.addWidget(table)
    usual = usual_rules([cls.name for cls in project.classes()])
    table.show_classes(("square", "background"), project.classes(), usual=usual)
    target, _ = table.fields["background"]
    assert (target.currentText(), table.rules()) == ("Leave out", {})
    target.setCurrentIndex(target.findText("New class background"))
    assert suggested(table.rules()) == ["background"]
    assert suggested({}) == ["background"], "it is a class of the project now"


def test_a_batch_survives_writing_and_reading(tmp_path: Path) -> None:
    rules = {"a": ClassRule(3, False, 0.4), "b": ClassRule(None, True)}
    shown = Examples("a.png", ((1.0, 2.0, 3.0, 4.0),), ("dent",))
    batch = AutoAnnotation("m.pt", (4, 5), {"conf": 0.3}, rules, "auto", 9, ("bolt",), shown)
    keep_unfinished(tmp_path, batch)
    assert read_unfinished(tmp_path) == batch
    assert batch.done == 7
    for text in ("", "[]", "{}", '{"model": 1, "image_ids": 3}'):
        (tmp_path / "unfinished_suggestions.json").write_text(text)
        assert read_unfinished(tmp_path) is None


def test_pausing_keeps_the_place_and_goes_on_there(
    project: Any, steps: StepJobs, qtbot: Any
) -> None:
    ids = tuple(project.image_ids()[-4:])
    run = SuggestRun(project, steps, AutoAnnotation("best.pt", ids, {"conf": 0.3}))
    seen: list[Progress] = []
    run.progressed.connect(seen.append)
    steps.jobs[0].step()
    steps.jobs[0].step()
    with qtbot.waitSignal(run.paused):
        run.pause()
    assert (run.left, run.is_running) == (2, True)
    assert read_unfinished(project.folder).image_ids == ids[2:]
    run.go_on()
    assert steps.jobs[1].images == ids[2:]
    steps.jobs[1].step()
    assert (seen[-1].done, seen[-1].total) == (3, 4)
    steps.jobs[1].step()
    with qtbot.waitSignal(run.finished) as ended:
        steps.jobs[1].end()
    assert (ended.args[0].images, ended.args[0].shapes) == (4, 4)
    assert read_unfinished(project.folder) is None
    assert all(len(project.suggestions(i)) == 1 for i in ids)


def test_after_a_crash_the_panel_offers_what_is_left(
    project: Any, steps: StepJobs, watcher: Any, qtbot: Any
) -> None:
    ids = tuple(project.image_ids()[-3:])
    run = SuggestRun(project, steps, AutoAnnotation("best.pt", ids))
    steps.jobs[0].step()
    with qtbot.waitSignal(run.failed):
        steps.jobs[0].failed.emit(Failed(1, "crashed", "The worker was killed."))
    panel = PredictPanel(project, steps, watcher)
    qtbot.addWidget(panel)
    panel.show()
    assert "2 of 3 images are left" in panel.banner.text()
    QTest.mouseClick(panel.banner.action_button, LEFT)
    assert steps.jobs[1].images == ids[1:]
    QTest.mouseClick(panel.pause_button, LEFT)
    assert panel.pause_button.text() == "Go on"
    QTest.mouseClick(panel.pause_button, LEFT)
    assert steps.jobs[2].images == ids[1:]
    QTest.mouseClick(panel.progress.cancel_button, LEFT)
    assert read_unfinished(project.folder) is None
    assert panel.run_button.isVisible()


def test_drawn_boxes_are_asked_to_be_outlined(project: Any, steps: StepJobs) -> None:
    image_id = project.image_ids()[0]
    class_id = project.classes()[0].id
    project.apply(AddShapes((new_shape(image_id, class_id, Box(3, 4, 20, 18)),)))
    drawn = [s for s in project.shapes(image_id) if isinstance(s.geometry, Box)]
    run = SuggestRun(project, steps, AutoAnnotation("", (image_id,), segmenter="auto"))
    ((segmenter, images),) = steps.asked
    names = {cls.id: cls.name for cls in project.classes()}
    expected = tuple(DrawnBox(s.class_id, names[s.class_id], s.geometry.bounds()) for s in drawn)
    assert segmenter == "auto"
    assert images[0][2] == expected
    assert expected
    box = drawn[0].geometry
    ring = Polygon(((box.x1, box.y1), (box.x2, box.y1), (box.x2, box.y2), (box.x1, box.y2)))
    found = PredictedShape(drawn[0].class_id, names[drawn[0].class_id], 0.8, ring)
    steps.jobs[0].predicted.emit(Predicted(1, image_id, (found,)))
    steps.jobs[0].end()
    assert run.count.shapes == 1, "the box itself does not count as drawn already"


@pytest.mark.parametrize(("already", "words"), [(1, "1 was drawn"), (2, "2 were drawn")])
def test_the_outcome_is_a_sentence(already: int, words: str) -> None:
    count = SuggestionCount(images=1, shapes=2, already=already, with_shapes=[7])
    assert count.sentence() == f"2 suggestions on 1 of 1 image. {words} already."
