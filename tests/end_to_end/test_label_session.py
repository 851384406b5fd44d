"""A short session of ``python -m benchmarks label_session``, and the recorder behind it."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest
import shapely
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from benchmarks import label_session
from benchmarks.drawn_parts import iou
from benchmarks.recorder import Recorder
from engine.data.annotations import Polygon


def test_two_pictures_are_labelled_by_boxes_and_every_event_is_kept(
    qtbot: QtBot, tmp_path: Path
) -> None:
    file = tmp_path / "kept" / "session.jsonl"
    figures = label_session.run(Namespace(pictures=2, model="classic", prompts="box", record=file))
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert figures["images"] == figures["images_with_labels"] == 2
    assert figures["parts"] == figures["drags"] > 4
    assert figures["clicks"] == 0
    assert figures["events"] == len(rows) == sum(figures["events_by_kind"].values())
    keys = [row["key"] for row in rows if row["kind"] == "key"]
    assert keys.count("Return") == figures["parts"]
    assert keys.count("D") == 1
    assert figures["keys"] == len(keys)
    assert {row["image"] for row in rows} == {"000.jpg", "001.jpg"}
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)
    # GrabCut finds most of the parts: boxes in wrong places would find next to none of them
    assert figures["iou_median"] > 0.7


def test_the_recorder_tells_clicks_drags_and_keys_apart(qtbot: QtBot) -> None:
    widget = QWidget()
    widget.resize(100, 80)
    qtbot.addWidget(widget)
    widget.show()
    recorder = Recorder(widget, lambda place: (place.x() / 2, place.y() / 2), lambda: "one")
    left, right = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
    QTest.mouseClick(widget, left, pos=QPoint(10, 20))
    QTest.mousePress(widget, left, pos=QPoint(30, 30))
    QTest.mouseMove(widget, QPoint(60, 50))
    QTest.mouseRelease(widget, left, pos=QPoint(60, 50))
    QTest.mouseClick(widget, right, pos=QPoint(70, 70))
    QTest.keyClick(widget, Qt.Key.Key_Return)
    presses = [row for row in recorder.rows if row["kind"] == "press"]
    assert [(row["x"], row["y"], row["button"]) for row in presses] == [
        (5, 10, "left"), (15, 15, "left"), (35, 35, "right"),
    ]  # fmt: skip
    assert recorder.drags() == 1
    assert recorder.kinds()["release"] == 3
    assert [row["key"] for row in recorder.rows if row["kind"] == "key"] == ["Return"]


def test_how_well_outlines_cover_a_part() -> None:
    truth = shapely.box(0, 0, 10, 10)
    half = Polygon.of([(0, 0), (5, 0), (5, 10), (0, 10)])
    other = Polygon.of([(5, 0), (10, 0), (10, 10), (5, 10)])
    assert iou([half], truth) == pytest.approx(0.5)
    assert iou([half, other], truth) == pytest.approx(1)
    assert iou([], truth) == 0
