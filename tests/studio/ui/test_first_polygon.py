"""From launch to the first saved polygon, with the counts of clicks and keys that were promised."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt

from engine.data.annotations import Polygon
from studio.storage.project_files import project_folder_for

CORNERS = ((40.0, 40.0), (200.0, 40.0), (200.0, 160.0), (40.0, 160.0))


def test_open_a_folder_one_key_and_the_clicks_of_the_polygon(hands: Any, photos: Path) -> None:
    before = {path: path.read_bytes() for path in photos.iterdir()}
    hands.answer_dialog(photos)
    hands.push(hands.button("Open folder of images"))
    hands.wait(lambda: hands.studio.session and hands.session.workspace.image_id is not None)
    hands.settle()
    assert (hands.clicks, hands.keys) == (1, 0)
    hands.press(Qt.Key.Key_P)
    for corner in (*CORNERS, CORNERS[0]):  # a click on the first vertex closes the outline
        hands.click(*corner)
    assert (hands.clicks, hands.keys) == (1 + len(CORNERS) + 1, 1)
    (shape,) = hands.shapes()
    assert isinstance(shape.geometry, Polygon)
    assert len(shape.geometry.exterior) == len(CORNERS)
    database = sqlite3.connect(project_folder_for(photos) / "project.db")
    assert database.execute("SELECT count(*) FROM shapes").fetchone() == (1,)
    database.close()
    assert {path: path.read_bytes() for path in before} == before


def test_the_polygon_tool_is_in_hand_where_nothing_is_labelled(opened: Any) -> None:
    assert opened.canvas.tool_name == "polygon"
    opened.draw(*CORNERS)
    assert (opened.clicks, opened.keys) == (len(CORNERS), 1)
    assert len(opened.shapes()) == 1


def test_the_tool_stays_and_no_dialog_comes(opened: Any) -> None:
    opened.draw(*CORNERS)
    opened.draw((220, 40), (300, 40), (300, 120))
    assert len(opened.shapes()) == 2
    assert opened.canvas.tool_name == "polygon"
    assert [cls.name for cls in opened.session.project.classes()] == ["object"]


def test_escape_leaves_nothing_and_then_the_tool(opened: Any) -> None:
    opened.click(40, 40)
    opened.click(100, 40)
    opened.press(Qt.Key.Key_Escape)
    assert opened.canvas.tool_name == "polygon"
    opened.press(Qt.Key.Key_Escape)
    assert opened.canvas.tool_name == "select"
    assert opened.shapes() == []
    assert not opened.studio.actions["edit.undo"].isEnabled()


def test_backspace_takes_the_last_vertex(opened: Any) -> None:
    for corner in CORNERS:
        opened.click(*corner)
    opened.press(Qt.Key.Key_Backspace)
    opened.press(Qt.Key.Key_Return)
    (shape,) = opened.shapes()
    assert len(shape.geometry.exterior) == 3


def test_a_box_in_one_drag(opened: Any) -> None:
    opened.press(Qt.Key.Key_R)
    opened.drag((50, 60), (120, 100), (150, 140))
    (shape,) = opened.shapes()
    x1, y1, x2, y2 = shape.geometry.bounds()
    assert (round(x1), round(y1), round(x2), round(y2)) == (50, 60, 150, 140)
    assert (opened.clicks, opened.keys) == (1, 1)
