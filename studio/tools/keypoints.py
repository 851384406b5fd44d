"""Keypoints of a skeleton: the class's layout drawn into a box, or point after point."""

from __future__ import annotations

from enum import Enum, auto
from math import dist

from engine.data.annotations import Keypoints, Point
from studio.language import tr
from studio.model.edits import AddShapes, Edit, ReplaceShapes
from studio.model.records import Shape, moved_to
from studio.tools.base import Key, Notice, Pointer, Preview, rounded
from studio.tools.keypoint_edits import HIDDEN, NONE, VISIBLE, keypoint_at
from studio.tools.keypoint_template import default_template, placed, template_among, template_of
from studio.tools.scene import Scene

_SKIP = "s"
_UNKNOWN = tr(
    "Nobody has said yet how many points this class has: click them one after another and press Enter, "
    "or describe them under Tools > Keypoints of the class."
)


class State(Enum):
    """What the tool is doing."""

    IDLE = auto()
    PRESSED = auto()  # the button is down: moving away draws a box, letting go sets the first point
    BOXING = auto()
    PLACING = auto()  # waiting for the next point
    MOVING = auto()  # a point that was there is being dragged


class KeypointsTool:
    """Drag a box to place the whole layout; or click point after point, Shift for one that is hidden, S to skip one.

    Points that are there can be dragged. The layout is that of the object placed last, else of the newest one of the class
    on the image, else a plain one.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.state = State.IDLE
        self.notice = Notice()
        self._start: Point = (0.0, 0.0)
        self._hides = False
        self._cursor: Point | None = None
        self._points: list[tuple[Point, int]] = []
        self._grip: tuple[Shape, int] | None = None

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the finished object, or the one whose point was moved."""
        if event.kind == "leave":
            self._cursor = self._cursor if self.state in (State.BOXING, State.MOVING) else None
            return None
        x, y = self.scene.clamp(event.x, event.y)
        self._cursor = rounded(x), rounded(y)
        if event.kind in ("press", "double"):
            self._press(event)
        elif event.kind == "move":
            self._move(event)
        elif event.kind == "release":
            return self._release()
        return None

    def key(self, event: Key) -> Edit | None:
        """Enter finishes, S skips a point, Backspace takes the last one back, Escape leaves nothing."""
        if event.name == "escape":
            self.cancel()
        elif event.name == "backspace":
            self._points = self._points[:-1]
            self.state = State.PLACING if self._points else State.IDLE
        elif event.name == "enter":
            return self._finish()
        elif event.text == _SKIP:
            return self._put((0.0, 0.0), NONE)
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now."""
        if self.state is State.PLACING and event.text == _SKIP and not event.ctrl:
            return True
        if self.state in (State.BOXING, State.MOVING, State.PRESSED):
            return event.name == "escape"
        return self.state is State.PLACING and event.name in ("escape", "backspace", "enter")

    def cancel(self) -> None:
        """Forget what was begun."""
        self.state, self._grip = State.IDLE, None
        self._points = []

    def preview(self) -> Preview:
        """Return the object so far, and which point comes next."""
        shape = self._shape_now()
        grip = self._grip
        boxing = self.state is State.BOXING and self._cursor is not None
        return Preview(
            shapes=() if shape is None else (shape,),
            band=(*self._start, *self._cursor) if boxing and self._cursor is not None else None,
            handle=self._cursor if grip is not None and self.state is State.MOVING else self._grip_place(),
            crosshair=self._cursor,
            class_id=self.scene.class_id,
            label=self._label(),
            cursor="vertex" if grip is not None else "cross",
        )  # fmt: skip

    # -- events --------------------------------------------------------------

    def _press(self, event: Pointer) -> None:
        if self._cursor is None:
            return
        self._start, self._hides = self._cursor, event.shift
        if self.state is State.IDLE and self._grip is not None:
            self.state = State.MOVING
        elif self.state is State.IDLE:
            self.state = State.PRESSED

    def _move(self, event: Pointer) -> None:
        if self.state is State.IDLE:
            self._grip = keypoint_at(self.scene, event.x, event.y, event.tolerance)
            self.scene.hovered = None if self._grip is None else self._grip[0].id
        elif (
            self.state is State.PRESSED and dist(self._start, (event.x, event.y)) > event.tolerance
        ):
            self.state = State.BOXING

    def _release(self) -> Edit | None:
        if self.state is State.BOXING:
            return self._finish_box()
        if self.state is State.MOVING:
            return self._finish_move()
        if self.state in (State.PRESSED, State.PLACING) and self._cursor is not None:
            return self._put(self._cursor, HIDDEN if self._hides else VISIBLE)
        return None

    def _put(self, place: Point, visibility: int) -> Edit | None:
        self.state = State.PLACING
        self._points.append((place, visibility))
        return self._finish() if len(self._points) == self._count() else None

    # -- results -------------------------------------------------------------

    def _finish_box(self) -> Edit | None:
        shape = self._shape_now()
        self.cancel()
        if shape is None:
            self.notice.text = _UNKNOWN
            return None
        return AddShapes((shape,))

    def _finish_move(self) -> Edit | None:
        shape = self._shape_now()
        before = self._grip
        self.cancel()
        if shape is None or before is None or shape == before[0]:
            return None
        return ReplaceShapes((shape,), label=tr("Move keypoint"))

    def _finish(self) -> Edit | None:
        shape = self._shape_now()
        if shape is None or not isinstance(shape.geometry, Keypoints):
            return None
        if not shape.geometry.labelled():
            self.notice.text = tr("An object needs one labelled point at least; Escape drops it.")
            return None
        self.cancel()
        layout = template_of(shape.geometry)
        if layout is not None and len(layout) > 1:
            self.scene.templates[self.scene.class_id] = layout
        return AddShapes((shape,))

    def _shape_now(self) -> Shape | None:
        """Return the object as it would be now."""
        scene, cursor = self.scene, self._cursor
        if self.state is State.MOVING and self._grip is not None and cursor is not None:
            shape, number = self._grip
            return _with_point(shape, number, cursor)
        count = self._count()
        if self.state is State.BOXING and cursor is not None:
            if count is None:
                return None
            (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(self._start, cursor, strict=True))
            layout = self._known_layout(count) or default_template(count)
            points = placed(layout, (x1, y1, x2, y2))
            geometry = Keypoints(points, (VISIBLE,) * len(points))
            return scene.drawn(geometry)
        if not self._points:
            return None
        missing = max(0, (count or 0) - len(self._points))
        known = [*self._points, *[((0.0, 0.0), NONE)] * missing]
        points, visibility = zip(*known, strict=True)
        return scene.drawn(Keypoints(points, visibility))

    # -- the class -----------------------------------------------------------

    def _count(self) -> int | None:
        """Return how many points an object of the class has, None where nobody has said and none was placed."""
        scheme = self.scene.keypoint_scheme(self.scene.class_id)
        if scheme is not None:
            return scheme.count
        known = self._known_layout(None)
        return None if known is None else len(known)

    def _known_layout(self, count: int | None) -> tuple[Point, ...] | None:
        class_id = self.scene.class_id
        last = self.scene.templates.get(class_id)
        if last is not None and count in (None, len(last)):
            return last
        return template_among(self.scene.shapes(), class_id, count)

    def _label(self) -> str:
        """Say which point the next click sets, or which one is under the cursor."""
        scheme = self.scene.keypoint_scheme(self.scene.class_id)
        number, count = len(self._points), self._count()
        if self.state is State.IDLE and self._grip is not None:
            shape, number = self._grip
            scheme = self.scene.keypoint_scheme(shape.class_id)
        elif self.state not in (State.IDLE, State.PLACING, State.PRESSED):
            return ""
        name = scheme.names[number] if scheme is not None and number < len(scheme.names) else ""
        of = tr(" of {count}").format(count=count) if count and self._grip is None else ""
        return f"{number + 1}{of} {name}".strip()

    def _grip_place(self) -> Point | None:
        if self._grip is None or not isinstance(self._grip[0].geometry, Keypoints):
            return None
        return self._grip[0].geometry.points[self._grip[1]]


def _with_point(shape: Shape, number: int, place: Point) -> Shape:
    geometry = shape.geometry
    if not isinstance(geometry, Keypoints):
        return shape
    points = (*geometry.points[:number], place, *geometry.points[number + 1 :])
    return moved_to(shape, Keypoints(points, geometry.visibility))
