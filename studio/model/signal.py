"""A signal without Qt: the project tells whoever listens what happened."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

Listener = Callable[..., object]


class Signal:
    """A list of listeners that are called, in the order they connected, with what :meth:`emit` is given.

    A bound method is held weakly, so that connecting a widget does not keep it alive; a plain
    function or a lambda is held until it is disconnected.
    """

    def __init__(self) -> None:
        self._listeners: list[Callable[[], Listener | None]] = []
        self._blocked = 0

    def connect(self, listener: Listener) -> Listener:
        """Call ``listener`` at each emit from now on; connecting it twice changes nothing.

        Returns:
            The listener, so that the method also serves as a decorator.
        """
        if all(held() != listener for held in self._listeners):
            self._listeners.append(_hold(listener))
        return listener

    def disconnect(self, listener: Listener) -> None:
        """Stop calling ``listener``; one that is not connected is ignored."""
        self._listeners = [held for held in self._listeners if held() not in (None, listener)]

    def emit(self, *arguments: Any) -> None:
        """Call every listener with ``arguments``. Listeners that connect meanwhile wait for the next emit."""
        if self._blocked:
            return
        living = [(held, held()) for held in self._listeners]
        if any(listener is None for _, listener in living):
            self._listeners = [held for held in self._listeners if held() is not None]
        for _, listener in living:
            if listener is not None:
                listener(*arguments)

    @contextlib.contextmanager
    def blocked(self) -> Iterator[None]:
        """Within the ``with`` block :meth:`emit` does nothing."""
        self._blocked += 1
        try:
            yield
        finally:
            self._blocked -= 1


def _hold(listener: Listener) -> Callable[[], Listener | None]:
    if isinstance(listener, MethodType):
        return weakref.WeakMethod(listener)
    return lambda: listener
