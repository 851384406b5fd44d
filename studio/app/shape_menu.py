"""The menu of the selected shapes, on the canvas and in the list of objects."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QMenu

from studio.actions.registry import Actions
from studio.actions.table import SHAPE
from studio.canvas.view import CanvasView
from studio.language import tr

_FIRST = (
    "edit.class",
    "edit.copy",
    "edit.paste",
    "edit.duplicate",
    "edit.copy_to_next",
    "edit.delete",
)
_SUBMENUS = {"shape.order": tr("Order"), "shape.convert": tr("Turn into")}


class ShapeMenu:
    """Shows the actions on shapes at the cursor.

    Args:
        actions: All actions of the window.
        canvas: Where the right button opens the menu.
    """

    def __init__(self, actions: Actions, canvas: CanvasView) -> None:
        self._actions, self._canvas = actions, canvas
        canvas.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        canvas.customContextMenuRequested.connect(self._on_asked)

    def _on_asked(self, at: QPoint) -> None:
        if not self._canvas.hand.takes_right():
            self.show_at(self._canvas.mapToGlobal(at))

    def show_at(self, place: QPoint) -> QMenu:
        """Open the menu at a global place and return it."""
        menu = QMenu(self._canvas)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action_id in _FIRST:
            menu.addAction(self._actions[action_id])
        submenus: dict[str, QMenu] = {}
        for spec in SHAPE:
            family = spec.id.split(":")[0]
            target = menu
            if family in _SUBMENUS:
                if family not in submenus:
                    submenus[family] = menu.addMenu(_SUBMENUS[family])
                target = submenus[family]
            elif spec.menu.startswith("-"):
                menu.addSeparator()
            target.addAction(self._actions[spec.id])
        menu.popup(place)
        return menu
