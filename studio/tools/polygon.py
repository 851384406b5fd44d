"""The polygon tool: click point by point, or drag to draw freehand; both may be mixed in one outline."""

from __future__ import annotations

from enum import Enum, auto
from math import dist

from engine.data.annotations import Point
from studio.model.edits import AddShapes, Edit
from studio.model.records import new_shape
from studio.tools.base import Key, Notice, Pointer, Preview, rounded
from studio.tools.finishing import finish_polygon
from studio.tools.scene import Scene

# Both in hit radii of about 6 px on screen.
_FREEHAND_START = 1.5  # farther than a hand slips in a hasty click
_FREEHAND_STEP = 0.5  # smooth to the eye, few points


class State(Enum):
    """What the tool is doing."""

    IDLE = auto()
    DRAWING = auto()  # waiting for the next point
    PRESSED = auto()  # a point was set and the button is still down
    FREEHAND = auto()  # the button is down and the cursor leaves a trace


class PolygonTool:
    """Press adds a point; pressing near the first one, a double click or Enter closes the outline.

    The outline gets the class that is current when it is closed. After closing the tool is ready for the next one.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.state = State.IDLE
        self.points: list[Point] = []
        self.notice = Notice()
        self._cursor: Point | None = None
        self._snapped = False
        self._closing = False

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the finished shape as an edit."""
        if event.kind == "leave":
            self._cursor = None
            return None
        self._point_at(event)
        if event.kind == "press":
            return self._press()
        if event.kind == "move" and event.held:
            self._trace(event)
        if event.kind == "release":
            return self._release()
        if event.kind == "double" and len(self.points) >= 3:
            return self._finish()
        return None

    def key(self, event: Key) -> Edit | None:
        """Enter closes, Backspace takes the last point, Escape leaves nothing."""
        if event.name == "escape":
            self.cancel()
        elif event.name == "backspace" and self.points:
            self.points.pop()
            self._closing = False
            self.state = State.DRAWING if self.points else State.IDLE
        elif event.name == "enter":
            return self._finish()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now: only while an outline is open."""
        return bool(self.points) and event.name in ("escape", "backspace", "enter")

    def cancel(self) -> None:
        """Forget the outline."""
        self.points.clear()
        self.state, self._closing, self._snapped = State.IDLE, False, False

    def preview(self) -> Preview:
        """Return the open outline with its rubber band."""
        return Preview(
            path=tuple(self.points),
            rubber=self._cursor if self.points else None,
            closing=self._closing,
            snapped=self._cursor if self._snapped else None,
            crosshair=self._cursor,
            class_id=self.scene.class_id,
            cursor="cross",
        )

    def _point_at(self, event: Pointer) -> None:
        self._closing = self._is_closing(event)
        if self._closing:
            self._cursor, self._snapped = self.points[0], False
            return
        # Ctrl sets a point exactly where the cursor is.
        reach = 0.0 if event.ctrl or self.state is State.FREEHAND else event.tolerance
        if reach == 0.0:
            self._cursor, self._snapped = (rounded(event.x), rounded(event.y)), False
        else:
            self._cursor, self._snapped = self.scene.snap(event.x, event.y, reach)

    def _is_closing(self, event: Pointer) -> bool:
        near = bool(self.points) and dist(self.points[0], (event.x, event.y)) <= event.tolerance
        return near and len(self.points) >= 3

    def _press(self) -> Edit | None:
        if self._closing:
            return self._finish()
        self._add_cursor()
        self.state = State.PRESSED
        return None

    def _trace(self, event: Pointer) -> None:
        if self.state not in (State.PRESSED, State.FREEHAND) or self._cursor is None:
            return
        begun = self.state is State.FREEHAND
        step = event.tolerance * (_FREEHAND_STEP if begun else _FREEHAND_START)
        here = rounded(event.x), rounded(event.y)
        if dist(self.points[-1], here) >= step and not self._closing:
            self.state = State.FREEHAND
            self.points.append(here)

    def _release(self) -> Edit | None:
        if self.state is State.FREEHAND and self._closing:
            return self._finish()
        if self.state in (State.PRESSED, State.FREEHAND):
            self.state = State.DRAWING
        return None

    def _add_cursor(self) -> None:
        if self._cursor is not None and (not self.points or self.points[-1] != self._cursor):
            self.points.append(self._cursor)

    def _finish(self) -> Edit | None:
        if len(self.points) < 3:
            if self.points:
                self.notice.text = "A polygon needs three points; Escape drops it."
            return None
        polygons = finish_polygon(self.points, self.scene.size_wh)
        self.cancel()
        if not polygons:
            self.notice.text = (
                "Nothing was added: the outline covers less than one pixel of the image."
            )
            return None
        scene = self.scene
        return AddShapes(tuple(new_shape(scene.image_id, scene.class_id, p) for p in polygons))
