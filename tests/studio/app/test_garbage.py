"""Widgets in cycles are destroyed in the window's thread, whoever allocates."""

from __future__ import annotations

import gc
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
    sizes = {1: 10, 2: 100}
    with monkeypatch.context() as patch:
        patch.setattr("studio.app.garbage.gc.get_count", lambda: (701, 11, 11))
        patch.setattr("studio.app.garbage.gc.collect", asked.append)
        patch.setattr(
            "studio.app.garbage.gc.get_objects", lambda generation: [0] * sizes[generation]
        )
        for _ in range(7):
            collector.collect()
    oldest = [generation for generation in asked if generation]
    assert oldest == [1, 2, 1, 1, 1, 2, 1], "10 have come beside none, then 30 beside 100"
    collector.close()
