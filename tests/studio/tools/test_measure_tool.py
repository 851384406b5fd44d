"""Measuring: every state and event; Escape anywhere leaves nothing."""

from __future__ import annotations

import pytest

from studio.tools.base import Key, Pointer
from studio.tools.measure import MeasureTool
from studio.tools.scene import Scene


@pytest.fixture
def tool() -> MeasureTool:
    scene = Scene()
    scene.set_image(1, (400, 300))
    scene.snapping = False
    return MeasureTool(scene)


def send(tool: MeasureTool, kind: str, x: float, y: float, **how: bool) -> None:
    assert tool.pointer(Pointer(kind, x, y, 4.0, **how)) is None  # type: ignore[arg-type]


def test_a_drag_makes_a_line(tool: MeasureTool) -> None:
    send(tool, "press", 10, 10)
    send(tool, "move", 20, 10, held=True)
    send(tool, "release", 40, 50)
    assert tool.line == ((10, 10), (40, 50))
    assert tool.length == 50
    assert tool.is_done
    assert tool.preview().path == tool.line


def test_its_ends_go_to_edges(scene: Scene) -> None:
    """The shapes are a square of 50..170 and a box of 250..350."""
    tool = MeasureTool(scene)
    send(tool, "press", 172, 110)
    send(tool, "release", 248, 110)
    assert tool.line == ((170, 110), (250, 110))


def test_two_clicks_make_a_line(tool: MeasureTool) -> None:
    send(tool, "press", 10, 10)
    send(tool, "release", 10, 10)
    assert not tool.is_done
    send(tool, "move", 30, 10)
    assert tool.length == 20
    send(tool, "press", 50, 10)
    send(tool, "release", 50, 10)
    assert tool.is_done
    assert tool.length == 40
    send(tool, "move", 300, 200)
    assert tool.length == 40  # it stays


def test_the_next_press_begins_anew(tool: MeasureTool) -> None:
    send(tool, "press", 10, 10)
    send(tool, "release", 60, 10)
    send(tool, "press", 100, 100)
    assert tool.line == ((100, 100), (100, 100))


def test_shift_keeps_it_level_or_upright(tool: MeasureTool) -> None:
    send(tool, "press", 10, 10)
    send(tool, "move", 100, 22, held=True, shift=True)
    assert tool.line == ((10, 10), (100, 10))
    send(tool, "move", 22, 100, held=True, shift=True)
    assert tool.line == ((10, 10), (10, 100))


@pytest.mark.parametrize("steps", [["press"], ["press", "release"], ["press", "move", "release"]])
def test_escape_takes_it_away(tool: MeasureTool, steps: list[str]) -> None:
    assert not tool.wants(Key("escape"))
    for number, kind in enumerate(steps):
        send(tool, kind, 10 + 30 * number, 10)
    assert tool.wants(Key("escape"))
    tool.key(Key("escape"))
    assert tool.line is None
    assert tool.length == 0
    assert tool.preview().path == ()


def test_lines_through_the_cursor_help_to_aim(tool: MeasureTool) -> None:
    send(tool, "move", 33, 44)
    assert tool.preview().crosshair == (33, 44)
    tool.pointer(Pointer("leave", float("nan"), float("nan")))
    assert tool.preview().crosshair is None
