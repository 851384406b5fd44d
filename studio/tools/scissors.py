"""Scissors: an outline that follows the edges in the picture from click to click."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.data.annotations import Point
from studio.language import tr
from studio.model.edits import Edit
from studio.tools.base import Key, Pointer, Preview
from studio.tools.live_wire import LiveWire
from studio.tools.path_tool import State
from studio.tools.polygon import PolygonTool
from studio.tools.scene import Scene
from studio.tools.simplify import simplified
from studio.tools.snapping import Snap

_REACH = 30.0  # in hit radii: ways go 180 pixels of the screen far
_RADIUS_PX = 6.0
_ROUGHNESS_PX = (
    0.7  # of the screen and of the image at least: the steps from pixel to pixel are no vertices
)
_WAITING = tr("The picture is still being read: the line is straight until it is there.")


class ScissorsTool(PolygonTool):
    """Each click fixes the line so far; Alt draws a straight piece; pressing near the first point or Enter closes it."""

    too_few = tr("An outline needs three points; Escape drops it.")

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._wire: LiveWire | None = None
        self._fixed: list[int] = []  # how many points there were after each click
        self._tolerance = _RADIUS_PX

    def key(self, event: Key) -> Edit | None:
        """Backspace takes the piece of the last click back; else as for a polygon."""
        if event.name != "backspace" or not self._fixed:
            return super().key(event)
        self._fixed.pop()
        kept = self._fixed[-1] if self._fixed else 0
        del self.points[kept:], self._snaps[kept:]
        self._trail, self._closing = [], False
        self.state = State.DRAWING if self.points else State.IDLE
        self._take_root()
        return None

    def cancel(self) -> None:
        """Forget the line."""
        super().cancel()
        self._fixed.clear()
        self._wire = None

    def resume(self, points: Sequence[Point]) -> None:
        """Go on with a line that was open before, point by point; the line follows edges from its end on."""
        super().resume(points)
        self._fixed[:] = range(1, len(points) + 1)
        self._take_root()
        self.notice.take()  # the picture may still be read: the next click tries again

    def preview(self) -> Preview:
        """Return the line; only what was clicked shows as vertices."""
        clicked = tuple(self.points[count - 1] for count in self._fixed)
        first = tuple(self.points[:1])
        return replace(super().preview(), anchors=first + clicked[1:])

    def _point_at(self, event: Pointer) -> None:
        self._tolerance = event.tolerance
        super()._point_at(event)
        drawing = self.points and self.state is not State.FREEHAND and not self._trail
        if drawing and self._cursor is not None and not event.alt:
            self._trail = self._way_to(self._cursor.point)

    def _press(self) -> Edit | None:
        before = len(self.points)
        edit = super()._press()
        if len(self.points) > before:
            self._fixed.append(len(self.points))
            self._take_root()
        return edit

    def _release(self) -> Edit | None:
        drawn = self.state is State.FREEHAND
        edit = super()._release()
        if drawn and self.points:
            self._fixed.append(len(self.points))
            self._take_root()
        return edit

    def _finish(self) -> Edit | None:
        if (
            self.points and not self._closing
        ):  # the press that closes has added the way back already
            way = self._way_to(self.points[0])
            if len(self.points) + len(way) >= self.needed:
                self._add(way)
        return super()._finish()

    def _way_to(self, place: Point) -> list[Snap]:
        if self._wire is None:
            return []
        step = max(1.0, self._tolerance / _RADIUS_PX) * _ROUGHNESS_PX
        way = simplified([self.points[-1], *self._wire.way_to(place), place], step)
        return [Snap(point) for point in way[1:-1]]

    def _take_root(self) -> None:
        self._wire = LiveWire(self.scene.pixels, self.scene.size_wh) if self.points else None
        reach = self._tolerance * _REACH
        if self._wire is not None and not self._wire.root_at(self.points[-1], reach):
            self._wire = None
            self.notice.text = _WAITING
