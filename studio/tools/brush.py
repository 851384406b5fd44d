"""Brush and eraser: masks painted at the image's own resolution."""

from __future__ import annotations

from engine.data.annotations import Point
from studio.language import tr
from studio.model.edits import Edit
from studio.model.records import Shape
from studio.tools.base import Pointer, Preview
from studio.tools.mask_tool import MaskTool, is_paintable
from studio.tools.paint_board import PaintBoard, brush_place
from studio.tools.scene import Scene

_NOTHING_HERE = tr("There is nothing to erase here: press on a shape, or select one first.")


class BrushTool(MaskTool):
    """Drag paints; Ctrl erases meanwhile; Shift paints straight from where the last stroke ended."""

    erases = False

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._board: PaintBoard | None = None
        self._at: Point | None = None  # the cursor; None while it is elsewhere
        self._last: Point | None = None  # where the last stroke ended
        self._shape: Shape | None = None  # what is painted on, None for a new shape
        self._erasing = False

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return what a stroke has made."""
        if event.kind == "leave":
            self._at = None if self._board is None else self._at
            return None
        before, self._at = self._at, brush_place(event.x, event.y, self._size)
        if event.kind in ("press", "double"):
            self._begin(event)
        elif event.kind == "move" and self._board is not None:
            self._board.stroke(before or self._at, self._at, self._size, int(not self._erasing))
        elif event.kind == "release" and self._board is not None:
            return self._end()
        if self._board is None:
            target = self._found(event, self.erases or event.ctrl)
            self.scene.hovered = None if target is None else target.id
        return None

    def cancel(self) -> None:
        """Forget the stroke."""
        self._board = self._shape = None

    def preview(self) -> Preview:
        """Return the brush, and what is painted so far."""
        board, shape = self._board, self._shape
        class_id = self.scene.class_id if shape is None else shape.class_id
        return Preview(
            hidden=(shape.id,) if board is not None and shape is not None else (),
            paint=None if board is None else board.paint(class_id, self._erasing),
            brush=None if self._at is None else (*self._at, self._size / 2),
            class_id=class_id,
            cursor="brush",
        )

    @property
    def _size(self) -> int:
        return max(1, round(self.scene.options.brush_size))

    def _is_busy(self) -> bool:
        return self._board is not None

    def _begin(self, event: Pointer) -> None:
        self._erasing = self.erases or event.ctrl
        target = self._found(event, self._erasing)
        refusal = self._refusal(target)
        if not refusal and self._erasing and target is None:
            refusal = _NOTHING_HERE
        if refusal:
            self.notice.text = refusal
            return
        here = brush_place(event.x, event.y, self._size)
        start = self._last if event.shift and self._last is not None else here
        self._shape = target
        self._board = PaintBoard(self.scene.size_wh, target.geometry if target else None)
        self._before = self._board.snapshot()
        self._board.stroke(start, here, self._size, int(not self._erasing))

    def _found(self, event: Pointer, erasing: bool) -> Shape | None:
        """Return the shape that a stroke here works on; the eraser also takes the one under the cursor."""
        target = self._target()
        if target is not None or not erasing or self.scene.selection:
            return target
        below = self.scene.shapes_at(event.x, event.y)
        return next((shape for shape in below if is_paintable(shape.geometry)), None)

    def _end(self) -> Edit | None:
        board, target = self._board, self._shape
        self._last = self._at
        self.cancel()
        if board is None:
            return None
        if self.scene.options.fill_holes and not self._erasing:
            board.fill_enclosed(*self._before)
        label = tr("Erase pixels") if self._erasing else tr("Paint pixels")
        edit = self._result(target, board.mask(), label)
        if edit is None and target is None:
            self.notice.text = tr("Nothing was painted: the brush was outside the image.")
        return edit


class EraserTool(BrushTool):
    """The brush that takes pixels away: of the selected shape, or of the one under the cursor."""

    erases = True
