"""Widgets in cycles are destroyed in the window's thread, whoever allocates."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from studio.app.garbage import GarbageCollector, due_generation


@pytest.fixture
def collecting() -> Iterator[None]:
    """Python collects by itself, as at the start of a program."""
    was_on = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if was_on else gc.disable)()


class Closed(QWidget):
    """A widget of the program; Qt's own are handed over to the window by their bindings."""


def leave_behind(died_in: list[threading.Thread]) -> None:
    """Leave a closed widget behind that holds itself."""
    was_on = gc.isenabled()
    gc.disable()  # else it might be collected right here
    widget = Closed()
    widget.me = widget
    widget.destroyed.connect(
        lambda: died_in.append(threading.current_thread()), Qt.ConnectionType.DirectConnection
    )
    if was_on:
        gc.enable()


def allocate() -> None:
    """Make Python wish to collect, as any work in a thread does."""
    kept: list[list[object]] = []
    for _ in range(200_000):
        kept.append([kept])


def run_in_thread() -> threading.Thread:
    thread = threading.Thread(target=allocate)
    thread.start()
    thread.join()
    return thread


def test_python_alone_destroys_widgets_in_the_thread_that_allocates(
    qtbot: QtBot, collecting: None
) -> None:
    died_in: list[threading.Thread] = []
    leave_behind(died_in)
    thread = run_in_thread()
    assert died_in == [thread], (
        "if Python or Qt prevents this now, the collector is not needed any more"
    )


def test_with_the_collector_they_die_in_the_window(qtbot: QtBot, collecting: None) -> None:
    died_in: list[threading.Thread] = []
    collector = GarbageCollector(every_ms=5)
    leave_behind(died_in)
    run_in_thread()
    assert died_in == []
    qtbot.waitUntil(lambda: bool(died_in))
    assert died_in == [threading.main_thread()]
    collector.close()
    assert gc.isenabled()


def test_a_window_leaves_python_as_it_was(qtbot: QtBot, collecting: None) -> None:
    gc.disable()
    collector = GarbageCollector()
    collector.close()
    assert not gc.isenabled()


@pytest.mark.parametrize(
    ("counts", "generation"),
    [
        ((0, 0, 0), None),
        ((700, 50, 50), None),
        ((701, 0, 0), 0),
        ((701, 10, 0), 0),
        ((701, 11, 0), 1),
        ((701, 11, 11), 2),
        ((701, 0, 11), 2),
    ],
)
def test_collections_are_due_as_python_has_them(
    counts: tuple[int, ...], generation: int | None
) -> None:
    assert due_generation(counts, (700, 10, 10)) == generation


def test_thresholds_of_zero_mean_never() -> None:
    assert due_generation((10_000, 99, 99), (0, 10, 10)) is None
    assert due_generation((10_000, 99, 99), (700, 10, 0)) == 1


def test_everything_is_looked_through_when_a_quarter_has_come(
    qtbot: QtBot, collecting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    collector = GarbageCollector(every_ms=1_000_000)
    blocks = iter(
        (100, 100, 110, 125, 126, 126, 130, 0, 0)
    )  # looked at, and after a full collection
    with monkeypatch.context() as patch:
        patch.setattr("studio.app.garbage.gc.get_count", lambda: (701, 11, 11))
        patch.setattr("studio.app.garbage.gc.collect", asked.append)
        patch.setattr("studio.app.garbage.sys.getallocatedblocks", lambda: next(blocks))
        for _ in range(6):
            collector.collect()
    assert asked == [2, 1, 1, 2, 1, 2], "at first, at 126 beside 100, and where nobody knows"
    collector.close()


def test_collecting_leaves_alone_what_a_thread_is_making(
    qtbot: QtBot, collecting: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of all objects, if only for a moment, broke tuples that threads were making."""
    failed: list[BaseException] = []
    done = threading.Event()

    def make_tuples() -> None:
        try:
            while not done.is_set():
                tuple([number] for number in range(20_000))
        except SystemError as error:
            failed.append(error)

    collector = GarbageCollector(every_ms=1_000_000)
    monkeypatch.setattr("studio.app.garbage.gc.get_count", lambda: (701, 11, 11))
    interval = sys.getswitchinterval()
    threads = [threading.Thread(target=make_tuples) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        sys.setswitchinterval(1e-5)
        for _ in range(100):
            collector._old = 0  # each time as if much had come
            collector.collect()
    finally:
        sys.setswitchinterval(interval)
        done.set()
        for thread in threads:
            thread.join()
        collector.close()
    assert not failed
