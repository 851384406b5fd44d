from __future__ import annotations

import gc

from studio.model.signal import Signal


class Ear:
    def __init__(self, heard: list[int]) -> None:
        self.heard = heard

    def listen(self, value: int) -> None:
        self.heard.append(value)


def test_listeners_are_called_in_order_and_once_per_emit() -> None:
    heard: list[tuple[str, int]] = []
    signal = Signal()
    first = signal.connect(lambda value: heard.append(("first", value)))
    signal.connect(first)
    signal.connect(lambda value: heard.append(("second", value)))
    signal.emit(3)
    assert heard == [("first", 3), ("second", 3)]


def test_a_disconnected_listener_is_not_called() -> None:
    heard: list[int] = []
    signal, ear = Signal(), Ear(heard)
    signal.connect(ear.listen)
    signal.disconnect(ear.listen)
    signal.emit(1)
    assert heard == []


def test_a_bound_method_does_not_keep_its_object_alive() -> None:
    heard: list[int] = []
    signal, ear = Signal(), Ear(heard)
    signal.connect(ear.listen)
    signal.emit(1)
    del ear
    gc.collect()
    signal.emit(2)
    assert heard == [1]


def test_blocked_swallows_emits_even_when_nested() -> None:
    heard: list[int] = []
    signal = Signal()
    signal.connect(heard.append)
    with signal.blocked():
        with signal.blocked():
            signal.emit(1)
        signal.emit(2)
    signal.emit(3)
    assert heard == [3]


def test_connecting_during_an_emit_waits_for_the_next() -> None:
    heard: list[int] = []
    signal = Signal()

    @signal.connect
    def once(value: int) -> None:
        signal.disconnect(once)
        signal.connect(heard.append)

    signal.emit(1)
    assert heard == []
    signal.emit(2)
    assert heard == [2]
