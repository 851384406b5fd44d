"""Scenes of the annotate page as a whole, and of the panels beside the canvas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import BOLT, Stage

_BOLTS, _PLAIN, _ROUND = 147, 143, 144


def annotate(stage: Stage) -> Iterator[Shot]:
    """The busiest image, its largest shape selected."""
    stage.studio.show_page("annotate")
    project, workspace = stage.session.project, stage.session.workspace
    records = project.images(workspace.image_ids)
    busiest = max(records, key=lambda record: record.shape_count)
    workspace.go_to(busiest.id)
    stage.session.use_tool("select")
    stage.settle()
    largest = max(project.shapes(busiest.id), key=lambda shape: shape.geometry.area())
    workspace.select([largest.id])
    stage.canvas.fit()
    stage.settle()
    yield stage.window()
    workspace.select([])


def classes(stage: Stage) -> Iterator[Shot]:
    """A class opened in the panel of classes."""
    stage.labelled(_PLAIN)
    stage.take_class(BOLT)
    editor = stage.session.annotate.classes.edit(stage.session.project.classes()[BOLT])
    stage.settle()
    yield stage.window(over=editor)
    editor.reject()


def properties(stage: Stage) -> Iterator[Shot]:
    """What is known of a shape, with the attributes that its class asks for."""
    from studio.model.attribute_def import AttributeDef
    from studio.model.edits import ChangeClass

    project = stage.session.project
    before = project.classes()[BOLT]
    asked = (
        AttributeDef("finish", "choice", ("zinc", "black", "brass")),
        AttributeDef("scratched", "flag"),
        AttributeDef("length", "number"),
    )
    stage.session.apply(ChangeClass(replace(before, attributes=asked)))
    ids = stage.labelled(_PLAIN)
    stage.key(Qt.Key.Key_V)
    stage.session.workspace.select([ids[0]])
    stage.settle()
    yield stage.window()
    stage.session.workspace.select([])
    stage.clear()
    stage.session.apply(ChangeClass(before))


def history(stage: Stage) -> Iterator[Shot]:
    """What was done, and how far back one can go."""
    stage.labelled(_ROUND)
    stage.session.annotate.show_dock("history")
    stage.settle()
    yield stage.window()
    stage.session.annotate.show_dock("objects")


def display(stage: Stage) -> Iterator[Shot]:
    """Brightness, contrast and window of a picture."""
    stage.picture(_BOLTS)
    panel = stage.session.annotate.display
    stage.session.annotate.show_dock("display")
    panel.contrast.setValue(panel.contrast.value() + 30)
    stage.settle()
    yield stage.window()
    stage.studio.actions["view.reset_display"].trigger()
    stage.session.annotate.show_dock("properties")


def comments(stage: Stage) -> Iterator[Shot]:
    """Stage, tags and comments of an image."""
    stage.labelled(_PLAIN)
    annotate_page, panel = stage.session.annotate, stage.session.pages.review
    annotate_page.show_dock("review")
    shown = [dock for dock in annotate_page.docks if not dock.visibleRegion().isEmpty()]
    annotate_page.resizeDocks(
        shown,
        [440 if dock.objectName() == "dock.review" else 120 for dock in shown],
        Qt.Orientation.Vertical,
    )
    QApplication.processEvents()
    for field, words in (
        (panel.tag_field, "shift 2, bright"),
        (panel.comment_field, "Is the washer under the gear to be labelled?"),
    ):
        stage.write(field, words)
        stage.key(Qt.Key.Key_Return, on=field)
    stage.settle()
    yield stage.window()
    annotate_page.show_dock("objects")
    annotate_page.resizeDocks(shown, [220] * len(shown), Qt.Orientation.Vertical)


def filters(stage: Stage) -> Iterator[Shot]:
    """The filmstrip's filter, opened."""
    stage.studio.show_page("annotate")
    stage.settle()
    bar = stage.session.annotate.filmstrip.filter
    stage.studio.actions["view.fit"].trigger()
    details = bar.more_button.menu()
    corner = bar.more_button.mapToGlobal(bar.more_button.rect().topLeft())
    details.popup(corner - QPoint(0, details.sizeHint().height()))
    stage.settle()
    yield stage.window(over=details)
    details.close()


SCENES = (
    Scene("annotate", annotate),
    *(
        Scene(f"panel-{play.__name__}", play, CLOSE)
        for play in (classes, properties, history, display, comments, filters)
    ),
)
