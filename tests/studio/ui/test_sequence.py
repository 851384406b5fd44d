"""Videos and sequences by hand: frames imported, shapes followed, key frames filled in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from engine.data.annotations import Box, Polygon, to_mask
from studio.dialogs.import_video import ImportVideoDialog
from studio.model.edits import AddShapes
from studio.model.records import new_shape
from studio.model.tracks import FILLED_IN, FOLLOWED, track_of
from tests.studio.ui.conftest import Hands

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
WIDTH, HEIGHT, RADIUS, FRAMES = 160, 120, 14, 12
TRACK = {"track_id": 4}


def middle(i: int) -> tuple[int, int]:
    return 30 + 6 * i, 50 + 2 * i


def disc(i: int) -> Polygon:
    (x, y), at = middle(i), np.linspace(0, 2 * np.pi, 24, endpoint=False)
    points = zip(x + 0.5 + RADIUS * np.cos(at), y + 0.5 + RADIUS * np.sin(at), strict=True)
    return Polygon(tuple((float(a), float(b)) for a, b in points))


def iou(first: Any, second: Any) -> float:
    a, b = (to_mask(g, HEIGHT, WIDTH).to_array() > 0 for g in (first, second))
    return float((a & b).sum() / (a | b).sum())


def filled(hands: Hands) -> None:
    """Wait until what lies between key frames is read and written."""
    hands.wait(lambda: not hands.studio.sequence.is_running)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Twelve frames of a disc that moves over a rough ground, four a second."""
    path = tmp_path / "videos" / "disc.avi"
    path.parent.mkdir()
    ground = np.random.default_rng(1).integers(30, 110, (HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    ground = cv2.resize(ground, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 4, (WIDTH, HEIGHT))
    for i in range(FRAMES):
        frame = ground.copy()
        cv2.circle(frame, middle(i), RADIUS, (40, 200, 240), -1)
        writer.write(frame)
    writer.release()
    return path


def dialog_of(hands: Hands) -> ImportVideoDialog:
    hands.wait(lambda: hands.studio.videos.dialog is not None)
    dialog = hands.studio.videos.dialog
    assert dialog is not None
    hands.wait(dialog.isVisible)
    return dialog


@pytest.fixture
def sequence(hands: Hands, video: Path) -> Hands:
    """The window with all frames of the video, a disc drawn on the first."""
    hands.drop(hands.studio.window, video)
    dialog = dialog_of(hands)
    dialog.every.setValue(1)
    hands.push(dialog.import_button)
    hands.wait(lambda: hands.studio.session is not None)
    hands.settle()
    project = hands.session.project
    cls = project.add_class("disc")
    project.apply(AddShapes((new_shape(project.image_ids()[0], cls.id, disc(0)),)))
    hands.session.workspace.go_to(project.image_ids()[0])
    hands.settle()
    hands.studio.window.activateWindow()
    hands.canvas.setFocus()
    hands.wait(hands.canvas.hasFocus)
    hands.press(Qt.Key.Key_V)
    assert hands.canvas.tool_name == "select"
    return hands


def test_a_dropped_video_becomes_a_project_of_its_frames(hands: Hands, video: Path) -> None:
    hands.drop(hands.studio.window, video)
    dialog = dialog_of(hands)
    assert dialog.every.value() == 2  # two images a second
    assert dialog.count_text.text() == "6 images"
    hands.push(dialog.scene_button)
    assert dialog.count_text.text() == "At most 12 images"
    hands.push(dialog.all_button)
    dialog.every.setValue(5)
    hands.push(dialog.part)
    dialog.end.setValue(dialog.start.value())
    assert not dialog.import_button.isEnabled()
    hands.push(dialog.part)
    assert dialog.count_text.text() == "3 images"
    hands.push(dialog.import_button)
    hands.wait(lambda: hands.studio.session is not None)
    hands.settle()
    project = hands.session.project
    names = [record.path.name for record in project.images(project.image_ids())]
    assert names == ["disc_000000.jpg", "disc_000005.jpg", "disc_000010.jpg"]
    hands.session.workspace.go_to(project.image_ids()[1])
    assert hands.studio.window.status.image.text() == "160 × 120  ·  0:01.25"


def test_a_video_dropped_on_a_project_joins_it(opened: Hands, video: Path) -> None:
    before = opened.session.project.count_images()
    opened.drop(opened.studio.window, video)
    dialog = dialog_of(opened)
    opened.push(dialog.import_button)
    opened.wait(lambda: opened.session.project.count_images() == before + 6)
    opened.settle()
    assert video.with_name("disc_frames").is_dir()


def test_what_is_no_video_is_told(hands: Hands, tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(b"nothing of the kind")
    hands.drop(hands.studio.window, path)
    hands.wait(hands.banner)
    assert "cannot be read as a video" in hands.banner()
    assert hands.studio.videos.dialog is None


def test_a_shape_is_followed_accepted_and_undone(sequence: Hands) -> None:
    hands = sequence
    project, ids = hands.session.project, hands.session.project.image_ids()
    hands.click(*middle(0))
    assert hands.session.workspace.selection
    hands.press(Qt.Key.Key_F, CTRL | SHIFT)
    bar = hands.studio.sequence.bar_of(hands.session)
    assert bar.isVisible()
    assert bar.count.hasFocus()
    bar.count.setValue(8)
    hands.press(Qt.Key.Key_Return)
    hands.wait(lambda: hands.studio.sequence.is_running)
    hands.wait(lambda: not hands.studio.sequence.is_running, timeout_ms=120_000)
    assert [len(project.suggestions(i)) for i in ids] == [0] + [1] * 8 + [0] * 3
    for place, image_id in enumerate(ids[1:9], 1):
        (found,) = project.suggestions(image_id)
        assert iou(found.geometry, disc(place)) > 0.9
        assert (track_of(found), found.source) == (1, FOLLOWED)
        assert found.score is not None
    (origin,) = project.shapes(ids[0])
    assert track_of(origin) == 1
    hands.press(Qt.Key.Key_D)
    hands.settle()
    hands.press(Qt.Key.Key_Y, SHIFT)
    (accepted,) = project.shapes(ids[1])
    assert track_of(accepted) == 1
    hands.press(Qt.Key.Key_Z, CTRL)
    assert project.shapes(ids[1]) == []
    assert len(project.suggestions(ids[1])) == 1


def test_key_frames_are_filled_in_as_one_edit(sequence: Hands) -> None:
    hands = sequence
    project, workspace = hands.session.project, hands.session.workspace
    ids = project.image_ids()
    hands.click(*middle(0))
    hands.press(Qt.Key.Key_T, CTRL | Qt.KeyboardModifier.AltModifier)
    (first,) = project.shapes(ids[0])
    last = new_shape(ids[8], first.class_id, disc(8), attributes=dict(first.attributes))
    project.apply(AddShapes((last,)))
    hands.press(Qt.Key.Key_PageDown, SHIFT)
    assert workspace.image_id == ids[8]
    assert [track_of(shape) for shape in workspace.selected_shapes()] == [1]
    hands.press(Qt.Key.Key_K, CTRL | SHIFT)
    filled(hands)
    for place in range(1, 8):
        (shape,) = project.shapes(ids[place])
        assert iou(shape.geometry, disc(place)) > 0.95
        assert (track_of(shape), shape.source) == (1, FILLED_IN)
    hands.press(Qt.Key.Key_PageUp, SHIFT)
    assert workspace.image_id == ids[0]  # what is filled in is no key frame
    hands.press(Qt.Key.Key_Z, CTRL)
    assert all(project.shapes(ids[place]) == [] for place in range(1, 8))
    assert project.shapes(ids[8])


def fill_between_boxes(hands: Hands) -> list[int]:
    """Ask for what lies between a box on the third image and one on the seventh; give the images."""
    project, workspace = hands.session.project, hands.session.workspace
    ids = project.image_ids()
    cls = project.classes()[0].id
    ends = [new_shape(ids[i], cls, Box(10 + i, 10, 40 + i, 40), attributes=TRACK) for i in (2, 6)]
    project.apply(AddShapes(tuple(ends)))
    workspace.go_to(ids[2])
    hands.settle()
    workspace.select([project.shapes(ids[2])[0].id])
    hands.studio.actions["sequence.fill"].trigger()
    return ids


def test_a_filled_in_shape_that_is_moved_becomes_a_key_frame(sequence: Hands) -> None:
    hands = sequence
    project, workspace = hands.session.project, hands.session.workspace
    ids = fill_between_boxes(hands)
    filled(hands)
    workspace.go_to(ids[4])
    hands.settle()
    (middle_shape,) = project.shapes(ids[4])
    assert middle_shape.geometry == Box(14, 10, 44, 40)
    hands.drag((29, 25), (29, 40), (29, 55))
    (moved,) = project.shapes(ids[4])
    assert moved.source == "drawn"
    assert moved.geometry.bounds()[1] == pytest.approx(40, abs=1)
    hands.studio.actions["sequence.fill"].trigger()
    filled(hands)
    (third,) = project.shapes(ids[3])
    assert third.geometry.bounds()[1] == pytest.approx(25, abs=1)
    assert len(project.shapes(ids[3])) == 1


def test_what_is_drawn_while_the_gap_is_read_is_left_alone(sequence: Hands) -> None:
    hands = sequence
    project = hands.session.project
    ids = fill_between_boxes(hands)
    cls = project.classes()[0].id
    drawn = new_shape(ids[4], cls, Box(14, 40, 44, 70), attributes=TRACK)
    project.apply(AddShapes((drawn,)))  # before the thread's answer arrives
    filled(hands)
    (kept,) = project.shapes(ids[4])
    assert kept.geometry == drawn.geometry
    (between,) = project.shapes(ids[3])
    assert between.geometry == Box(13, 25, 43, 55)
    assert project.shapes(ids[5]) == []  # the drawn one is the next key frame by now


def test_without_a_track_the_actions_say_what_to_do(sequence: Hands) -> None:
    hands = sequence
    hands.click(*middle(0))
    for action in ("sequence.fill", "sequence.key:next"):
        hands.studio.window.status.clearMessage()
        hands.studio.actions[action].trigger()
        QApplication.processEvents()
        assert "track number" in hands.studio.window.status.currentMessage()
