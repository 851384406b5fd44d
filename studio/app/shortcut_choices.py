"""What the sheet of shortcuts shows, and what its changes do: the actions get the keys, the settings keep them."""

from __future__ import annotations

from studio.actions.key_map import KeyMap, refusal
from studio.actions.registry import Actions
from studio.actions.table import MENUS, ActionSpec
from studio.dialogs.shortcuts import Shortcut
from studio.language import mark, tr
from studio.model.preferences import KEYS, Preferences

_OTHER = mark("Classes")  # actions in no menu: the number keys


class ShortcutChoices:
    """The keys of a window's actions.

    Args:
        actions: The actions.
        preferences: Where the person's own keys are kept.
    """

    def __init__(self, actions: Actions, preferences: Preferences) -> None:
        self._actions, self._preferences = actions, preferences

    def groups(self) -> list[tuple[str, list[Shortcut]]]:
        """Return the menus and their actions."""
        titles = (*MENUS, _OTHER)
        rows: dict[str, list[Shortcut]] = {title: [] for title in titles}
        for spec in self._map.specs():
            rows[spec.menu.lstrip("-") or _OTHER].append(self._shortcut(spec))
        return [(tr(title), rows[title]) for title in titles if rows[title]]

    def refusal(self, action_id: str, key: str) -> str:
        """Return why a key cannot be an action's; empty if it can."""
        return refusal(key)

    def owner(self, action_id: str, key: str) -> str:
        """Return what another action that has the key does; empty if none has it."""
        spec = self._map.owner(key)
        return "" if spec is None or spec.id == action_id else spec.text

    def give(self, action_id: str, keys: tuple[str, ...]) -> None:
        """Give an action these keys, and take them from every other."""
        self._use(self._map.with_keys(action_id, keys))

    def restore(self, action_id: str | None = None) -> None:
        """Give an action, or all, the usual keys."""
        specs = self._map.specs()
        self._use(KeyMap(specs) if action_id is None else self._map.with_usual(action_id))

    @property
    def _map(self) -> KeyMap:
        return self._actions.key_map

    def _shortcut(self, spec: ActionSpec) -> Shortcut:
        return Shortcut(spec.id, spec.text, self._map.keys(spec.id), self._map.is_usual(spec.id))

    def _use(self, key_map: KeyMap) -> None:
        self._preferences[KEYS] = key_map.to_list()
        self._actions.set_keys(key_map)
