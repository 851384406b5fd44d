"""The lasting worker's main: takes requests from its pipe, runs them one after another, reports back.

The module is light; torch comes with :mod:`studio.jobs.tasks`, which only the worker process imports.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import logging
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.runtime.errors import (
    CheckpointError,
    ConfigError,
    DatasetError,
    DeviceError,
    EngineError,
    ExportError,
    ImageError,
    ModelError,
)
from studio.jobs.messages import Cancel, Failed, FailureKind, Report, Segment, Started
from studio.language import tr

_KINDS: tuple[tuple[type[BaseException], FailureKind], ...] = (
    (DatasetError, "data"),
    (ImageError, "data"),
    (CheckpointError, "checkpoint"),
    (ModelError, "checkpoint"),
    (ConfigError, "config"),
    (DeviceError, "config"),
    (ExportError, "export"),
    (MemoryError, "out_of_memory"),
)
_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "unable to allocate")
_MEMORY_REMEDY = tr("Choose a smaller image size, a smaller model or another device.")
_CANCEL_MESSAGE = tr("Cancelled.")
# A person waits for the answer with the hand on the mouse, and it takes a moment.
_URGENT = Segment


class CancelledError(Exception):
    """Raised inside a task when its request was cancelled."""


class Context:
    """What a task may do besides its work: report, and ask whether to go on.

    Args:
        job: Number of the request.
        send: Takes a report to the window.
        cancelled: Says whether the request was cancelled.
        answer_urgent: Answers urgent requests that came meanwhile.
    """

    def __init__(
        self,
        job: int,
        send: Callable[[Report], None],
        cancelled: Callable[[], bool],
        answer_urgent: Callable[[], None] | None = None,
    ) -> None:
        self.job = job
        self.send = send
        self._cancelled = cancelled
        self._answer_urgent = answer_urgent

    def check(self) -> None:
        """Raise where the request was cancelled; called between two steps.

        Raises:
            CancelledError: It was.
        """
        if self._cancelled():
            raise CancelledError

    def give_way(self) -> None:
        """Check, and let urgent requests that came meanwhile be answered first.

        Raises:
            CancelledError: The request was cancelled.
        """
        self.check()
        if self._answer_urgent is not None:
            self._answer_urgent()


class _Inbox:
    """Requests in their order; a thread of its own reads the pipe, so that Cancel overtakes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._first: list[Any] = []  # taken from the queue to be looked at
        self._cancelled: set[int] = set()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> Any:
        """Wait for the next request; None when the window is gone."""
        return self._first.pop() if self._first else self._requests.get()

    def next_urgent(self) -> Any:
        """Return the next request where that is an urgent one, else None."""
        if not self._first:
            with contextlib.suppress(queue.Empty):
                self._first.append(self._requests.get_nowait())
        return self._first.pop() if self._first and isinstance(self._first[0], _URGENT) else None

    def is_cancelled(self, job: int) -> bool:
        """Whether a request was cancelled."""
        return job in self._cancelled

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while (message := self._connection.recv()) is not None:
                if isinstance(message, Cancel):
                    self._cancelled.add(message.job)
                else:
                    self._requests.put(message)
        # The window is gone or said goodbye: nobody wants the present result either.
        self._requests.put(None)
        os._exit(0)


def run(connection: Connection, tasks: str, log_path: str) -> None:
    """Serve requests until the pipe closes.

    Args:
        connection: This side of the pipe.
        tasks: Name of the module with a ``run(request, context)`` function.
        log_path: File that receives what libraries print; its end explains a crash.
    """
    _send_output_to(Path(log_path))
    inbox = _Inbox(connection)
    lock = threading.Lock()

    def send(report: Report) -> None:
        with lock:
            connection.send(report)

    def answer_urgent() -> None:
        while (request := inbox.next_urgent()) is not None:
            serve(
                request, Context(request.job, send, partial(inbox.is_cancelled, request.job)), tasks
            )

    while (request := inbox.next()) is not None:
        is_cancelled = partial(inbox.is_cancelled, request.job)
        serve(request, Context(request.job, send, is_cancelled, answer_urgent), tasks)


def serve(request: Any, context: Context, tasks: str) -> None:
    """Run one request and report its end, whatever it is."""
    try:
        context.check()
        context.send(Started(request.job))
        report = importlib.import_module(tasks).run(request, context)
    except CancelledError:
        report = Failed(request.job, "cancelled", _CANCEL_MESSAGE)
    except Exception as error:  # the worker's border: a failed task must not end it
        logging.getLogger(__name__).exception("request %s failed", type(request).__name__)
        report = describe(request.job, error)
    context.send(report)


def describe(job: int, error: BaseException) -> Failed:
    """Turn an exception into the message that the window shows."""
    details = "".join(traceback.format_exception(error))
    text = str(error).strip() or type(error).__name__
    if _is_memory(error, text):
        message = tr("The memory of the device was not enough.")
        return Failed(job, "out_of_memory", message, _MEMORY_REMEDY, details)
    if isinstance(error, EngineError):
        kinds = [kind for cls, kind in _KINDS if isinstance(error, cls)]
        kind: FailureKind = kinds[0] if kinds else "error"
        message = str(error).removesuffix(error.remedy or "").strip()
        return Failed(job, kind, message, error.remedy or "", details)
    if isinstance(error, ModuleNotFoundError):
        remedy = tr("Install it into the same Python: pip install {name}").format(name=error.name)
        return Failed(
            job,
            "error",
            tr("The package {name} is not installed.").format(name=error.name),
            remedy,
            details,
        )
    if isinstance(error, OSError) and error.filename:
        message = f"{error.filename}: {error.strerror}."
        return Failed(
            job, "disk", message, tr("Look whether it exists and may be written."), details
        )
    return Failed(job, "error", f"{type(error).__name__}: {text}", "", details)


def _is_memory(error: BaseException, text: str) -> bool:
    return isinstance(error, MemoryError) or any(p in text.lower() for p in _MEMORY_PHRASES)


def _send_output_to(path: Path) -> None:
    """Send both output streams, also those of C libraries, to a file; the window's stay clean."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
            stream.flush()
            os.dup2(file.fileno(), number)
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
