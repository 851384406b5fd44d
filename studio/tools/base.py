"""What canvas and tools say to one another, in image pixels and without Qt.

A tool is a state machine: events go in, at most one :class:`Edit` comes out, and :class:`Preview` says what the canvas
should draw meanwhile. Image pixels are floats: x right, y down, origin at the top-left corner of the top-left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.data.annotations import Point
from studio.model.edits import Edit
from studio.model.records import Shape

if TYPE_CHECKING:
    from studio.tools.frame import Frame

PointerKind = Literal["press", "move", "release", "double", "leave"]
KeyName = Literal[
    "escape", "enter", "backspace", "delete", "tab", "left", "right", "up", "down", "space", "other"
]
CursorName = Literal[
    "arrow", "cross", "move", "vertex", "insert", "remove", "point", "resize", "brush"
]
Pixels = NDArray[np.uint8]

COORDINATE_STEP = 0.1  # image pixels: finer than any hand, and label files stay short


@dataclass(frozen=True, slots=True)
class Pointer:
    """A mouse or pen event.

    Attributes:
        kind: ``double`` is the second press of a double click; ``leave`` has the last position.
        x: Image pixels; may lie outside the image.
        y: Image pixels; may lie outside the image.
        tolerance: Radius within which a thing counts as hit, in image pixels at the current zoom.
        held: The left button is down.
    """

    kind: PointerKind
    x: float
    y: float
    tolerance: float = 6.0
    held: bool = False
    shift: bool = False
    alt: bool = False
    ctrl: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is no shortcut of the window.

    Attributes:
        name: ``other`` for the keys that have no name here.
        text: What it types, in lower case; empty where it types nothing.
    """

    name: KeyName
    shift: bool = False
    alt: bool = False
    ctrl: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class Paint:
    """Pixels that are being painted.

    Attributes:
        pixels: (h, w), 1 inside; the tool goes on changing it in place.
        corner: Column and row of its top-left pixel in the image.
        changed: Where it differs from what the last preview had: x1, y1, x2, y2 in image pixels.
        revision: Another number after each change.
        class_id: Whose colour.
        erases: Pixels are being taken away.
    """

    pixels: Pixels = field(compare=False, repr=False)
    corner: tuple[int, int]
    changed: tuple[float, float, float, float]
    revision: int
    class_id: int
    erases: bool = False

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the part of the image that it covers."""
        (x, y), (height, width) = self.corner, self.pixels.shape
        return float(x), float(y), float(x + width), float(y + height)


@dataclass(frozen=True, slots=True)
class PromptMark:
    """A place that a segmenter was pointed at, in image pixels: within the object, or outside it."""

    x: float
    y: float
    adds: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What the canvas draws over the still picture while a tool is at work.

    Attributes:
        shapes: Shapes as they are being changed; drawn in place of those with the same id (0: a new one).
        hidden: Ids of shapes that are not drawn meanwhile: the preview shows what becomes of them.
        path: An open line that is being drawn, with a vertex at each point.
        anchors: Where set, only these points of ``path`` show as vertices.
        trail: What would be added to ``path`` before the rubber band's end.
        filled: ``path`` will be an outline: its inside is shown.
        rubber: Where the line's rubber band ends, None for no band.
        closing: The next press closes the path: its first vertex grows.
        band: The selection rectangle (x1, y1, x2, y2).
        armed: Ids of the shapes that show their handles.
        frame: The rectangle around the selection, with handles to stretch and turn it.
        chosen: Places of the vertices that a drag or a key means together.
        handle: Place of the vertex under the cursor, drawn larger.
        ghost: Place where a vertex would be inserted.
        snapped: Place that the cursor snapped to.
        crosshair: Lines through the cursor from edge to edge.
        class_id: Class of ``path``.
        paint: Pixels that are being painted.
        brush: Where the brush is and its radius: x, y, r in image pixels.
        marks: Where a segmenter was pointed at.
        label: A few words beside the cursor.
        cursor: What a press would do.
    """

    shapes: tuple[Shape, ...] = ()
    hidden: tuple[int, ...] = ()
    path: tuple[Point, ...] = ()
    anchors: tuple[Point, ...] | None = None
    trail: tuple[Point, ...] = ()
    filled: bool = True
    rubber: Point | None = None
    closing: bool = False
    band: tuple[float, float, float, float] | None = None
    armed: tuple[int, ...] = ()
    frame: Frame | None = None
    chosen: tuple[Point, ...] = ()
    handle: Point | None = None
    ghost: Point | None = None
    snapped: Point | None = None
    crosshair: Point | None = None
    class_id: int = -1
    paint: Paint | None = None
    brush: tuple[float, float, float] | None = None
    marks: tuple[PromptMark, ...] = ()
    label: str = ""
    cursor: CursorName = "arrow"


@dataclass(slots=True)
class Notice:
    """A sentence for the status bar, and a wish; reading empties them.

    Attributes:
        text: The sentence.
        next_image: The tool is done with this image and wants the next one.
    """

    text: str = field(default="")
    next_image: bool = False

    def take(self) -> str:
        """Return the sentence and forget it."""
        text, self.text = self.text, ""
        return text

    def take_wish(self) -> bool:
        """Tell whether the next image is wanted, and forget it."""
        wished, self.next_image = self.next_image, False
        return wished


class Tool(Protocol):
    """A way of working on the canvas. It stays until the person leaves it."""

    notice: Notice

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the edit that it finished, if any."""
        ...

    def key(self, event: Key) -> Edit | None:
        """Take a key; return the edit that it made, if any."""
        ...

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something to the tool just now; else it goes to the window's shortcuts."""
        ...

    def cancel(self) -> None:
        """Forget what was begun; nothing of it remains."""
        ...

    def preview(self) -> Preview | None:
        """Return what to draw meanwhile."""
        ...


def rounded(value: float) -> float:
    """Return a coordinate rounded to :data:`COORDINATE_STEP`."""
    return round(value, 1) + 0.0  # + 0.0: no negative zero in label files
