"""Scenes of training a model and of what comes of it."""

from __future__ import annotations

from collections.abc import Iterator

from docs.scenes.scene import Scene, Shot
from docs.scenes.stage import Stage

_LIVE_EPOCHS = 4  # of the live training before its picture is taken


def train_form(stage: Stage) -> Iterator[Shot]:
    """The form with Advanced open."""
    panel = stage.session.pages.train
    stage.page("train")
    panel.form.values.set_value("epochs", 60)
    panel.form.values.set_value("imgsz", 160)
    panel.form.open_advanced()
    stage.settle(1.0)  # it unfolds
    yield stage.window()
    panel.form.advanced.set_expanded(False)


def train_empty(stage: Stage) -> Iterator[Shot]:
    """The page before the first training."""
    stage.page("train")
    yield stage.window()


def train_live(stage: Stage) -> Iterator[Shot]:
    """A training with its curves while it runs."""
    stage.studio.show_page("train")
    runs = stage.studio.runs
    stage.wait(lambda: runs.runs)
    stage.session.pages.train.show_run(runs.runs[0].folder)
    stage.wait(lambda: runs.runs[0].facts.epochs_done >= _LIVE_EPOCHS, 400)
    _wait_for_charts(stage)
    stage.settle(0.5)
    yield stage.window()


def _wait_for_charts(stage: Stage) -> None:
    board = stage.session.pages.train.dashboard
    stage.wait(lambda: board.isVisible() and board.charts.charts and board.charts.is_complete())


def train_done(stage: Stage) -> Iterator[Shot]:
    """The curves of a finished training."""
    stage.page("train")
    stage.wait(lambda: stage.studio.runs.runs)
    run = next(run for run in stage.studio.runs.runs if run.best.is_file())
    stage.session.pages.train.show_run(run.folder)
    _wait_for_charts(stage)
    stage.settle(0.6)
    yield stage.window()


def validation(stage: Stage) -> Iterator[Shot]:
    """What the model gets right and wrong."""
    panel = stage.session.pages.validation
    stage.page("explore")
    stage.wait(panel.table.shown_names)
    panel.show_all()
    stage.settle()
    panel.gallery.tiles_model.wait()
    stage.settle(0.4)
    yield stage.window()


def findings(stage: Stage) -> Iterator[Shot]:
    """A cell of the confusion matrix, and exactly those objects."""
    panel = stage.session.pages.validation
    stage.page("explore")
    stage.wait(panel.table.shown_names)
    mistakes = {cell: found for cell, found in panel.report.cells.items() if cell[0] != cell[1]}
    panel.show_cell(*max(mistakes, key=lambda cell: len(mistakes[cell])))
    stage.settle()
    panel.gallery.tiles_model.wait()
    stage.settle(0.4)
    yield stage.window()


def models(stage: Stage) -> Iterator[Shot]:
    """Every run and checkpoint as a card."""
    pages = stage.session.pages
    pages.models_page.setCurrentWidget(pages.models)
    stage.page("models")
    stage.wait(lambda: pages.models.cards)
    stage.settle(0.5)
    yield stage.window()


def models_opened(stage: Stage) -> Iterator[Shot]:
    """A checkpoint opened beside its card."""
    pages = stage.session.pages
    pages.models_page.setCurrentWidget(pages.models)
    stage.page("models")
    stage.wait(lambda: pages.models.cards)
    pages.models.open_model(pages.models.cards[0].model)
    stage.wait(lambda: pages.models.details.facts is not None)
    stage.settle(0.4)
    yield stage.window()
    pages.models.close_details()


def predict(stage: Stage) -> Iterator[Shot]:
    """The form of suggestions for many images, with a model's classes."""
    pages = stage.session.pages
    pages.models_page.setCurrentWidget(pages.predict)
    stage.page("models")
    choices = pages.predict.choices
    choices.section.set_expanded(True)
    choices.section.header.toggled.emit(True)
    stage.wait(lambda: choices.rules.rowCount())
    stage.settle()
    yield stage.window()
    choices.section.set_expanded(False)


def export(stage: Stage) -> Iterator[Shot]:
    """The formats, and the result of an export."""
    panel = stage.session.pages.export
    stage.session.pages.show_export()
    stage.settle()
    done: list[object] = []
    panel.exported.connect(done.append)
    panel.export()
    stage.wait(lambda: done or not panel.banner.isHidden(), 300)
    stage.settle()
    yield stage.window()


SCENES = (
    Scene("train-empty", train_empty),
    Scene("train-form", train_form),
    Scene("train-live", train_live, needs="live"),
    Scene("train-done", train_done, needs="trained"),
    Scene("validation", validation, needs="trained"),
    Scene("validation-cell", findings, needs="trained"),
    Scene("models", models, needs="trained"),
    Scene("models-opened", models_opened, needs="trained"),
    Scene("suggest", predict, needs="trained"),
    Scene("export", export, needs="trained"),
)
