"""The rotated rectangle in three clicks: two along one side, the third gives the other side's length."""

from __future__ import annotations

from enum import Enum, auto
from math import atan2, cos, dist, pi, sin

from engine.data.annotations import OrientedBox, Point
from studio.language import tr
from studio.model.edits import AddShapes, Edit
from studio.model.records import Shape, new_shape
from studio.tools.base import Key, Notice, Pointer, Preview
from studio.tools.finishing import MIN_SIDE
from studio.tools.scene import Scene
from studio.tools.snapping import Snap, find_snap

_TURN = pi / 12  # with Shift the first side lies at multiples of 15 degrees


class State(Enum):
    """What the tool is doing."""

    IDLE = auto()
    PRESSED = auto()  # the side's first end is set, the button is down
    DRAGGING = auto()  # letting go sets its second end
    SIDE = auto()  # the next press sets its second end
    WIDTH = auto()  # the side is set: the next press finishes


class OrientedBoxTool:
    """Click or drag along one side, then click at the opposite one.

    Shift turns the side to a multiple of 15 degrees; Alt or Ctrl sets a place exactly where the cursor is; Backspace goes
    back by a click, Escape leaves nothing.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.state = State.IDLE
        self.notice = Notice()
        self._side: tuple[Point, Point] = ((0.0, 0.0), (0.0, 0.0))
        self._cursor: Snap | None = None

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the finished box as an edit."""
        if event.kind == "leave":
            self._cursor = None if self.state is State.IDLE else self._cursor
            return None
        self._point_at(event)
        if event.kind in ("press", "double"):
            return self._press()
        if event.kind == "move" and self.state is State.PRESSED:
            if dist(self._side[0], (event.x, event.y)) > event.tolerance / 2:
                self.state = State.DRAGGING
        elif event.kind == "release" and self.state is State.PRESSED:
            self.state = State.SIDE
        elif event.kind == "release" and self.state is State.DRAGGING:
            self._set_side()
        return None

    def key(self, event: Key) -> Edit | None:
        """Enter finishes at the cursor, Backspace goes back by a click, Escape leaves nothing."""
        if event.name == "escape":
            self.cancel()
        elif event.name == "backspace":
            self.state = State.SIDE if self.state is State.WIDTH else State.IDLE
        elif event.name == "enter" and self.state is State.WIDTH:
            return self._finish()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now: only while a box is open."""
        return self.state is not State.IDLE and event.name in ("escape", "backspace", "enter")

    def cancel(self) -> None:
        """Forget what was begun."""
        self.state = State.IDLE

    def preview(self) -> Preview:
        """Return the side, then the box as it would be now."""
        cursor = self._cursor
        place = None if cursor is None else cursor.point
        shapes: tuple[Shape, ...] = ()
        path: tuple[Point, ...] = ()
        if self.state is State.WIDTH and place is not None:
            box = box_on_side(*self._side, place)
            shapes = (new_shape(self.scene.image_id, self.scene.class_id, box),)
        elif self.state is not State.IDLE:
            path = self._side[:1]
        return Preview(
            shapes=shapes,
            path=path,
            filled=False,
            rubber=place if path else None,
            snapped=place if cursor is not None and cursor.kind != "free" else None,
            crosshair=place,
            class_id=self.scene.class_id,
            cursor="cross",
        )

    def _point_at(self, event: Pointer) -> None:
        reach = 0.0 if event.ctrl or event.alt else event.tolerance
        self._cursor = find_snap(self.scene, event.x, event.y, reach)
        if event.shift and self.state in (State.PRESSED, State.DRAGGING, State.SIDE):
            self._cursor = Snap(_turned(self._side[0], (event.x, event.y)))

    def _press(self) -> Edit | None:
        if self._cursor is None:
            return None
        if self.state is State.WIDTH:
            return self._finish()
        if self.state is State.SIDE:
            self._set_side()
        elif self.state is State.IDLE:
            self._side = self._cursor.point, self._cursor.point
            self.state = State.PRESSED
        return None

    def _set_side(self) -> None:
        end = self._side[0] if self._cursor is None else self._cursor.point
        if dist(self._side[0], end) >= MIN_SIDE:
            self._side, self.state = (self._side[0], end), State.WIDTH
        else:  # a double click: the second end is still to come
            self.state = State.SIDE

    def _finish(self) -> Edit | None:
        far = self._side[1] if self._cursor is None else self._cursor.point
        box = box_on_side(*self._side, far)
        self.cancel()
        x1, y1, x2, y2 = box.bounds()
        width, height = self.scene.size_wh
        if min(box.w, box.h) < MIN_SIDE:
            self.notice.text = tr(
                "Nothing was added: the box is smaller than one pixel of the image."
            )
            return None
        if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            self.notice.text = tr("Nothing was added: the box lies outside the image.")
            return None
        return AddShapes((self.scene.drawn(box),))


def box_on_side(first: Point, second: Point, far: Point) -> OrientedBox:
    """Return the box with one side from ``first`` to ``second`` and the opposite one through ``far``."""
    angle = atan2(second[1] - first[1], second[0] - first[0])
    across = (far[1] - first[1]) * cos(angle) - (far[0] - first[0]) * sin(angle)
    cx = (first[0] + second[0]) / 2 - sin(angle) * across / 2
    cy = (first[1] + second[1]) / 2 + cos(angle) * across / 2
    return OrientedBox(cx, cy, dist(first, second), abs(across), angle)


def _turned(first: Point, cursor: Point) -> Point:
    """Return the place as far away as the cursor in the nearest direction that is a multiple of 15 degrees."""
    angle = round(atan2(cursor[1] - first[1], cursor[0] - first[0]) / _TURN) * _TURN
    length = dist(first, cursor)
    return first[0] + length * cos(angle), first[1] + length * sin(angle)
