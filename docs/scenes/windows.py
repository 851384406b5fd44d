"""Scenes of the start page, the settings, and of what opens over the window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from PySide6.QtWidgets import QWidget

from docs.scenes.home import LETTER
from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import BOLT, Stage

_PLAIN = 143
T = TypeVar("T", bound=QWidget)


def start(stage: Stage) -> Iterator[Shot]:
    """The first thing that one sees."""
    yield stage.window()


def waiting(stage: Stage) -> Iterator[Shot]:
    """A page that has nothing to show yet."""
    stage.studio.show_page("models")
    yield stage.window()
    stage.studio.show_page("annotate")


def settings(stage: Stage) -> Iterator[Shot]:
    """All settings; folders as somebody might have set them, not this computer's."""
    values = stage.studio.preferences.manager
    values["weights_dir"] = "weights"
    stage.page("settings")
    yield stage.window()


def palette(stage: Stage) -> Iterator[Shot]:
    """Every command by a few letters of its name."""
    from studio.widgets.command_palette import CommandPalette

    stage.labelled(_PLAIN)
    dialog = _opened(stage, "help.palette", CommandPalette)
    stage.write(dialog.field, "shapes")
    stage.settle()
    yield stage.window(over=dialog)
    dialog.close()


def shortcuts(stage: Stage) -> Iterator[Shot]:
    """All shortcuts on a sheet, each to be changed."""
    from studio.dialogs.shortcuts import ShortcutsDialog

    dialog = _opened(stage, "help.shortcuts", ShortcutsDialog)
    yield Shot(dialog)
    dialog.close()


def import_preview(stage: Stage) -> Iterator[Shot]:
    """What labels of another program would bring."""
    stage.studio.show_page("annotate")
    importing = stage.studio.files.importing
    stage.studio.files.drop([stage.home / LETTER])
    stage.wait(lambda: importing.dialog is not None)
    stage.settle()
    yield stage.window(over=importing.dialog)
    if importing.dialog is not None:
        importing.dialog.reject()
    stage.settle()


def export_dataset(stage: Stage) -> Iterator[Shot]:
    """What is written of the data set, in which format."""
    stage.studio.show_page("annotate")
    dialog = stage.studio.files.exporting.ask(stage.session)
    stage.settle()
    yield stage.window(over=dialog)
    dialog.close()


def keypoints(stage: Stage) -> Iterator[Shot]:
    """What the keypoints of a class are."""
    from studio.dialogs.keypoints import KeypointsDialog

    stage.picture(_PLAIN)
    stage.take_class(BOLT)
    dialog = _opened(stage, "keypoint.describe", KeypointsDialog)
    for row, name in enumerate(("head", "left of the collar", "right of the collar", "tip")):
        stage.push(dialog.add_button)
        dialog.table.item(row, 0).setText(name)
    stage.settle()
    yield stage.window(over=dialog)
    dialog.reject()


def _opened(stage: Stage, action: str, kind: type[T]) -> T:
    stage.studio.actions[action].trigger()
    stage.settle()
    return next(d for d in stage.studio.window.findChildren(kind) if d.isVisible())


BEFORE = (
    Scene("start", start, needs="nothing"),
    Scene("start-models", waiting, needs="nothing"),
)
SCENES = (
    Scene("settings", settings),
    Scene("command-palette", palette, CLOSE),
    Scene("shortcuts", shortcuts),
    Scene("import-preview", import_preview, CLOSE),
    Scene("export-dataset", export_dataset, CLOSE),
    Scene("keypoints-dialog", keypoints, CLOSE),
)
