"""Scenes of open-vocabulary models: told by words or by an example what to look for, and adapted to the project."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QPoint, Qt

from docs.scenes.home import WORDS_MODEL
from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import Stage

_BOLTS, _BOLT = 147, 5
_CONFIDENCES = (0.4, 0.2, 0.05, 0.01)  # a training of seconds is not sure of much
_BEFORE = ("brass nut, steel nut", "gear, washer")
_WORDS = "brass washer, washer, black bolt, bolt"


def words(stage: Stage) -> Iterator[Shot]:
    """The form of suggestions with an open-vocabulary model: words, those of before, what each becomes and how sure it must be."""
    pages = stage.session.pages
    pages.models_page.setCurrentWidget(pages.predict)
    stage.page("models")
    choices = pages.predict.choices
    before = choices.picker.path()
    choices.picker.set_path(stage.home / WORDS_MODEL)
    stage.wait(choices.words.isVisible)
    stage.settle(0.5)  # the words that the file knows come late
    for line in _BEFORE:
        choices.words.set_text(line)
        choices.words.keep({})
    choices.words.line.clear()
    stage.write(choices.words.line, _WORDS)
    choices.words.line.editingFinished.emit()
    choices.section.set_expanded(True)
    choices.section.header.toggled.emit(True)
    stage.wait(lambda: choices.rules.rowCount() == len(_WORDS.split(",")))
    for word, (name, least) in {"brass washer": ("washer", 0), "black bolt": ("bolt", 15)}.items():
        target, field = choices.rules.fields[word]
        target.setCurrentText(name)
        field.setValue(least)
    stage.settle(0.8)  # it unfolds
    menu, button = choices.words.menu(), choices.words.before
    menu.popup(button.mapToGlobal(QPoint(0, button.height())))
    stage.settle()
    yield stage.window(over=menu)
    menu.close()
    choices.section.set_expanded(False)
    if before is not None:
        choices.picker.set_path(before)
        stage.settle()


def alike(stage: Stage) -> Iterator[Shot]:
    """One bolt is the example; what looks like it on the image is suggested."""
    ids = stage.labelled(_BOLTS, _BOLT)
    image_id = stage.session.workspace.image_id or 0
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select(ids)
    stage.settle()
    with _example_model(stage):
        for confidence in _CONFIDENCES:
            stage.studio.preferences["studio.suggestion_confidence"] = confidence
            stage.studio.actions["suggest.alike:image"].trigger()
            stage.wait(lambda: not stage.studio.suggest.is_running)
            stage.settle()
            if stage.session.project.suggestions(image_id):
                break
    yield stage.window()
    stage.session.workspace.select([])
    stage.session.project.reject_suggestions(image_id)
    stage.clear()


def alike_review(stage: Stage) -> Iterator[Shot]:
    """What was found on the images without labels, as a gallery with a threshold."""
    from studio.model.records import ImageFilter

    workspace, project = stage.session.workspace, stage.session.project
    ids = stage.labelled(_BOLTS, _BOLT)
    workspace.set_filter(ImageFilter(statuses=frozenset({"unlabelled"})))
    workspace.select(ids)
    stage.settle()
    with _example_model(stage):
        for confidence in _CONFIDENCES:
            stage.studio.preferences["studio.suggestion_confidence"] = confidence
            stage.studio.actions["suggest.alike:listed"].trigger()
            stage.wait(lambda: not stage.studio.suggest.is_running)
            found = project.image_ids(ImageFilter(suggested=True))
            if found:
                break
    stage.page("review")
    stage.settle(0.8)
    yield stage.window()
    for image_id in found:
        project.reject_suggestions(image_id)
    workspace.set_filter(ImageFilter())
    stage.clear()
    stage.studio.show_page("annotate")
    stage.settle()


def adapt(stage: Stage) -> Iterator[Shot]:
    """The two ways to train an open-vocabulary model, with what each costs here and what comes out of it."""
    panel = stage.session.pages.train
    stage.page("train")
    form = panel.form
    form.values.set_value("imgsz", 160)
    form.values.set_value("epochs", 10)
    panel.train_from(stage.home / WORDS_MODEL)
    stage.wait(form.row("linear_probe").isVisible)
    stage.settle(1.0)  # what an image costs is measured a moment later
    form.values.set_value("linear_probe", True)
    stage.settle()
    yield stage.window()
    for name in ("linear_probe", "model", "imgsz", "epochs"):
        form.values.reset(name)
    stage.settle()


@contextmanager
def _example_model(stage: Stage) -> Iterator[None]:
    """Let the home folder be where weights are kept."""
    values = stage.studio.preferences.manager
    before, values["weights_dir"] = values["weights_dir"], str(stage.home)
    try:
        yield
    finally:
        values["weights_dir"] = before


SCENES = (
    Scene("find-alike", alike, CLOSE),
    Scene("find-alike-review", alike_review, CLOSE),
    Scene("train-adapt", adapt),
    Scene("suggest-words", words, needs="trained"),
)
