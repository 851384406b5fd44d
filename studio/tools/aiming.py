"""What the select tool has under the cursor: a shape, a handle of it, a handle of the frame around the selection."""

from __future__ import annotations

from engine.data.annotations import Box, OrientedBox
from studio.tools.base import CursorName, Pointer
from studio.tools.frame import Frame, Part, frame_of, part_at
from studio.tools.handles import Grip, handle_at
from studio.tools.scene import Scene

_ARMED_LIMIT = (
    16  # of more selected shapes than this the handles would be a thicket: they are only moved
)
_FRAMED_LIMIT = (
    200  # shapes: to look for the frame of more at each move of the mouse would take too long
)


class Aim:
    """Finds what a press would take hold of.

    Attributes:
        grip: The handle under the cursor.
        part: The handle of the frame under the cursor, where there is no grip.
        radius: A hit radius in image pixels, as the last event had it.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.grip: Grip | None = None
        self.part: Part | None = None
        self.radius = 6.0

    def look(self, event: Pointer) -> None:
        """Find what is under the cursor: the shape, and the handle of a shape that shows its handles."""
        place = event.x, event.y, event.tolerance
        hits = self._scene.shapes_at(*place)
        self._scene.hovered = hits[0].id if hits else None
        grips = []
        for shape_id in self.armed():
            shape = self._scene.shape(shape_id)
            handle = handle_at(shape.geometry, *place) if shape is not None else None
            if handle is not None:
                grips.append(Grip(shape_id, handle))
        vertices = [grip for grip in grips if grip.handle.kind == "vertex"]
        self.grip = next(iter(vertices or grips), None)
        frame = self.frame() if self.grip is None else None
        self.part = part_at(frame, *place) if frame is not None else None

    def leave(self) -> None:
        """Nothing is under the cursor any more."""
        self._scene.hovered = self.grip = self.part = None

    def armed(self) -> tuple[int, ...]:
        """Return the shapes that show handles: the selected ones first, then the one under the cursor."""
        selection = tuple(shape.id for shape in self._scene.changeable())
        selection = selection if len(selection) <= _ARMED_LIMIT else ()
        hovered = self._scene.hovered
        return selection if hovered is None or hovered in selection else (*selection, hovered)

    def frame(self) -> Frame | None:
        """Return the frame around the selection, None where it has none."""
        shapes = self._scene.changeable()
        return frame_of(shapes, self.radius) if len(shapes) <= _FRAMED_LIMIT else None

    def cursor(self, removing: bool) -> CursorName:
        """Return how the cursor looks over what it has under it; ``removing`` where a click would remove a vertex."""
        scene, grip = self._scene, self.grip
        if grip is None:
            if scene.hovered is None:
                return "arrow"
            return "move" if scene.hovered in scene.selection else "point"
        shape = scene.shape(grip.shape_id)
        if shape is not None and isinstance(shape.geometry, (Box, OrientedBox)):
            return "resize"
        if grip.handle.kind == "ghost":
            return "insert"
        return "remove" if removing and grip.shape_id in scene.selection else "vertex"
