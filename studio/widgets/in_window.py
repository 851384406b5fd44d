"""From a thread to the window's: what a thread has found is told there, by the window's event loop.

A thread must not own an object of Qt that lives in the window. Who lets go of it last destroys it, and an object that is
destroyed in another thread than its own crashes or hangs the program (Qt's documentation: "Threads and QObjects"). So
threads are given a plain function that knows its object only weakly, and one courier, never destroyed, carries all calls.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MethodType
from typing import Any, cast
from weakref import WeakMethod

from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from shiboken6 import isValid


def in_window(method: Callable[..., None]) -> Callable[..., None]:
    """Return a function for threads: it has a method called in the window's thread, and returns at once.

    Nothing is called when the method's object is gone by then, or the program has ended.

    Args:
        method: A bound method; its object is not kept alive.
    """
    courier, called = _courier(), WeakMethod(cast("MethodType", method))
    return lambda *values: courier.carry(called, values)


class _Courier(QObject):
    _sent = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._sent.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def carry(self, called: WeakMethod[Any], values: tuple[Any, ...]) -> None:
        """Have the method called with the values; from any thread."""
        if isValid(self):  # the program may have ended meanwhile
            self._sent.emit(called, values)

    def _deliver(self, called: WeakMethod[Any], values: tuple[Any, ...]) -> None:
        method = called()
        if method is not None and _lives(method.__self__):
            method(*values)


def _lives(owner: object) -> bool:
    return not isinstance(owner, QObject) or isValid(owner)


@cache
def _courier() -> _Courier:
    application = QCoreApplication.instance()
    courier = _Courier()
    if application is not None:  # whoever asked for it first
        courier.moveToThread(application.thread())
    return courier
