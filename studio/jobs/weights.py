"""Trained weights by name: on this computer, else fetched with progress. Blocks, so it is called in a thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.cfg.model_catalogue import find_entry
from engine.cfg.weights import find_weights, local_weights
from engine.runtime.downloads import Progress as Arrived
from engine.runtime.downloads import reporting
from studio.language import tr, tr_engine
from studio.model.errors import CancelledError


def is_public_name(model: str) -> bool:
    """Whether a model is asked for by the plain name of published weights, and not by the path of a file."""
    return Path(model).name == model and model.endswith(".pt") and find_entry(model) is not None


def fetch_weights(
    name: str, progress: Callable[[int, int, str], None], is_cancelled: Callable[[], bool]
) -> Path:
    """Return the path of published weights, fetching the file where it is not on this computer.

    Args:
        name: File name, as in ``yolo11n-seg.pt``.
        progress: Called with (bytes here, bytes in all or 0, what is being done).
        is_cancelled: Asked some ten times a second; True stops. What has arrived is kept for the next time.

    Raises:
        EngineError: The file cannot be had; says why and where it could be put by hand.
        CancelledError: ``is_cancelled`` said so.
    """

    def report(arrived: Arrived) -> None:
        if is_cancelled():
            raise CancelledError(tr("the fetching was stopped."))
        waiting = f": {tr_engine(arrived.note)}" if arrived.note else ""
        progress(
            arrived.done,
            arrived.total or 0,
            tr("Fetching {name}{waiting}").format(name=arrived.name, waiting=waiting),
        )

    if (here := local_weights(name)) is not None:
        return here
    progress(0, 0, tr("Fetching {name}").format(name=name))  # asking the server takes a while too
    with reporting(report):
        return find_weights(name)
