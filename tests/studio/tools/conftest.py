"""A scene of a few shapes, and a hand that sends events to a tool as the canvas does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from engine.data.annotations import Box, Geometry, Polygon
from studio.model.edits import AddShapes, Edit, RemoveShapes, ReplaceShapes
from studio.model.records import Shape
from studio.tools.base import Key, KeyName, Pointer, Tool
from studio.tools.scene import Scene

TOLERANCE = 6.0


def square(x: float, y: float, side: float) -> Polygon:
    """Return a square polygon with its top-left corner at (x, y)."""
    return Polygon(((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


@pytest.fixture
def scene() -> Scene:
    """A picture of 400 x 300 with a large square (1), a small one within it (2), and a box apart (3)."""
    scene = Scene()
    scene.set_image(7, (400, 300))
    scene.class_id = 0
    scene.set_shapes(
        [
            Shape(1, 7, 0, square(50, 50, 120), z=1),
            Shape(2, 7, 0, square(90, 90, 40), z=2),
            Shape(3, 7, 1, Box(250, 100, 350, 200), z=3),
        ]
    )
    return scene


@dataclass
class Hand:
    """Sends events and applies the edits to the scene, as the project and the canvas do together."""

    tool: Tool
    scene: Scene
    edits: list[Edit] = field(default_factory=list)
    tolerance: float = TOLERANCE

    def _take(self, edit: Edit | None) -> Edit | None:
        if edit is not None:
            self.edits.append(edit)
            self._apply(edit)
        return edit

    def _apply(self, edit: Edit) -> None:
        if isinstance(edit, AddShapes):
            last = max((s.id for s in self.scene.shapes()), default=0)
            added = [replace(s, id=last + n, z=last + n) for n, s in enumerate(edit.shapes, 1)]
            self.scene.update(added)
        elif isinstance(edit, ReplaceShapes):
            self.scene.update(edit.after)
        elif isinstance(edit, RemoveShapes):
            self.scene.update((), [s.id for s in edit.shapes])

    def put(self, *numbered: tuple[int, Geometry]) -> None:
        """Put these shapes, in this order from back to front, in place of all others."""
        self.scene.set_shapes([Shape(i, 7, 0, geometry, z=i) for i, geometry in numbered])

    def leaves_nothing(self) -> bool:
        """Tell whether nothing that was begun is left."""
        preview = self.tool.preview()
        return preview is None or not (preview.path or preview.shapes or preview.band)

    def send(self, kind: str, x: float, y: float, **how: Any) -> Edit | None:
        """Send one pointer event."""
        return self._take(self.tool.pointer(Pointer(kind, x, y, self.tolerance, **how)))

    def move(self, x: float, y: float, **how: Any) -> Edit | None:
        """Move the mouse."""
        return self.send("move", x, y, **how)

    def press(self, x: float, y: float, **how: Any) -> Edit | None:
        """Move there and press the left button."""
        self.move(x, y, **how)
        return self.send("press", x, y, held=True, **how)

    def release(self, x: float, y: float, **how: Any) -> Edit | None:
        """Let the left button go."""
        return self.send("release", x, y, **how)

    def click(self, x: float, y: float, **how: Any) -> Edit | None:
        """Press and let go."""
        return self.press(x, y, **how) or self.release(x, y, **how)

    def drag(
        self, start: tuple[float, float], *stops: tuple[float, float], **how: Any
    ) -> Edit | None:
        """Press at the start, go through the stops, let go at the last."""
        self.press(*start, **how)
        for stop in stops:
            self.move(*stop, held=True, **how)
        return self.release(*stops[-1], **how)

    def key(self, name: KeyName, **how: Any) -> Edit | None:
        """Press a key, if the tool wants it."""
        event = Key(name, **how)
        return self._take(self.tool.key(event)) if self.tool.wants(event) else None


@pytest.fixture
def new_hand(scene: Scene) -> Callable[[Callable[[Scene], Tool]], Hand]:
    """Makes a hand that works with a tool of the given kind on the scene."""
    return lambda kind: Hand(kind(scene), scene)
