"""What a thread tells arrives in the window's thread, and a thread never owns what lives in the window."""

from __future__ import annotations

import gc
import threading
from weakref import ref

from PySide6.QtCore import QObject, Qt
from pytestqt.qtbot import QtBot

from studio.widgets.background import Background
from studio.widgets.in_window import in_window


class Listener(QObject):
    """Notes what it is told, and in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[object, ...]] = []

    def hear(self, *values: object) -> None:
        self.heard.append((*values, threading.current_thread()))


def run_in_thread(function: object, *values: object) -> None:
    thread = threading.Thread(target=function, args=values)
    thread.start()
    thread.join()


def test_a_method_is_called_in_the_window_and_in_order(qtbot: QtBot) -> None:
    listener = Listener()
    tell = in_window(listener.hear)

    def work() -> None:
        for number in range(5):
            tell("found", number)

    run_in_thread(work)
    assert listener.heard == []  # by the event loop, not before
    qtbot.waitUntil(lambda: len(listener.heard) == 5)
    window = threading.main_thread()
    assert listener.heard == [("found", number, window) for number in range(5)]


def test_nobody_is_told_after_he_has_gone(qtbot: QtBot) -> None:
    listener, other = Listener(), Listener()
    tell, tell_other = in_window(listener.hear), in_window(other.hear)
    gone, heard = ref(listener), listener.heard
    del listener
    gc.collect()
    assert gone() is None, "what a thread is given keeps nothing alive"
    run_in_thread(tell, 1)
    run_in_thread(tell_other, 2)
    qtbot.waitUntil(lambda: bool(other.heard))
    assert heard == []


def test_an_object_that_qt_has_deleted_is_not_told(qtbot: QtBot) -> None:
    parent = QObject()
    listener, other = Listener(), Listener()
    listener.setParent(parent)
    tell, tell_other = in_window(listener.hear), in_window(other.hear)
    run_in_thread(tell, 1)
    parent.deleteLater()
    qtbot.waitUntil(lambda: not_valid(listener))
    run_in_thread(tell, 2)
    run_in_thread(tell_other, 3)
    qtbot.waitUntil(lambda: bool(other.heard))
    assert [values[0] for values in listener.heard] in ([], [1])


def not_valid(thing: QObject) -> bool:
    from shiboken6 import isValid

    return not isValid(thing)


def test_a_background_that_is_let_go_while_its_thread_works_dies_in_the_window(
    qtbot: QtBot,
) -> None:
    began, goes_on, ended = threading.Event(), threading.Event(), threading.Event()
    died_in: list[threading.Thread] = []

    def work() -> str:
        began.set()
        assert goes_on.wait(10)
        ended.set()
        return "done"

    background = Background()
    background.destroyed.connect(
        lambda: died_in.append(threading.current_thread()), Qt.ConnectionType.DirectConnection
    )
    background.start("key", work)
    assert began.wait(10)
    del background
    gc.collect()
    assert died_in == [threading.main_thread()], "the thread must not be the one that holds it"
    goes_on.set()
    assert ended.wait(10)
    qtbot.wait(20)  # what it tells reaches nobody, and breaks nothing
