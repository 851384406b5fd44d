"""The box tool: drag from corner to corner, or click two corners."""

from __future__ import annotations

from enum import Enum, auto
from math import copysign, dist

from engine.data.annotations import Box, Point
from studio.model.edits import AddShapes, Edit
from studio.model.records import Shape, new_shape
from studio.tools.base import Key, Notice, Pointer, Preview, rounded
from studio.tools.finishing import finish_box
from studio.tools.scene import Scene


class State(Enum):
    """What the tool is doing."""

    IDLE = auto()
    PRESSED = auto()  # the first corner is set, the button is down
    DRAGGING = auto()  # and the cursor has moved away: releasing finishes
    OPEN = auto()  # the first corner was clicked: the next press finishes


class BoxTool:
    """Shift keeps the box square; Escape leaves nothing."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.state = State.IDLE
        self.notice = Notice()
        self._corner: Point = (0.0, 0.0)
        self._cursor: Point | None = None
        self._snapped = False

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the finished box as an edit."""
        if event.kind == "leave":
            self._cursor = None if self.state is State.IDLE else self._cursor
            return None
        self._point_at(event)
        if event.kind in ("press", "double"):
            return self._press()
        if event.kind == "move" and self.state is State.PRESSED:
            if dist(self._corner, (event.x, event.y)) > event.tolerance / 2:
                self.state = State.DRAGGING
        elif event.kind == "release":
            return self._release()
        return None

    def key(self, event: Key) -> Edit | None:
        """Enter finishes at the cursor, Escape leaves nothing, Backspace takes the first corner back."""
        if event.name in ("escape", "backspace"):
            self.cancel()
        elif event.name == "enter" and self.state is not State.IDLE:
            return self._finish()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now: only while a box is open."""
        return self.state is not State.IDLE and event.name in ("escape", "backspace", "enter")

    def cancel(self) -> None:
        """Forget the first corner."""
        self.state, self._snapped = State.IDLE, False

    def preview(self) -> Preview:
        """Return the box as it would be now."""
        shapes: tuple[Shape, ...] = ()
        if self.state is not State.IDLE and self._cursor is not None:
            (x1, x2), (y1, y2) = (
                sorted(pair) for pair in zip(self._corner, self._cursor, strict=True)
            )
            box = Box(x1, y1, x2, y2)
            shapes = (new_shape(self.scene.image_id, self.scene.class_id, box),)
        return Preview(
            shapes=shapes,
            snapped=self._cursor if self._snapped else None,
            crosshair=self._cursor,
            class_id=self.scene.class_id,
            cursor="cross",
        )

    def _point_at(self, event: Pointer) -> None:
        if event.ctrl:
            self._cursor, self._snapped = (rounded(event.x), rounded(event.y)), False
        else:
            self._cursor, self._snapped = self.scene.snap(event.x, event.y, event.tolerance)
        if event.shift and self.state is not State.IDLE:
            self._cursor, self._snapped = _square(self._corner, self._cursor), False

    def _press(self) -> Edit | None:
        if self.state is State.OPEN:
            return self._finish()
        if self._cursor is not None:
            self._corner, self.state = self._cursor, State.PRESSED
        return None

    def _release(self) -> Edit | None:
        if self.state is State.DRAGGING:
            return self._finish()
        if self.state is State.PRESSED:
            self.state = State.OPEN
        return None

    def _finish(self) -> Edit | None:
        box = finish_box(self._corner, self._cursor or self._corner, self.scene.size_wh)
        self.cancel()
        if box is None:
            self.notice.text = "Nothing was added: the box is smaller than one pixel of the image."
            return None
        return AddShapes((new_shape(self.scene.image_id, self.scene.class_id, box),))


def _square(corner: Point, cursor: Point) -> Point:
    """Return the far corner of the square that reaches as far as the cursor in its longer direction."""
    dx, dy = cursor[0] - corner[0], cursor[1] - corner[1]
    side = max(abs(dx), abs(dy))
    return rounded(corner[0] + copysign(side, dx)), rounded(corner[1] + copysign(side, dy))
