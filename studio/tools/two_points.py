"""What the tools that need two places have in common: drag from one to the other, or click both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum, auto
from math import copysign, dist

from engine.data.annotations import Geometry, Point
from studio.language import tr
from studio.model.edits import AddShapes, Edit
from studio.model.records import Shape, new_shape
from studio.tools.base import Key, Notice, Pointer, Preview, rounded
from studio.tools.scene import Scene
from studio.tools.snapping import find_snap


class State(Enum):
    """What the tool is doing."""

    IDLE = auto()
    PRESSED = auto()  # the first place is set, the button is down
    DRAGGING = auto()  # and the cursor has moved away: releasing finishes
    OPEN = auto()  # the first place was clicked: the next press finishes


class TwoPointTool(ABC):
    """Shift makes both directions equal; Alt or Ctrl sets a place exactly where the cursor is; Escape leaves nothing."""

    too_small = tr("Nothing was added: the shape is smaller than one pixel of the image.")

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.state = State.IDLE
        self.notice = Notice()
        self._first: Point = (0.0, 0.0)
        self._cursor: Point | None = None
        self._snapped = False

    @abstractmethod
    def _drawn(self, first: Point, second: Point) -> Geometry:
        """Return what the two places make, as the preview shows it."""

    @abstractmethod
    def _finished(self, first: Point, second: Point) -> list[Geometry]:
        """Return what of it is kept; nothing where it is too small or outside the image."""

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the finished shape as an edit."""
        if event.kind == "leave":
            self._cursor = None if self.state is State.IDLE else self._cursor
            return None
        self._point_at(event)
        if event.kind in ("press", "double"):
            return self._press()
        if event.kind == "move" and self.state is State.PRESSED:
            if dist(self._first, (event.x, event.y)) > event.tolerance / 2:
                self.state = State.DRAGGING
        elif event.kind == "release":
            return self._release()
        return None

    def key(self, event: Key) -> Edit | None:
        """Enter finishes at the cursor, Escape leaves nothing, Backspace takes the first place back."""
        if event.name in ("escape", "backspace"):
            self.cancel()
        elif event.name == "enter" and self.state is not State.IDLE:
            return self._finish()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now: only while a shape is open."""
        return self.state is not State.IDLE and event.name in ("escape", "backspace", "enter")

    def cancel(self) -> None:
        """Forget the first place."""
        self.state, self._snapped = State.IDLE, False

    def preview(self) -> Preview:
        """Return the shape as it would be now."""
        shapes: tuple[Shape, ...] = ()
        if self.state is not State.IDLE and self._cursor is not None:
            drawn = self._drawn(self._first, self._cursor)
            shapes = (new_shape(self.scene.image_id, self.scene.class_id, drawn),)
        return Preview(
            shapes=shapes,
            snapped=self._cursor if self._snapped else None,
            crosshair=self._cursor,
            class_id=self.scene.class_id,
            cursor="cross",
        )

    def _point_at(self, event: Pointer) -> None:
        if event.ctrl or event.alt:
            self._cursor, self._snapped = (rounded(event.x), rounded(event.y)), False
        else:
            snap = find_snap(self.scene, event.x, event.y, event.tolerance)
            self._cursor, self._snapped = snap.point, snap.kind != "free"
        if event.shift and self.state is not State.IDLE:
            self._cursor, self._snapped = equal_sided(self._first, self._cursor), False

    def _press(self) -> Edit | None:
        if self.state is State.OPEN:
            return self._finish()
        if self._cursor is not None:
            self._first, self.state = self._cursor, State.PRESSED
        return None

    def _release(self) -> Edit | None:
        if self.state is State.DRAGGING:
            return self._finish()
        if self.state is State.PRESSED:
            self.state = State.OPEN
        return None

    def _finish(self) -> Edit | None:
        found = self._finished(self._first, self._cursor or self._first)
        self.cancel()
        if not found:
            self.notice.text = self.too_small
            return None
        return AddShapes(tuple(map(self.scene.drawn, found)))


def equal_sided(first: Point, cursor: Point) -> Point:
    """Return the far corner of the square that reaches as far as the cursor in its longer direction."""
    dx, dy = cursor[0] - first[0], cursor[1] - first[1]
    side = max(abs(dx), abs(dy))
    return rounded(first[0] + copysign(side, dx)), rounded(first[1] + copysign(side, dy))
