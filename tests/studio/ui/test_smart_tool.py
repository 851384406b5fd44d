"""The smart tool in the whole window, with a real segmenter in its own process."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from engine.data.annotations import Polygon, to_mask
from studio.model.preferences import SMART_MODEL
from studio.tools.prompting import Readiness

SIZE_WH = (320, 240)
DISC, PLATE = (120, 110), (245, 185)


@pytest.fixture
def pointed(hands: Any, tmp_path: Path) -> Any:
    """A project with two pictures of a disc and a plate, the smart tool in hand."""
    folder = tmp_path / "parts"
    folder.mkdir()
    picture = np.full((*SIZE_WH[::-1], 3), 60, np.uint8)
    cv2.circle(picture, DISC, 50, (40, 180, 220), -1)
    cv2.rectangle(picture, (200, 150), (290, 220), (200, 60, 60), -1)
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), picture)
    hands.studio.preferences[SMART_MODEL] = "classic"  # needs no weights
    hands.studio.files.open_paths([folder])
    hands.wait(lambda: hands.studio.session is not None)
    hands.wait(lambda: hands.session.workspace.image_id is not None)
    hands.settle()
    hands.canvas.setFocus()
    hands.press(Qt.Key.Key_Q)
    prompter = hands.session.smart.prompter
    hands.wait(lambda: prompter.readiness is Readiness.READY, timeout_ms=120_000)
    return hands


def disc_iou(geometry: Polygon) -> float:
    """Return how well an outline covers the disc."""
    truth = np.zeros(SIZE_WH[::-1], np.uint8)
    cv2.circle(truth, DISC, 50, 1, -1)
    mask = to_mask(geometry, SIZE_WH[1], SIZE_WH[0]).to_array()
    return float((mask & truth).sum() / (mask | truth).sum())


def test_one_key_one_click_and_enter_make_an_outline(pointed: Any) -> None:
    canvas, prompter = pointed.canvas, pointed.session.smart.prompter
    clicks, keys = pointed.clicks, pointed.keys
    pointed.click(*DISC)
    pointed.wait(lambda: prompter.answer() is not None and prompter.answer().prompts.added)
    pointed.wait(lambda: canvas.tool_preview().shapes)
    pointed.press(Qt.Key.Key_Return)
    (shape,) = pointed.shapes()
    assert isinstance(shape.geometry, Polygon)
    assert disc_iou(shape.geometry) > 0.9
    assert len(shape.geometry.exterior) < 80
    assert (pointed.clicks - clicks, pointed.keys - keys) == (1, 1)
    pointed.studio.actions["edit.undo"].trigger()
    assert pointed.shapes() == []


def test_the_right_button_excludes_and_opens_no_menu(pointed: Any) -> None:
    canvas, prompter = pointed.canvas, pointed.session.smart.prompter
    pointed.click(*DISC)
    place = pointed.place(30, 30)
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, place)
    canvas.customContextMenuRequested.emit(place)
    assert not [w for w in QApplication.topLevelWidgets() if isinstance(w, QMenu) and w.isVisible()]
    pointed.wait(lambda: prompter.answer() is not None and prompter.answer().prompts.excluded)
    assert len(canvas.tool_preview().marks) == 2
    pointed.press(Qt.Key.Key_Escape)
    assert canvas.tool_preview().marks == ()
    assert canvas.tool_name == "smart"


def test_a_box_finds_the_plate_and_the_next_image_is_ready(pointed: Any) -> None:
    canvas, prompter = pointed.canvas, pointed.session.smart.prompter
    pointed.drag((194, 144), (250, 190), (297, 227))
    pointed.wait(lambda: prompter.answer() is not None and prompter.answer().prompts.box)
    pointed.press(Qt.Key.Key_Return)
    (shape,) = pointed.shapes()
    assert np.abs(np.subtract(shape.geometry.bounds(), (200, 150, 291, 221))).max() <= 3
    pointed.press(Qt.Key.Key_D)
    assert prompter.answer() is None
    pointed.wait(lambda: prompter.readiness is Readiness.READY)
    pointed.click(*PLATE)
    pointed.wait(lambda: prompter.answer() is not None and canvas.tool_preview().shapes)
    pointed.press(Qt.Key.Key_Return)
    assert len(pointed.shapes()) == 1


def test_a_killed_segmenter_starts_again(pointed: Any) -> None:
    prompter = pointed.session.smart.prompter
    before = prompter.worker_pid
    os.kill(before, signal.SIGKILL)
    # The click may meet the dying process, which is told, or its successor, which answers.
    pointed.click(*DISC)
    pointed.wait(
        lambda: prompter.readiness is Readiness.FAILED or pointed.canvas.tool_preview().shapes,
        timeout_ms=120_000,
    )
    if prompter.readiness is Readiness.FAILED:
        assert prompter.reason
        pointed.click(*DISC)  # begins again
        pointed.wait(lambda: prompter.readiness is Readiness.READY, timeout_ms=120_000)
        pointed.click(*DISC)
    pointed.wait(lambda: pointed.canvas.tool_preview().shapes, timeout_ms=120_000)
    assert prompter.worker_pid not in (None, before)
