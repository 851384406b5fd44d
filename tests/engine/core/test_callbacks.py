from __future__ import annotations

import json

import pytest

from engine.core.callbacks import EVENTS, CallbackHost, new_callbacks
from engine.runtime.errors import ConfigError


class _Host(CallbackHost):
    def __init__(self, callbacks=None):
        self.callbacks = new_callbacks(callbacks)


def test_events_are_those_of_the_field_in_their_order(shared_dir):
    recorded = json.loads((shared_dir / "facts" / "callbacks.json").read_text())
    assert list(EVENTS) == recorded["default_callbacks"]


def test_functions_are_called_in_order_with_the_host():
    host, calls = _Host({"on_train_start": lambda h: calls.append(("given", h))}), []
    host.add_callback("on_train_start", lambda h: calls.append(("added", h)))
    host.run_callbacks("on_train_start")
    assert calls == [("given", host), ("added", host)]


def test_set_replaces_and_clear_removes():
    host, calls = _Host({"on_val_end": [lambda h: calls.append(1), lambda h: calls.append(2)]}), []
    host.set_callback("on_val_end", lambda h: calls.append(3))
    host.run_callbacks("on_val_end")
    host.clear_callback("on_val_end")
    host.run_callbacks("on_val_end")
    assert calls == [3]


def test_a_host_does_not_change_the_table_it_was_given():
    table = new_callbacks()
    _Host(table).add_callback("teardown", print)
    assert table["teardown"] == []


@pytest.mark.parametrize("name", ["on_train_epochs_end", "nonsense"])
def test_a_misspelt_event_is_refused_not_silently_never_called(name):
    with pytest.raises(ConfigError, match=r"on_train_epoch_end|There are"):
        _Host().add_callback(name, print)


def test_what_cannot_be_called_is_refused_where_it_is_given():
    for give in (
        lambda: _Host().add_callback("on_val_end", None),
        lambda: _Host().set_callback("on_val_end", "print"),
        lambda: _Host({"on_val_end": [print, 5]}),
    ):
        with pytest.raises(ConfigError, match="expects a function, received"):
            give()
