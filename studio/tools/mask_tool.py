"""What brush, eraser and wand have in common: which shape they work on, and what becomes of it."""

from __future__ import annotations

from engine.data.annotations import Box, Geometry, Mask, OrientedBox, Polygon
from studio.language import tr
from studio.model.edits import AddShapes, Edit, RemoveShapes, ReplaceShapes
from studio.model.locks import locked_text
from studio.model.records import Shape, moved_to
from studio.tools.base import Key, Notice
from studio.tools.paint_board import window_of
from studio.tools.scene import Scene

_PAINTABLE = (Mask, Polygon, Box, OrientedBox)
_MANY = tr("Select one shape, not several, to work on it.")


class MaskTool:
    """Works on the selected shape; else on the one that it made last while that has the current class; else on a new one.

    A polygon or box that is painted on becomes a mask. Enter or Escape lets the shape go: the next stroke begins a new one.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.notice = Notice()
        self._own: int | None = None  # the shape that was made last
        self._made: Mask | None = None  # it has no number yet: this is how it is known again

    def key(self, event: Key) -> Edit | None:
        """Escape drops what was begun, then lets the shape in hand go; so does Enter."""
        if event.name in ("escape", "enter"):
            if self._is_busy():
                self.cancel()
            else:
                self.let_go()
        return None

    def wants(self, event: Key) -> bool:
        """Tell whether the key means something now."""
        return event.name in ("escape", "enter") and (self._is_busy() or self._target() is not None)

    def cancel(self) -> None:
        """Forget what was begun."""
        raise NotImplementedError

    def let_go(self) -> None:
        """Begin a new shape with the next stroke."""
        self._own = self._made = self.scene.hovered = None
        self.scene.select(())

    def _is_busy(self) -> bool:
        raise NotImplementedError

    def _target(self) -> Shape | None:
        """Return the shape that is worked on, None for a new one."""
        selected = self.scene.selected()
        if selected:
            return (
                selected[0] if len(selected) == 1 and is_paintable(selected[0].geometry) else None
            )
        if self._made is not None:
            found = [shape.id for shape in self.scene.shapes() if shape.geometry == self._made]
            self._own, self._made = (max(found) if found else None), None
        own = self.scene.shape(self._own) if self._own is not None else None
        return own if own is not None and own.class_id == self.scene.class_id else None

    def _refusal(self, target: Shape | None) -> str:
        """Return why nothing can be painted now, empty where it can."""
        if len(self.scene.selection) > 1:
            return _MANY
        return "" if target is None else locked_text([target])

    def _result(self, target: Shape | None, mask: Mask, label: str) -> Edit | None:
        """Return the edit that gives a shape these pixels."""
        if target is None:
            if not mask.area():
                return None
            self._own, self._made = None, mask
            return AddShapes((self.scene.drawn(mask),))
        if not mask.area():
            return RemoveShapes((target,), tr("Erase shape"))
        if mask == self._mask_of(target):
            return None
        return ReplaceShapes((moved_to(target, mask),), label=label)

    def _mask_of(self, target: Shape) -> Mask:
        if isinstance(target.geometry, Mask):
            return target.geometry
        width, height = self.scene.size_wh
        window, corner = window_of(target.geometry, self.scene.size_wh)
        return Mask.from_window(window, corner, height, width)


def is_paintable(geometry: Geometry) -> bool:
    """Tell whether a geometry covers an area that can be painted on."""
    return isinstance(geometry, _PAINTABLE)
