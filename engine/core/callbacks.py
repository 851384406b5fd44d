"""The events of training, validation, prediction and export, and the mixin that calls who listens."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from engine.runtime.errors import ConfigError

Callback = Callable[[Any], Any]
Callbacks = dict[str, list[Callback]]

TRAIN_EVENTS = (
    "on_pretrain_routine_start",
    "on_pretrain_routine_end",
    "on_train_start",
    "on_train_epoch_start",
    "on_train_batch_start",
    "optimizer_step",
    "on_before_zero_grad",
    "on_train_batch_end",
    "on_train_epoch_end",
    "on_fit_epoch_end",
    "on_model_save",
    "on_train_end",
    "on_params_update",
    "teardown",
)
VAL_EVENTS = ("on_val_start", "on_val_batch_start", "on_val_batch_end", "on_val_end")
PREDICT_EVENTS = (
    "on_predict_start",
    "on_predict_batch_start",
    "on_predict_postprocess_end",
    "on_predict_batch_end",
    "on_predict_end",
)
EXPORT_EVENTS = ("on_export_start", "on_export_end")
EVENTS: tuple[str, ...] = TRAIN_EVENTS + VAL_EVENTS + PREDICT_EVENTS + EXPORT_EVENTS


def new_callbacks(*given: Mapping[str, Any] | None) -> Callbacks:
    """Make a table with every event, filled with the functions of the given tables.

    Args:
        given: Tables from event name to a function or a list of functions; None is empty.

    Raises:
        ConfigError: A table names an event that does not exist, or holds what cannot be called.
    """
    table: Callbacks = {event: [] for event in EVENTS}
    for callbacks in given:
        for event, functions in (callbacks or {}).items():
            several = functions if isinstance(functions, list | tuple) else [functions]
            table[check_event(event)].extend(check_callback(each) for each in several)
    return table


def check_callback(callback: Any) -> Callback:
    """Give back what can be called.

    Raises:
        ConfigError: It cannot.
    """
    if callable(callback):
        return callback  # type: ignore[no-any-return]
    raise ConfigError(
        f"a callback expects a function, received {callback!r}.",
        value=callback,
        remedy="Give the function itself, without calling it.",
    )


def check_event(event: str) -> str:
    """Give back the name of an existing event.

    Raises:
        ConfigError: There is no such event; a function added to it would never be called.
    """
    if event in EVENTS:
        return event
    near = difflib.get_close_matches(event, EVENTS, n=1)
    raise ConfigError(
        f"expected the name of a callback event, received {event!r}.",
        value=event,
        remedy=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(EVENTS)}.",
    )


class CallbackHost:
    """Something that calls functions at named moments, each with itself as the only argument.

    Attributes:
        callbacks: Event name to the functions that are called then, in the order they were added.
    """

    callbacks: Callbacks

    def add_callback(self, event: str, callback: Callback) -> None:
        """Call ``callback(self)`` at ``event``, after the functions that are there already."""
        self.callbacks[check_event(event)].append(check_callback(callback))

    def set_callback(self, event: str, callback: Callback) -> None:
        """Call only ``callback(self)`` at ``event``."""
        self.callbacks[check_event(event)] = [check_callback(callback)]

    def clear_callback(self, event: str) -> None:
        """Call nothing at ``event``."""
        self.callbacks[check_event(event)] = []

    def run_callbacks(self, event: str) -> None:
        """Call everything that listens to ``event``."""
        for callback in self.callbacks[event]:
            callback(self)
