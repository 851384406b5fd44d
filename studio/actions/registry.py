"""Turns the table of actions into QActions and keeps them offered or greyed as the state asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenuBar, QWidget

from studio.actions.key_map import KeyMap
from studio.actions.table import ACTIONS, MENUS, ActionSpec, Needs
from studio.language import tr
from studio.theme import icons
from studio.theme.theme import current_colors

_SHOWN = QKeySequence.SequenceFormat.NativeText  # as the system writes keys, not as the settings do


class Actions:
    """All actions of a window.

    Args:
        window: Owns the QActions; their shortcuts work wherever the focus is inside it.
        handlers: Objects that together have one method for each handler name of the table.
        specs: The table.

    Attributes:
        key_map: Which keys each action has.

    Raises:
        AttributeError: A handler is missing: found when the program starts, not when the key is pressed.
    """

    def __init__(
        self,
        window: QWidget,
        handlers: Sequence[object],
        specs: Iterable[ActionSpec] = ACTIONS,
    ) -> None:
        self._window = window
        self._specs = {spec.id: spec for spec in specs}
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        for spec in self._specs.values():
            self._actions[spec.id] = self._build(spec, _find(handlers, spec.handler))
        self.set_keys(KeyMap(self._specs.values()))

    def __getitem__(self, action_id: str) -> QAction:
        return self._actions[action_id]

    def specs(self) -> list[ActionSpec]:
        """Return the table's rows in their order."""
        return list(self._specs.values())

    def set_keys(self, key_map: KeyMap) -> None:
        """Let every action be called by its keys of ``key_map``, and by no others."""
        self.key_map = key_map
        for action_id, action in self._actions.items():
            keys = key_map.keys(action_id)
            action.setShortcuts([QKeySequence(key) for key in keys])
            shown = f"  ({QKeySequence(keys[0]).toString(_SHOWN)})" if keys else ""
            action.setToolTip(f"{self._specs[action_id].text}{shown}")

    def key_owner(self, key: str) -> str:
        """Return what a key does already, empty where it is free."""
        spec = self.key_map.owner(key.upper())
        return spec.text if spec is not None else ""

    def shown_key(self, action_id: str) -> str:
        """Return the first key of an action as the system writes it, empty where it has none."""
        keys = self.key_map.keys(action_id)
        return QKeySequence(keys[0]).toString(_SHOWN) if keys else ""

    def offer(self, present: Needs) -> None:
        """Enable the actions whose needs are all ``present``, grey the others."""
        for action_id, spec in self._specs.items():
            self._actions[action_id].setEnabled(spec.needs in present)

    def set_checked(self, states: Mapping[str, bool]) -> None:
        """Show states without running the handlers."""
        for action_id, on in states.items():
            self._actions[action_id].setChecked(on)

    def fill_menus(self, bar: QMenuBar) -> None:
        """Build the menu bar."""
        for title in MENUS:
            menu = bar.addMenu(tr(title))
            for spec in self._specs.values():
                if spec.menu.lstrip("-") != title:
                    continue
                if spec.menu.startswith("-"):
                    menu.addSeparator()
                menu.addAction(self._actions[spec.id])

    def attach_canvas(self, canvas: QWidget) -> None:
        """Let the keys that count only on the canvas be heard there."""
        for action_id, spec in self._specs.items():
            if spec.on_canvas:
                canvas.addAction(self._actions[action_id])

    def recolor_icons(self) -> None:
        """Draw the icons again after the colour scheme changed."""
        for action_id, spec in self._specs.items():
            if spec.icon:
                self._actions[action_id].setIcon(icons.icon(spec.icon, current_colors()))

    def _build(self, spec: ActionSpec, handler: Callable[..., object]) -> QAction:
        action = QAction(spec.text, self._window)
        action.setObjectName(spec.id)
        contexts = Qt.ShortcutContext
        action.setShortcutContext(
            contexts.WidgetShortcut if spec.on_canvas else contexts.WindowShortcut
        )
        action.setCheckable(spec.checkable)
        if spec.icon:
            action.setIcon(icons.icon(spec.icon, current_colors()))
        if spec.group:
            self._group(spec.group).addAction(action)
        action.triggered.connect(_call(handler, spec))
        if not spec.on_canvas:
            self._window.addAction(action)
        return action

    def _group(self, name: str) -> QActionGroup:
        if name not in self._groups:
            self._groups[name] = QActionGroup(self._window)
        return self._groups[name]


def _find(handlers: Sequence[object], name: str) -> Callable[..., object]:
    for holder in handlers:
        if hasattr(holder, name):
            return getattr(holder, name)
    raise AttributeError(f"no handler for the action {name}")


def _call(handler: Callable[..., object], spec: ActionSpec) -> Callable[..., object]:
    """Return a slot that gives the handler the table's argument, or for a lone switch its state."""
    if spec.argument is not None:
        return partial(_run_with, handler, spec.argument)
    if spec.checkable:
        return lambda checked=False: handler(checked)
    return lambda _checked=False: handler()


def _run_with(handler: Callable[..., object], argument: str | int, _checked: bool = False) -> None:
    handler(argument)
