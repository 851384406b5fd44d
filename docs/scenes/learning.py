"""Scenes of going through what a model says: suggestions as a gallery or image by image, what to label next, doubts."""

from __future__ import annotations

from collections.abc import Iterator

from docs.scenes.scene import CLOSE, Scene, Shot
from docs.scenes.stage import Stage

_CONFIDENCES = (0.4, 0.1, 0.01)  # a training of seconds is not sure of much


def suggestions(stage: Stage) -> Iterator[Shot]:
    """What the trained model finds on images without labels."""
    from studio.model.records import ImageFilter

    stage.studio.show_page("annotate")
    found = []
    for confidence in _CONFIDENCES:
        stage.studio.preferences["studio.suggestion_confidence"] = confidence
        stage.studio.actions["suggest.run_unlabelled"].trigger()
        stage.wait(lambda: not stage.studio.suggest.is_running, 300)
        project = stage.session.project
        found = project.images(project.image_ids(ImageFilter(suggested=True)))
        if found:
            break
    stage.session.workspace.go_to(max(found, key=lambda record: record.suggestion_count).id)
    stage.session.use_tool("select")
    stage.studio.window.status.clearMessage()
    stage.settle()
    stage.canvas.fit()
    stage.settle()
    yield stage.window()


def gallery(stage: Stage) -> Iterator[Shot]:
    """All suggestions as crops, and what a threshold would accept."""
    stage.page("review")
    stage.settle(0.8)
    yield stage.window()


def walk(stage: Stage) -> Iterator[Shot]:
    """Suggestions image by image, the next one marked."""
    stage.studio.show_page("annotate")
    stage.session.review.start()
    stage.settle()
    yield stage.window()
    stage.session.review.leave()


def label_next(stage: Stage) -> Iterator[Shot]:
    """Images that would teach the model most, each with its reason."""
    part = stage.session.pages.dataset_page
    part.show_part("next")
    stage.page("dataset")
    stage.push(part.next.find_button)
    stage.wait(lambda: part.next.find_button.isEnabled() and part.next.model.rowCount(), 300)
    stage.settle(0.6)
    yield stage.window()


def check_labels(stage: Stage) -> Iterator[Shot]:
    """Labels that the model doubts, as crops."""
    part = stage.session.pages.dataset_page
    part.show_part("check")
    stage.page("dataset")
    stage.push(part.check.check_button)
    stage.wait(part.check.check_button.isEnabled, 300)
    stage.settle(0.4)
    part.check.gallery.tiles_model.wait()
    stage.settle(0.4)
    yield stage.window()


SCENES = (
    Scene("suggestions", suggestions, CLOSE, needs="trained"),
    Scene("review-gallery", gallery, CLOSE, needs="trained"),
    Scene("review-walk", walk, CLOSE, needs="trained"),
    Scene("label-next", label_next, needs="trained"),
    Scene("check-labels", check_labels, needs="trained"),
)
