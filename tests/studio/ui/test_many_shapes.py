"""An image with thousands of shapes on the real window: they come bit by bit, and what is edited meanwhile stays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.data.annotations import Box
from studio.app import canvas_link, many_shapes
from studio.model.edits import AddShapes, RemoveShapes, ReplaceShapes, assign_class
from studio.model.records import new_shape

COUNT = 300


@pytest.fixture
def crowded(labelled: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The second image has 300 boxes, which count as very many."""
    monkeypatch.setattr(canvas_link, "_MANY", 50)
    monkeypatch.setattr(many_shapes, "SLICE", 20)
    project = labelled.session.project
    image, cls = project.image_ids()[1], project.classes()[0]
    boxes = (
        Box(i % 20 * 10, i // 20 * 10, i % 20 * 10 + 8, i // 20 * 10 + 8) for i in range(COUNT)
    )
    project.apply(AddShapes(tuple(new_shape(image, cls.id, box) for box in boxes)))
    return labelled


def drawn(hands: Any) -> dict[int, Any]:
    return {shape.id: shape for shape in hands.canvas.scene.shapes()}


def test_they_all_arrive(crowded: Any) -> None:
    workspace = crowded.session.workspace
    workspace.step(1)
    assert crowded.session.link.many.is_busy
    assert not crowded.session.is_settled()
    assert drawn(crowded) == {}
    crowded.settle()
    assert drawn(crowded) == {shape.id: shape for shape in crowded.shapes()}
    assert len(drawn(crowded)) == COUNT


def test_edits_made_meanwhile_are_kept(crowded: Any) -> None:
    session = crowded.session
    session.workspace.step(1)
    first, second, *_, last = crowded.shapes()
    moved = replace(first, geometry=first.geometry.translated(3, 3))
    session.apply(ReplaceShapes((moved,)))
    session.apply(RemoveShapes((second,)))
    session.apply(AddShapes((new_shape(last.image_id, last.class_id, Box(0, 200, 9, 209)),)))
    crowded.wait(lambda: len(drawn(crowded)) > 40)
    session.apply(RemoveShapes((last,)))
    session.project.undo()
    crowded.settle()
    assert drawn(crowded) == {shape.id: shape for shape in crowded.shapes()}
    assert len(drawn(crowded)) == COUNT


def test_an_edit_of_all_of_them_takes_over(crowded: Any) -> None:
    session = crowded.session
    session.workspace.step(1)
    session.apply(assign_class(crowded.shapes(), session.project.classes()[1].id))
    crowded.settle()
    assert drawn(crowded) == {shape.id: shape for shape in crowded.shapes()}


def test_who_leaves_at_once_sees_the_other_image(crowded: Any) -> None:
    workspace = crowded.session.workspace
    workspace.step(1)
    workspace.step(-1)
    crowded.settle()
    assert drawn(crowded) == {shape.id: shape for shape in crowded.shapes()}
    assert len(drawn(crowded)) == 2
    workspace.step(1)
    crowded.studio.close_session()  # while the thread reads
    assert crowded.studio.session is None
