"""The strip of classes of the whole image: suggestions are taken or dropped with the mouse, undoable."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from engine.data.annotations import Tag
from engine.runtime.errors import EngineError
from studio.model.edits import AddShapes
from studio.model.records import new_shape
from studio.model.workspace import Workspace
from studio.panels.image_tags import ImageTagsStrip

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def workspace(project) -> Workspace:
    workspace = Workspace(project)
    workspace.go_to(project.image_ids()[-1])
    return workspace


@pytest.fixture
def strip(qtbot, workspace) -> ImageTagsStrip:
    strip = ImageTagsStrip(workspace)
    qtbot.addWidget(strip)
    strip.resize(700, 40)
    return strip


def suggest(workspace: Workspace, score: float = 0.9) -> None:
    image, cls = workspace.image_id, workspace.project.classes()[0]
    workspace.project.set_suggestions(image, [new_shape(image, cls.id, Tag(), "model", score)])


def words(strip: ImageTagsStrip) -> list[str]:
    return [chip.words.text() for chip in strip.chips]


def test_it_shows_only_where_there_is_a_tag(strip, workspace):
    assert strip.isHidden()
    suggest(workspace)
    assert not strip.isHidden()
    assert words(strip) == ["square 0.90, suggested"]
    workspace.go_to(workspace.project.image_ids()[0])
    assert strip.isHidden(), "the other image has shapes but no tag"
    workspace.go_to(workspace.project.image_ids()[-1])
    assert words(strip) == ["square 0.90, suggested"]


def test_a_suggestion_is_taken_with_one_click_and_back_again(strip, workspace):
    suggest(workspace)
    strip.show()
    QTest.mouseClick(strip.chips[0].accept_button, LEFT)
    assert words(strip) == ["square"]
    (shape,) = workspace.project.shapes(workspace.image_id)
    assert shape.geometry == Tag()
    assert workspace.project.image(workspace.image_id).status == "labelled"
    assert strip.chips[0].accept_button.isHidden()
    workspace.project.undo()
    assert words(strip) == ["square 0.90, suggested"]


def test_a_suggestion_is_dropped_and_a_tag_taken_away(strip, workspace):
    suggest(workspace)
    strip.show()
    QTest.mouseClick(strip.chips[0].remove_button, LEFT)
    assert strip.isHidden()
    assert workspace.project.suggestions(workspace.image_id) == []
    cls = workspace.project.classes()[0]
    tag = new_shape(workspace.image_id, cls.id, Tag())
    workspace.project.apply(AddShapes((tag,)))
    assert words(strip) == ["square"]
    QTest.mouseClick(strip.chips[0].remove_button, LEFT)
    assert strip.isHidden()
    assert workspace.project.shapes(workspace.image_id) == []
    workspace.project.undo()
    assert words(strip) == ["square"]


def test_what_is_refused_is_told(qtbot, workspace):
    told: list[EngineError] = []
    strip = ImageTagsStrip(workspace, told.append)
    qtbot.addWidget(strip)
    suggest(workspace)
    strip.show()
    workspace.project.store.read_only = True
    QTest.mouseClick(strip.chips[0].accept_button, LEFT)
    workspace.project.store.read_only = False
    assert len(told) == 1
    assert words(strip) == ["square 0.90, suggested"]
