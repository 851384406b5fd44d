"""Scenes of videos: which frames become images, and shapes that are followed through them."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt

from docs.scenes.home import BELT_SEED, BELT_SIZE, VIDEO
from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import Stage
from studio.panels.track_bar import TrackBar

_EVERY, _THROUGH, _LATER = 4, 12, 8  # frames apart, images followed through, the one that is shown


def video_import(stage: Stage) -> Iterator[Shot]:
    """A dropped video: how many of its frames become images."""
    stage.studio.show_page("annotate")
    _drop(stage)
    dialog = stage.studio.videos.dialog
    yield stage.window(over=dialog)
    if dialog is not None:
        dialog.reject()
    stage.settle()


def follow_shapes(stage: Stage) -> Iterator[Shot]:
    """Parts on the first frame, about to be followed through the next images."""
    _mark(stage)
    bar = _open_bar(stage)
    yield stage.window()
    stage.key(Qt.Key.Key_Escape, on=bar)


def followed_shapes(stage: Stage) -> Iterator[Shot]:
    """The same parts some frames later, as suggestions with their track numbers."""
    first = _mark(stage)
    bar = _open_bar(stage)
    bar.count.setValue(_THROUGH)
    stage.key(Qt.Key.Key_Return, on=bar)
    stage.wait(lambda: stage.studio.sequence.is_running)
    stage.wait(lambda: not stage.studio.sequence.is_running)
    frames = _frames(stage)
    stage.session.workspace.go_to(frames[frames.index(first) + _LATER])
    stage.session.use_tool("select")
    stage.settle()
    stage.canvas.fit()
    stage.settle()
    yield stage.window()
    for image_id in frames:
        stage.session.project.reject_suggestions(image_id)


def _drop(stage: Stage) -> None:
    stage.studio.files.drop([stage.home / VIDEO])
    stage.wait(lambda: (dialog := stage.studio.videos.dialog) is not None and dialog.isVisible())
    stage.settle()


def _frames(stage: Stage) -> list[int]:
    """Return the images that are frames of the video, in their order."""
    project = stage.session.project
    found = project.images(project.image_ids())
    return [record.id for record in found if record.path.name.startswith(VIDEO.stem)]


def _mark(stage: Stage) -> int:
    """Bring the frames into the project and draw what the belt carries towards the camera on the first; returns it."""
    from engine.data.synthetic.scene import draw_scene
    from studio.model.edits import AddShapes
    from studio.model.records import new_shape

    stage.studio.show_page("annotate")
    if not _frames(stage):
        _drop(stage)
        dialog = stage.studio.videos.dialog
        if dialog is not None:
            dialog.every.setValue(_EVERY)
            stage.push(dialog.import_button)
        stage.wait(lambda: _frames(stage))
        stage.settle()
    project = stage.session.project
    first = _frames(stage)[0]
    stage.session.workspace.go_to(first)
    stage.settle()
    if not project.shapes(first):
        classes = [cls.id for cls in project.classes()]
        parts = [
            label
            for label in draw_scene(BELT_SEED, BELT_SIZE).annotations
            if label.geometry.bounds()[0] > 150 and label.geometry.bounds()[2] < 478
        ]
        edit = AddShapes(tuple(new_shape(first, classes[p.class_id], p.geometry) for p in parts))
        stage.session.apply(edit)
    stage.session.use_tool("select")
    stage.session.workspace.select([shape.id for shape in project.shapes(first)])
    stage.settle()
    stage.canvas.fit()
    stage.canvas.setFocus()
    return first


def _open_bar(stage: Stage) -> TrackBar:
    stage.studio.actions["sequence.follow"].trigger()
    bar = stage.studio.sequence.bar_of(stage.session)
    stage.wait(bar.isVisible)
    stage.settle()
    return bar


SCENES = (
    Scene("video-import", video_import, CLOSE),
    Scene("follow-shapes", follow_shapes, CLOSE, needs="video"),
    Scene("followed-shapes", followed_shapes, CLOSE, needs="video"),
)
