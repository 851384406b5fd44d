"""The point tool: each click is an object of one keypoint."""

from __future__ import annotations

from engine.data.annotations import Keypoints, Point
from studio.language import tr
from studio.model.edits import AddShapes, Edit
from studio.model.records import new_shape
from studio.tools.base import Key, Notice, Pointer, Preview
from studio.tools.keypoint_edits import VISIBLE
from studio.tools.scene import Scene
from studio.tools.snapping import Snap, find_snap


class PointTool:
    """A press sets the point, dragging moves it until the button is let go."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.notice = Notice()
        self._pressed = False
        self._cursor: Snap | None = None

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the finished point as an edit."""
        if event.kind == "leave":
            self._cursor = self._cursor if self._pressed else None
            return None
        reach = 0.0 if event.ctrl or event.alt else event.tolerance
        self._cursor = find_snap(self.scene, event.x, event.y, reach)
        if event.kind in ("press", "double"):
            self._pressed = True
        elif event.kind == "release" and self._pressed:
            self._pressed = False
            return self._made(self._cursor.point)
        return None

    def key(self, event: Key) -> Edit | None:
        """Escape drops the point that is being set."""
        if event.name == "escape":
            self.cancel()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now."""
        return self._pressed and event.name == "escape"

    def cancel(self) -> None:
        """Forget the point."""
        self._pressed = False

    def preview(self) -> Preview:
        """Return the point while the button is down."""
        place = None if self._cursor is None else self._cursor.point
        snapped = self._cursor is not None and self._cursor.kind != "free"
        scene = self.scene
        shown = self._pressed and place is not None
        point = Keypoints((place,), (VISIBLE,)) if shown and place is not None else None
        return Preview(
            shapes=() if point is None else (new_shape(scene.image_id, scene.class_id, point),),
            snapped=place if snapped else None,
            crosshair=place,
            class_id=scene.class_id,
            cursor="cross",
        )

    def _made(self, place: Point) -> Edit | None:
        scene = self.scene
        if place != scene.clamp(*place):
            self.notice.text = tr("Nothing was added: the point lies outside the image.")
            return None
        point = Keypoints((place,), (VISIBLE,))
        return AddShapes((scene.drawn(point),))
