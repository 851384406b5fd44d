"""Who a press of the mouse is for: a suggestion, the menu's shape, or the tool in hand."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Qt, Signal

from studio.canvas.shown_shapes import ShownShapes
from studio.canvas.tool_in_hand import ToolInHand
from studio.tools.base import Pointer
from studio.tools.scene import Entry

_LEFT, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


class Pointing(QObject):
    """Takes the tools' pointer events, of the whole canvas, and sends each where it belongs.

    Signals:
        suggestion_clicked(int): Id of a suggestion.
        shape_activated(int): A shape was double-clicked.
        fit_asked(): The background was double-clicked.
        shapes_wanted(): Somebody begins to draw while no shapes are shown.
        hovered(Entry): What is under the cursor may be something else: a suggestion, or None.
    """

    suggestion_clicked = Signal(int)
    shape_activated = Signal(int)
    fit_asked = Signal()
    shapes_wanted = Signal()
    hovered = Signal(object)

    def __init__(self, hand: ToolInHand, shapes: ShownShapes, parent: QObject | None) -> None:
        super().__init__(parent)
        self._hand, self._shapes = hand, shapes
        self._pressed: int | None = None  # the suggestion that the button went down on

    def press(self, pointer: Pointer, button: Qt.MouseButton) -> None:
        """Take a suggestion, choose the menu's shape, or let the tool work."""
        if button == _LEFT and self._hand.draws() and not self._shapes.visible:
            self.shapes_wanted.emit()
        if button == _RIGHT and self._hand.takes_right():
            self._hand.send(replace(pointer, alt=True))
        elif button == _RIGHT:
            self._select_for_menu(pointer)
        elif button == _LEFT:
            ghost = self._suggestion_at(pointer)
            self._pressed = ghost.shape.id if ghost is not None else None
            if ghost is None:
                self._hand.send(pointer)

    def move(self, pointer: Pointer) -> None:
        """Let the tool follow, and find the suggestion under the cursor."""
        scene = self._shapes.scene
        if self._pressed is not None or not all(scene.size_wh):
            return
        ghost = None if pointer.held else self._suggestion_at(pointer)
        self._hand.tool.pointer(pointer)
        if ghost is not None:
            scene.hovered = None
        self.hovered.emit(ghost)

    def release(self, pointer: Pointer, button: Qt.MouseButton) -> None:
        """Click a suggestion, or let the tool finish."""
        if button == _RIGHT and self._hand.takes_right():
            self._hand.send(replace(pointer, alt=True))
        if button != _LEFT:
            return
        pressed, self._pressed = self._pressed, None
        if pressed is None:
            self._hand.send(pointer)
        elif (ghost := self._suggestion_at(pointer)) is not None and ghost.shape.id == pressed:
            self.suggestion_clicked.emit(pressed)

    def double(self, pointer: Pointer) -> None:
        """Tell which shape is meant, or that the background is; a drawing tool has double clicks of its own."""
        if self._hand.name != "select":
            self._hand.send(pointer)
        elif hits := self._shapes.scene.shapes_at(pointer.x, pointer.y, pointer.tolerance):
            self.shape_activated.emit(hits[0].id)
        elif self._suggestion_at(pointer) is None:
            self.fit_asked.emit()

    def _suggestion_at(self, pointer: Pointer) -> Entry | None:
        return self._shapes.suggestion_at(pointer) if self._hand.name == "select" else None

    def _select_for_menu(self, pointer: Pointer) -> None:
        """Let a menu at the cursor mean the shape under it."""
        scene = self._shapes.scene
        hits = scene.shapes_at(pointer.x, pointer.y, pointer.tolerance)
        if hits and not {shape.id for shape in hits} & set(scene.selection):
            scene.select([hits[0].id])
            self._hand.changed.emit()
