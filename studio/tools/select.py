"""The select tool: choose shapes, move them, and edit their vertices."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from math import dist

from engine.data.annotations import Point
from engine.data.annotations.geometry import Bounds
from studio.language import tr
from studio.model.edits import Edit, RemoveShapes, ReplaceShapes
from studio.model.kind_words import shapes_text
from studio.model.records import Shape, moved_to
from studio.tools.aiming import Aim
from studio.tools.base import CursorName, Key, Notice, Pointer, Preview, rounded
from studio.tools.frame import FrameDrag, Part, changed_by, words
from studio.tools.handles import Grip, dragged, grip_after
from studio.tools.moving import is_whole, moved
from studio.tools.scene import Scene
from studio.tools.snapping import find_snap
from studio.tools.vertex_choice import VertexChoice
from studio.tools.vertex_edits import held_shape, vertex_inserted, vertex_nudged, vertex_removed
from studio.tools.vertex_set import EDITABLE, vertex_of

_NUDGE, _NUDGE_FAR, _NUDGE_FINE = 1.0, 10.0, 0.1  # image pixels: plain, with Shift, with Alt
_ARROWS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_TOO_SMALL = tr("Kept as it was: the shape would cover less than one pixel.")


class State(Enum):
    """What the tool is doing."""

    IDLE = auto()
    PRESSED = auto()  # on a shape: moving away starts to move the selection
    MOVING = auto()
    GRABBED = auto()  # on a handle: moving away starts to reshape
    RESHAPING = auto()
    BAND = auto()  # on the background
    AIMING = auto()  # with Ctrl: a click goes to the next shape below, a drag chooses vertices
    VERTICES = auto()  # a band that chooses vertices
    FRAMED = auto()  # on a handle of the frame
    TURNING = auto()  # the selection is turned or stretched


_BEGINS = {  # what a press becomes when the mouse is dragged
    State.PRESSED: State.MOVING,
    State.GRABBED: State.RESHAPING,
    State.AIMING: State.VERTICES,
    State.FRAMED: State.TURNING,
}


class SelectTool:
    """Click selects the smallest shape under the cursor, Shift adds, Ctrl goes to the next one below.

    Dragging a shape moves the selection, dragging a vertex reshapes, dragging the ghost on an edge inserts a vertex.
    Alt+click on an edge inserts one too; Backspace, and on a selected shape Alt or Shift+click, removes a vertex.

    Ctrl+drag draws a band that chooses vertices of the selected shapes (with Shift more of them), Ctrl+click on a vertex
    adds it or takes it away: a drag, the arrows and Backspace then mean all of them. The frame around the selection
    stretches it (Shift: both sides alike, Alt: about the middle), its knob turns it (Shift: in steps of 15 degrees).
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.state = State.IDLE
        self.notice = Notice()
        self.aim = Aim(scene)
        self._vertices = VertexChoice(scene)
        self._start: Point = (0.0, 0.0)
        self._clicked: int | None = None  # what a click without a drag will select
        self._changed: tuple[Shape, ...] = ()  # what the drag has made so far
        self._band: Bounds | None = None
        self._kept: tuple[int, ...] = ()  # the selection that a band adds to
        self._active: Grip | None = None  # the vertex that arrows and Backspace mean
        self._next_active: Grip | None = None
        self._snapped: Point | None = None
        self._removing = False
        self._frame_drag: FrameDrag | None = None
        self._words = ""
        self._dragged_to: Point = (0.0, 0.0)

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return the edit that a click or a drag finished."""
        self._removing = event.alt or event.shift
        if event.kind != "leave":
            self.aim.radius = event.tolerance
        if event.kind in ("press", "double"):
            return self._press(event)
        if event.kind == "move":
            self._move(event)
        elif event.kind == "release":
            return self._release(event)
        elif self.state is State.IDLE:
            self.aim.leave()
        return None

    def key(self, event: Key) -> Edit | None:
        """Delete removes shapes, Backspace a vertex, arrows nudge, Escape steps back."""
        if event.name == "escape":
            self._step_back()
        elif event.name in ("delete", "backspace") and self._vertices.current():
            return self._remove_chosen()
        elif event.name == "delete" and self.scene.selection:
            return self._remove_shapes()
        elif event.name == "backspace":
            return self._remove_vertex(self.aim.grip or self._active)
        elif event.name in _ARROWS:
            return self._nudge(event)
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now."""
        if event.name == "escape":
            return self.state is not State.IDLE or bool(self.scene.selection)
        if event.name == "backspace":
            return bool(self.aim.grip or self._active or self._vertices.current())
        return bool(self.scene.selection) and (event.name == "delete" or event.name in _ARROWS)

    def cancel(self) -> None:
        """Forget a drag; every shape is where it was."""
        self.state = State.IDLE
        self._changed, self._band, self._snapped, self._clicked = (), None, None, None
        self._frame_drag, self._words = None, ""

    def preview(self) -> Preview:
        """Return the shapes as a drag changes them, the band and the handles."""
        idle, aim = self.state is State.IDLE, self.aim
        grip = aim.grip if idle else self._next_active if self._changed else None
        place = (grip.handle.x, grip.handle.y) if grip else None
        ghost = grip is not None and grip.handle.kind == "ghost"
        frame = aim.frame() if idle else None
        if frame is not None and aim.part is not None and place is None:
            place = frame.handles(aim.radius)[aim.part]
        if self.state is State.TURNING:
            place = self._dragged_to
        return Preview(
            shapes=self._changed,
            band=self._band,
            armed=aim.armed() if idle else self._gripped(),
            handle=None if ghost else place,
            ghost=place if ghost else None,
            snapped=self._snapped,
            frame=frame,
            chosen=self._vertices.places(self._changed),
            label=self._words,
            cursor=self._cursor(),
        )

    # -- pressing ------------------------------------------------------------

    def _press(self, event: Pointer) -> Edit | None:
        self.aim.look(event)
        self._start = event.x, event.y
        if self.aim.grip is not None and not self._adds_shape(self.aim.grip, event):
            return self._press_handle(self.aim.grip, event)
        if self.aim.part is not None and not event.ctrl:
            self._press_frame(self.aim.part)
            return None
        self._active = None
        inserted = self._insert_on_edge(event) if event.alt else None
        if inserted is not None:
            return inserted
        hits = [shape.id for shape in self.scene.shapes_at(event.x, event.y, event.tolerance)]
        if event.ctrl and (hits or self.scene.selection):
            self._kept = self.scene.selection
            self._vertices.begin_band()
            self.state = State.AIMING
        elif hits:
            self._press_shape(hits, event)
        else:
            self._vertices.clear()
            self._kept = self.scene.selection if event.shift else ()
            self.scene.select(self._kept)
            self.state = State.BAND
        return None

    def _adds_shape(self, grip: Grip, event: Pointer) -> bool:
        """Tell whether Shift means the shape and not its vertex: on one that is not selected yet, or with Ctrl."""
        return grip.shape_id not in self.scene.selection and (event.ctrl or event.shift)

    def _press_handle(self, grip: Grip, event: Pointer) -> Edit | None:
        vertex = vertex_of(grip)
        if event.ctrl:
            shape = self.scene.shape(grip.shape_id)
            if vertex is not None and shape is not None and isinstance(shape.geometry, EDITABLE):
                self._vertices.turn(vertex)
            return None
        if vertex is not None and (event.alt or event.shift):
            return self._remove_vertex(grip)
        if grip.shape_id not in self.scene.selection:
            self.scene.select((grip.shape_id,))
        if vertex not in self._vertices.current():
            self._vertices.clear()
        self._active = grip
        self.state = State.GRABBED
        return None

    def _press_frame(self, part: Part) -> None:
        frame = self.aim.frame()
        if frame is not None:
            self._frame_drag = FrameDrag(frame, part, self._start)
            self.state = State.FRAMED

    def _press_shape(self, hits: Sequence[int], event: Pointer) -> None:
        selection = self.scene.selection
        if event.shift:
            others = tuple(i for i in selection if i != hits[0])
            self.scene.select(others if hits[0] in selection else (*selection, hits[0]))
        else:
            self._clicked = hits[0]
            if not set(hits) & set(selection):
                self.scene.select(hits[:1])
        self.state = State.PRESSED

    # -- moving --------------------------------------------------------------

    def _move(self, event: Pointer) -> None:
        self._snapped = None
        if self.state is State.IDLE:
            self.aim.look(event)
        elif self.state is State.BAND:
            self._stretch_band(event)
        elif self.state in _BEGINS:
            if dist(self._start, (event.x, event.y)) > event.tolerance / 2:
                self.state = _BEGINS[self.state]
                self._drag(event)
        else:
            self._drag(event)

    def _drag(self, event: Pointer) -> None:
        if self.state is State.RESHAPING:
            self._reshape(event)
        elif self.state is State.VERTICES:
            self._stretch_vertex_band(event)
        elif self.state is State.TURNING:
            self._turn(event, preview=True)
        else:
            offset = event.x - self._start[0], event.y - self._start[1]
            self._changed = moved(self.scene.changeable(), *offset, self.scene.size_wh)
            self.notice.text = self.scene.left_alone()

    def _gripped(self) -> tuple[int, ...]:
        """Return the shape that keeps its handles during a drag: the one that is reshaped."""
        reshaping = self.state in (State.GRABBED, State.RESHAPING)
        return (self._active.shape_id,) if reshaping and self._active else ()

    def _reshape(self, event: Pointer) -> None:
        shape = self.scene.shape(self._active.shape_id) if self._active else None
        if shape is None or self._active is None:  # removed from elsewhere during the drag
            self.cancel()
            return
        x, y = self.scene.clamp(event.x, event.y)
        chosen = self._vertices.current()
        if event.ctrl:  # exactly there
            x, y = rounded(x), rounded(y)
        else:
            dragged_ids = {shape.id, *(vertex.shape_id for vertex in chosen)}
            snap = find_snap(self.scene, x, y, event.tolerance, ignore=dragged_ids)
            (x, y), self._snapped = snap.point, snap.point if snap.kind != "free" else None
        handle = self._active.handle
        if len(chosen) > 1 and vertex_of(self._active) in chosen:
            self._changed = self._vertices.moved(x - handle.x, y - handle.y)
            self._next_active = None
            return
        geometry = dragged(shape.geometry, handle, x, y)
        self._next_active = grip_after(self._active, geometry, x, y)
        self._changed = (moved_to(shape, geometry),)

    def _stretch_band(self, event: Pointer) -> None:
        self._band = _box_of(self._start, (event.x, event.y))
        touched = [shape.id for shape in self.scene.shapes_touching(self._band)]
        self.scene.select((*self._kept, *touched))

    def _stretch_vertex_band(self, event: Pointer) -> None:
        self._band = _box_of(self._start, (event.x, event.y))
        self._vertices.stretch_band(self._band, adds=event.shift)

    def _turn(self, event: Pointer, preview: bool) -> None:
        if self._frame_drag is None:
            return
        motion = self._frame_drag.motion(event.x, event.y, event.shift, event.alt)
        self._words, self._dragged_to = words(motion), (event.x, event.y)
        size = self.scene.size_wh
        self._changed = changed_by(self.scene.changeable(), motion, size, preview)
        self.notice.text = self.scene.left_alone()

    # -- finishing -----------------------------------------------------------

    def _release(self, event: Pointer) -> Edit | None:
        if self.state is State.TURNING:
            self._turn(event, preview=False)
        changed, state, clicked, turned = self._changed, self.state, self._clicked, self._words
        self.cancel()
        edit: Edit | None = None
        if state is State.AIMING:
            self._click_below(event)
        elif state is State.TURNING:
            edit = self._replacing(changed, _said(turned).format(shapes=shapes_text(changed)))
        elif state is State.PRESSED and clicked is not None:
            self.scene.select((clicked,))
        elif state is State.MOVING and changed:
            edit = self._replacing(changed, tr("Move {count}").format(count=shapes_text(changed)))
        elif state is State.RESHAPING and changed:
            if all(is_whole(shape.geometry) for shape in changed):
                self._active = self._next_active
                several = len(self._vertices.current()) > 1
                edit = self._replacing(changed, tr("Move vertices") if several else "")
            else:
                self.notice.text = _TOO_SMALL
        self.aim.look(event)
        return edit

    def _click_below(self, event: Pointer) -> None:
        """Go to the next shape below the selected one, as Ctrl+click does; on the background select nothing."""
        hits = [shape.id for shape in self.scene.shapes_at(event.x, event.y, event.tolerance)]
        self._vertices.clear()
        self.scene.select((_next_below(hits, self._kept),) if hits else ())

    # -- removing and nudging ------------------------------------------------

    def _remove_chosen(self) -> Edit | None:
        edit, self.notice.text = self._vertices.removed()
        if edit is not None:
            self.aim.grip = self._active = None
        return edit

    def _remove_shapes(self) -> Edit | None:
        shapes = tuple(self.scene.changeable())
        self.notice.text = self.scene.left_alone()
        return RemoveShapes(shapes) if shapes else None

    def _replacing(self, changed: Sequence[Shape], label: str = "") -> Edit | None:
        """Return the edit, None where a drag came back to where it began."""
        if all(self.scene.shape(shape.id) == shape for shape in changed):
            return None
        return ReplaceShapes(tuple(changed), label=label)

    def _insert_on_edge(self, event: Pointer) -> Edit | None:
        inserted = vertex_inserted(self.scene, self.aim.armed(), event)
        if inserted is None:
            return None
        edit, self._active = inserted
        return edit

    def _remove_vertex(self, grip: Grip | None) -> Edit | None:
        shape = held_shape(self.scene, grip)
        if shape is None or grip is None:
            return None
        self.aim.grip = self._active = None
        edit, self.notice.text = vertex_removed(shape, grip)
        return edit

    def _nudge(self, event: Key) -> Edit | None:
        """Move what is meant by a step: the chosen vertices, the active one, else the selected shapes."""
        step = _NUDGE_FAR if event.shift else _NUDGE_FINE if event.alt else _NUDGE
        dx, dy = (step * sign for sign in _ARROWS[event.name])
        if self._vertices.current():
            return self._nudged(self._vertices.moved(dx, dy), tr("Nudge vertices"))
        active, shape = self._active, held_shape(self.scene, self._active)
        if active is not None and shape is not None:
            changed, grip = vertex_nudged(self.scene, shape, active, dx, dy)
            if is_whole(changed.geometry):
                self._active = grip
            return self._nudged((changed,), tr("Nudge vertex"))
        shapes = moved(self.scene.changeable(), dx, dy, self.scene.size_wh)
        self.notice.text = self.scene.left_alone()
        return self._replacing(shapes, tr("Nudge {count}").format(count=shapes_text(shapes)))

    def _nudged(self, changed: Sequence[Shape], label: str) -> Edit | None:
        """Return the edit of reshaped shapes, None where one of them would vanish."""
        if all(is_whole(shape.geometry) for shape in changed):
            return self._replacing(changed, label)
        self.notice.text = _TOO_SMALL
        return None

    def _step_back(self) -> None:
        if self.state is not State.IDLE:
            self.cancel()
        elif self._vertices.current():
            self._vertices.clear()
        else:
            self._active = None
            self.scene.select(())

    def _cursor(self) -> CursorName:
        if self.state is State.MOVING:
            return "move"
        if self.aim.part is not None or self.state is State.TURNING:
            part = self._frame_drag.part if self._frame_drag is not None else self.aim.part
            return "point" if part == "turn" else "resize"
        return self.aim.cursor(self._removing)


def _said(turned: str) -> str:
    return tr("Turn {shapes}") if turned.endswith("°") else tr("Resize {shapes}")


def _box_of(a: Point, b: Point) -> Bounds:
    """Return the box between two points."""
    (x1, x2), (y1, y2) = (sorted(pair) for pair in zip(a, b, strict=True))
    return x1, y1, x2, y2


def _next_below(hits: Sequence[int], selection: Sequence[int]) -> int:
    """Return the shape after the selected one among those under the cursor, from the last back to the first."""
    chosen = [place for place, shape_id in enumerate(hits) if shape_id in selection]
    return hits[(chosen[-1] + 1) % len(hits)] if chosen else hits[0]
