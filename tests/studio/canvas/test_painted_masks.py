"""A large mask that was just painted: its pixels stay on the canvas until its outline is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from engine.data.annotations import Mask
from studio.canvas import label_layer
from studio.model.records import ClassDef
from studio.tools import rings
from studio.widgets.thread_pools import shared_pool

STROKE = ((60, 60), (330, 70), (60, 150), (330, 230))
GREY = "#404040"


@pytest.fixture
def held_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Any mask is a large one, all tiles are left to the thread, and the thread waits for the event."""
    monkeypatch.setattr(rings, "_LARGE_MASK", 10)
    monkeypatch.setattr(label_layer, "AT_ONCE", 0)
    go_on = Event()
    shared_pool("labels", 1).start(lambda: go_on.wait(20))
    yield go_on
    go_on.set()
    shared_pool("labels", 1).waitForDone()


@pytest.fixture
def painted(held_thread: Event, new_studio: Callable[..., Any]) -> Any:
    """A canvas on which a stroke has just ended."""
    studio = new_studio()
    studio.show()
    studio.view.set_tool("brush")
    studio.view.set_option("brush_size", 30)
    studio.drag(*STROKE)
    return studio


def test_a_stroke_stays_until_its_outline_is_there(
    painted: Any, held_thread: Event, new_studio: Callable[..., Any]
) -> None:
    view = painted.view
    [shape] = view.scene.shapes()
    assert isinstance(shape.geometry, Mask)
    inside = painted.color(200, 65).name()
    assert inside != GREY
    assert painted.color(30, 290).name() == GREY
    assert "rings" not in view.scene.entry(shape.id).__dict__  # nobody had to wait for the outline
    held_thread.set()
    painted.settle()
    assert view.labels.live.kept is None
    fresh = new_studio()
    fresh.show()
    fresh.view.set_shapes([shape])
    fresh.settle()
    for studio in (painted, fresh):
        studio.view.set_tool("select")
        studio.move(30, 290)
    assert painted.shot() == fresh.shot()


def test_an_undone_stroke_leaves_nothing_behind(painted: Any, held_thread: Event) -> None:
    [shape] = painted.view.scene.shapes()
    painted.view.update_shapes((), [shape.id])
    assert painted.color(200, 65).name() == GREY


def test_painting_on_shows_the_new_pixels(painted: Any, held_thread: Event) -> None:
    assert painted.color(100, 280).name() == GREY
    painted.drag((80, 280), (120, 280))
    assert painted.color(100, 280).name() != GREY
    assert painted.color(200, 65).name() != GREY


def test_the_eraser_takes_pixels_off_what_was_just_painted(
    painted: Any, held_thread: Event
) -> None:
    painted.view.set_tool("eraser")
    painted.drag((180, 60), (220, 70))
    assert painted.color(200, 65).name() == GREY
    assert painted.color(320, 70).name() != GREY


def test_a_class_that_is_switched_off_takes_its_painted_pixels_away(
    painted: Any, held_thread: Event
) -> None:
    painted.view.set_classes([ClassDef(0, "bolt", "#e69f00", visible=False)])
    QApplication.processEvents()
    assert painted.color(200, 65).name() == GREY
