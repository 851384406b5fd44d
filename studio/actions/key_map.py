"""Which keys each action has: the table's, or the person's own in their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtGui import QKeySequence

from studio.actions.table import ActionSpec
from studio.language import tr

# Keys that the shape in hand takes, whatever else they are given to.
TOOL_KEYS = ("Return", "Enter", "Esc", "Backspace", "Del", "Left", "Right", "Up", "Down", "Space")

Keys = tuple[str, ...]


class KeyMap:
    """The keys of every action; it never changes, a change gives another one.

    A key belongs to one action at most: who is given it takes it from whoever had it.

    Args:
        specs: The table of actions.
        own: The person's keys by action; actions that are not in the table are left out.
    """

    def __init__(self, specs: Iterable[ActionSpec], own: Mapping[str, Keys] | None = None) -> None:
        self._specs = {spec.id: spec for spec in specs}
        self._usual = {name: _named(spec.keys) for name, spec in self._specs.items()}
        kept = {name: _named(keys) for name, keys in (own or {}).items() if name in self._specs}
        self._own = {name: keys for name, keys in kept.items() if keys != self._usual[name]}
        self._owners = {key: name for name in self._specs for key in self.keys(name)}

    @property
    def own(self) -> dict[str, Keys]:
        """The keys that differ from the table's, by action."""
        return dict(self._own)

    def specs(self) -> list[ActionSpec]:
        """Return the actions in the table's order."""
        return list(self._specs.values())

    def keys(self, action_id: str) -> Keys:
        """Return an action's keys as Qt names them, the first one is shown."""
        return self._own.get(action_id, self._usual[action_id])

    def is_usual(self, action_id: str) -> bool:
        """Tell whether an action has the table's keys."""
        return action_id not in self._own

    def owner(self, key: str) -> ActionSpec | None:
        """Return the action that has a key."""
        name = self._owners.get(QKeySequence(key).toString())
        return None if name is None else self._specs[name]

    def with_keys(self, action_id: str, keys: Keys) -> KeyMap:
        """Return the map in which an action has these keys, and nobody else has them."""
        keys = _named(keys)
        taken = {
            name: tuple(k for k in self.keys(name) if k not in keys)
            for name in {self._owners[key] for key in keys if key in self._owners} - {action_id}
        }
        return KeyMap(self.specs(), {**self._own, **taken, action_id: keys})

    def with_usual(self, action_id: str) -> KeyMap:
        """Return the map in which an action has the table's keys again, taken back from whoever has them."""
        return self.with_keys(action_id, self._usual[action_id])

    def to_list(self) -> list[list[str]]:
        """Return the person's keys as plain values: rows of an action and its keys."""
        return [[name, *keys] for name, keys in sorted(self._own.items())]

    @classmethod
    def from_list(cls, specs: Iterable[ActionSpec], rows: Any) -> KeyMap:
        """Read what :meth:`to_list` gave; rows that are none of ours are left out.

        A key that two rows name belongs to the later one.
        """
        made = cls(specs)
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, list) and row and all(isinstance(part, str) for part in row):
                name, *keys = row
                made = made.with_keys(name, tuple(keys)) if name in made._specs else made
        return made


def refusal(key: str) -> str:
    """Return why a key cannot be given to an action; empty if it can."""
    if QKeySequence(key).toString() in TOOL_KEYS:
        return tr("{key} belongs to the shape in hand.").format(key=key)
    return "" if QKeySequence(key).toString() else tr("This key has no name.")


def _named(keys: Iterable[str]) -> Keys:
    """Return keys as Qt names them, each once, without those it does not know."""
    return tuple(dict.fromkeys(name for key in keys if (name := QKeySequence(key).toString())))
