"""Measuring: a line from press to release, or from click to click. It changes nothing."""

from __future__ import annotations

from enum import Enum, auto
from math import hypot

from engine.data.annotations import Point
from studio.model.edits import Edit
from studio.tools.base import Key, Notice, Pointer, Preview
from studio.tools.scene import Scene
from studio.tools.snapping import find_snap


class State(Enum):
    """Where the tool is."""

    IDLE = auto()
    PRESSED = (
        auto()
    )  # the button is down: dragging draws, letting go at once waits for a second click
    CLICKED = auto()  # the first end is set, the line follows the mouse
    DONE = auto()  # the line stays until the next press


class MeasureTool:
    """Draws a line and tells how long it is.

    Args:
        scene: For snapping.

    Attributes:
        line: Its two ends in image pixels, None while there is none.
    """

    def __init__(self, scene: Scene) -> None:
        self.notice = Notice()
        self.line: tuple[Point, Point] | None = None
        self._scene = scene
        self._state = State.IDLE
        self._cursor: Point | None = None

    @property
    def length(self) -> float:
        """Length of the line in pixels, 0 while there is none."""
        if self.line is None:
            return 0.0
        (x1, y1), (x2, y2) = self.line
        return hypot(x2 - x1, y2 - y1)

    @property
    def is_done(self) -> bool:
        """Whether the line has both its ends."""
        return self._state is State.DONE

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; no edit comes of it."""
        if event.kind == "leave":
            self._cursor = None
            return None
        place = find_snap(self._scene, event.x, event.y, event.tolerance).point
        if event.shift and self.line is not None and self._state is not State.DONE:
            place = _straightened(self.line[0], place)
        self._cursor = place
        if event.kind in ("press", "double"):
            self._press(place)
        elif self._state in (State.PRESSED, State.CLICKED) and self.line is not None:
            self.line = self.line[0], place
            if event.kind == "release" and self._state is State.PRESSED:
                dragged = self.length > event.tolerance / 2
                self._state = State.DONE if dragged else State.CLICKED
        return None

    def key(self, event: Key) -> Edit | None:
        """Escape and Backspace take the line away."""
        if self.wants(event):
            self.cancel()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether a key means something just now."""
        return event.name in ("escape", "backspace", "delete") and self.line is not None

    def cancel(self) -> None:
        """Take the line away."""
        self.line, self._state = None, State.IDLE

    def preview(self) -> Preview:
        """Return the line, and lines through the cursor while there is none."""
        aims = self._state in (State.IDLE, State.DONE)
        return Preview(
            path=self.line or (),
            crosshair=self._cursor if aims else None,
            class_id=self._scene.class_id,
            cursor="cross",
        )

    def _press(self, place: Point) -> None:
        if self._state is State.CLICKED and self.line is not None:
            self.line, self._state = (self.line[0], place), State.DONE
        else:
            self.line, self._state = (place, place), State.PRESSED


def _straightened(start: Point, place: Point) -> Point:
    """Return ``place`` moved so that the line from ``start`` is level or upright."""
    dx, dy = place[0] - start[0], place[1] - start[1]
    return (place[0], start[1]) if abs(dx) >= abs(dy) else (start[0], place[1])
