"""What the tools that draw a line point by point have in common: clicks, freehand, snapping, following a neighbour's border."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum, auto
from math import dist

from engine.data.annotations import Point
from studio.language import tr
from studio.model.edits import Edit
from studio.tools.base import Key, Notice, Pointer, Preview, rounded
from studio.tools.scene import Scene
from studio.tools.simplify import simplified
from studio.tools.snapping import Snap, border_between, find_snap

# In hit radii of about 6 px on screen.
_FREEHAND_START = 1.5  # farther than a hand slips in a hasty click
_FREEHAND_STEP = 0.34  # smooth to the eye; the simplification thins it out
_RADIUS_PX = 6.0  # what a hit radius is on screen: smoothing is given in pixels of the screen
_TRACE_LIMIT = 400  # points: a longer trace is simplified once and then left


class State(Enum):
    """What the tool is doing."""

    IDLE = auto()
    DRAWING = auto()  # waiting for the next point
    PRESSED = auto()  # a point was set and the button is still down
    FREEHAND = auto()  # the button is down and the cursor leaves a trace


class PathTool(ABC):
    """Press adds a point, dragging draws freehand; double click or Enter finishes.

    Points snap to vertices and edges; Alt or Ctrl sets them exactly where the cursor is. With Shift the line follows the
    border of the neighbour on which the last point and the next one lie.
    """

    needed = 2  # points of the shortest line that makes something
    closes = False  # pressing near the first point finishes
    too_few = tr("It needs two points; Escape drops it.")

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.state = State.IDLE
        self.points: list[Point] = []
        self.notice = Notice()
        self._snaps: list[Snap] = []  # of each point
        self._cursor: Snap | None = None
        self._trail: list[Snap] = []
        self._trace: list[Point] = []  # of the freehand stroke in hand, from the point it began at
        self._drawn = 1  # how many of the last points come from the trace
        self._closing = False

    @abstractmethod
    def _made(self, points: list[Point]) -> Edit | None:
        """Return what the line makes; None with a notice where it makes nothing."""

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return what a finished line makes."""
        if event.kind == "leave":
            self._cursor, self._trail = None, []
            return None
        self._point_at(event)
        if event.kind == "press":
            return self._press()
        if event.kind == "move" and event.held:
            self._draw_freehand(event)
        if event.kind == "release":
            return self._release()
        if event.kind == "double" and len(self.points) >= self.needed:
            return self._finish()
        return None

    def key(self, event: Key) -> Edit | None:
        """Enter finishes, Backspace takes the last point, Escape leaves nothing."""
        if event.name == "escape":
            self.cancel()
        elif event.name == "backspace" and self.points:
            self.points.pop()
            self._snaps.pop()
            self._closing, self._trail = False, []
            self.state = State.DRAWING if self.points else State.IDLE
        elif event.name == "enter":
            return self._finish()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now: only while a line is open."""
        return bool(self.points) and event.name in ("escape", "backspace", "enter")

    def cancel(self) -> None:
        """Forget the line."""
        self.points.clear()
        self._snaps.clear()
        self.state, self._closing, self._trail = State.IDLE, False, []

    def resume(self, points: Sequence[Point]) -> None:
        """Go on with a line that was open before; its points follow no neighbour's border any more."""
        self.points[:] = points
        self._snaps[:] = map(Snap, points)
        self.state = State.DRAWING

    def preview(self) -> Preview:
        """Return the open line with its rubber band."""
        cursor = self._cursor
        place = None if cursor is None else cursor.point
        return Preview(
            path=tuple(self.points),
            trail=tuple(snap.point for snap in self._trail),
            filled=self.closes,
            rubber=place if self.points else None,
            closing=self._closing,
            snapped=place if cursor is not None and cursor.kind != "free" else None,
            crosshair=place,
            class_id=self.scene.class_id,
            cursor="cross",
        )

    # -- points --------------------------------------------------------------

    def _point_at(self, event: Pointer) -> None:
        self._closing = self._is_closing(event)
        self._trail = []
        if self._closing:
            self._cursor = Snap(self.points[0])
        else:
            exact = event.ctrl or event.alt or self.state is State.FREEHAND
            reach = 0.0 if exact else event.tolerance
            self._cursor = find_snap(self.scene, event.x, event.y, reach)
        follows = self.points and (event.shift or self.scene.options.follow)
        if follows and self.state in (State.IDLE, State.DRAWING):
            end = self._snaps[0] if self._closing else self._cursor
            self._trail = border_between(self.scene, self._snaps[-1], end)

    def _is_closing(self, event: Pointer) -> bool:
        enough = self.closes and len(self.points) >= self.needed
        return enough and dist(self.points[0], (event.x, event.y)) <= event.tolerance

    def _press(self) -> Edit | None:
        if self._closing:
            self._add(self._trail)
            return self._finish()
        if self._cursor is not None and self.points[-1:] != [self._cursor.point]:
            self._add([*self._trail, self._cursor])
        self._trail = []
        self.state = State.PRESSED
        return None

    def _add(self, snaps: list[Snap]) -> None:
        self._snaps += snaps
        self.points += [snap.point for snap in snaps]

    # -- freehand ------------------------------------------------------------

    def _draw_freehand(self, event: Pointer) -> None:
        if self.state not in (State.PRESSED, State.FREEHAND) or not self.points or self._closing:
            return
        if self.state is State.PRESSED:
            self._trace, self._drawn = self.points[-1:], 1
        begun = self.state is State.FREEHAND
        step = event.tolerance * (_FREEHAND_STEP if begun else _FREEHAND_START)
        here = rounded(event.x), rounded(event.y)
        if dist(self._trace[-1], here) < step:
            return
        self.state = State.FREEHAND
        self._trace.append(here)
        first = len(self.points) - self._drawn
        tolerance = self.scene.options.smoothing * event.tolerance / _RADIUS_PX
        thinned = simplified(self._trace, tolerance)
        self.points[first:] = thinned
        self._snaps[first:] = [self._snaps[first], *map(Snap, thinned[1:])]
        self._drawn = len(thinned)
        if len(self._trace) > _TRACE_LIMIT:
            self._trace, self._drawn = self.points[-1:], 1

    def _release(self) -> Edit | None:
        if self.state is State.FREEHAND and self._closing:
            return self._finish()
        if self.state in (State.PRESSED, State.FREEHAND):
            self.state = State.DRAWING
        return None

    def _finish(self) -> Edit | None:
        if len(self.points) < self.needed:
            if self.points:
                self.notice.text = self.too_few
            return None
        points = list(self.points)
        self.cancel()
        return self._made(points)
