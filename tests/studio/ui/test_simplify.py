"""Simplifying outlines: what comes is shown, and nothing is kept before all of it is worked out."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt

from engine.data.annotations import Polygon
from studio.panels import simplify
from tests.studio.ui.test_editing import act, add

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
KEY = Qt.Key


def test_simplify_shows_what_comes_and_escape_leaves_it(labelled: Any) -> None:
    wave = [(200.0 + 2 * i, 100.0 + (i % 2)) for i in range(40)]
    add(labelled, Polygon((*wave, (278.0, 180.0), (200.0, 180.0))))
    labelled.click(240, 140)
    before = labelled.shapes()
    bar = labelled.session.annotate.simplify
    labelled.press(KEY.Key_S, CTRL | SHIFT)
    assert bar.isVisible()
    shown = labelled.canvas.labels.live.preview.shapes
    assert len(shown[0].geometry.exterior) < 15
    labelled.press(KEY.Key_Escape)
    assert not bar.isVisible()
    assert labelled.canvas.labels.live.preview.shapes == ()
    assert labelled.shapes() == before
    labelled.press(KEY.Key_S, CTRL | SHIFT)
    bar.slider.setValue(bar.slider.maximum())
    labelled.wait(lambda: "20 px" in bar.words.text())
    labelled.push(bar.apply_button)
    assert len(labelled.shapes()[2].geometry.exterior) == 4


def test_outlines_that_take_long_are_kept_when_all_are_worked_out(
    labelled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simplify, "_SLICE_S", 0)  # one outline a turn
    wave = [(200.0 + 2 * i, 100.0 + (i % 2)) for i in range(40)]
    for y in (0.0, 40.0, 80.0):
        line = tuple((px, py + y - 90) for px, py in wave)
        add(labelled, Polygon((*line, (278.0, 40.0 + y), (200.0, 40.0 + y))))
    act(labelled, "edit.select_all")
    act(labelled, "shape.simplify")
    bar = labelled.session.annotate.simplify
    assert "1 of 5 outlines" in bar.words.text()
    assert labelled.canvas.labels.live.preview.shapes == ()
    bar.finish()
    assert bar.isVisible()
    labelled.wait(bar.isHidden)
    assert all(len(shape.geometry.exterior) < 15 for shape in labelled.shapes())
    act(labelled, "shape.simplify")
    bar.leave()
    assert labelled.canvas.labels.live.preview.shapes == ()
