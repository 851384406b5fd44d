"""The window's end of the worker: starts the process on demand, sends requests, hands on its reports.

Knows no Qt: reports arrive by calling a function from a thread of the link.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import multiprocessing
import queue
import signal
import threading
import weakref
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from engine.runtime.paths import cache_dir
from studio.jobs.messages import Cancel, Failed, Report, Request, Result, Started
from studio.language import tr
from studio.model.run_failure import read_log_end

TASKS = "studio.jobs.tasks"
_CLOSE_S = 2.0
_REMEDY = tr(
    "The worker starts again with the next request; a smaller image size needs less memory."
)


def run_worker(connection: Connection, tasks: str, log_path: str) -> None:
    """Start the worker's main by name: importing this module in a new process loads no torch."""
    importlib.import_module("studio.jobs.worker").run(connection, tasks, log_path)


class WorkerLink:
    """One lasting worker process, started with the first request and again after a crash.

    Args:
        on_report: Called with each report, from a thread of the link.
        tasks: Module that does the work; tests give another.
        log_path: File for what the worker prints.
    """

    def __init__(
        self,
        on_report: Callable[[Report], None],
        tasks: str = TASKS,
        log_path: Path | None = None,
    ) -> None:
        self._on_report = on_report
        self._tasks = tasks
        self.log_path = log_path or cache_dir() / "worker.log"
        self._outbox: queue.SimpleQueue[Request | Cancel | None] = queue.SimpleQueue()
        self._open: dict[int, Request] = {}
        self._running: int | None = None
        self._lock = threading.Lock()
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._reader: threading.Thread | None = None
        self._closing = False
        self._sender = threading.Thread(target=self._send_all, name="worker-sender", daemon=True)
        self._sender.start()
        self._unregister = _close_at_exit(self)

    @property
    def pid(self) -> int | None:
        """Return the worker's process number, None while there is none."""
        process = self._process
        return process.pid if process is not None else None

    def send(self, message: Request | Cancel) -> None:
        """Queue a request or a cancellation; returns at once."""
        if not isinstance(message, Cancel):
            with self._lock:
                self._open[message.job] = message
        self._outbox.put(message)

    def end_worker(self) -> None:
        """End a worker that does not answer; what it was doing fails, what waited goes to another."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the worker and wait for it."""
        if self._closing:
            return
        self._closing = True
        self._unregister()
        self._outbox.put(None)
        self._sender.join(_CLOSE_S)
        process, connection, reader = self._process, self._connection, self._reader
        if process is None or connection is None or reader is None:
            return
        with contextlib.suppress(OSError):
            connection.send(None)
        reader.join(_CLOSE_S)
        if reader.is_alive():
            process.kill()
            reader.join()

    def _send_all(self) -> None:
        while (message := self._outbox.get()) is not None:
            if isinstance(message, Cancel) and self._connection is None:
                continue  # its worker is gone, and with it the request
            try:
                self._connected().send(message)
            except (OSError, ValueError, RuntimeError) as error:
                # The worker died in between. Its reader reports the open requests; one that came
                # after that is reported here.
                if not isinstance(message, Cancel):
                    self._give_up(
                        tr("The worker could not be reached ({error}).").format(error=error)
                    )

    def _connected(self) -> Connection:
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(
                target=run_worker,
                args=(theirs, self._tasks, str(self.log_path)),
                name="maskwright-worker",
            )
            process.start()
            theirs.close()
            self._process, self._connection = process, ours
            self._reader = threading.Thread(
                target=self._read_all, args=(process, ours), name="worker-reader", daemon=True
            )
            self._reader.start()
        return self._connection

    def _read_all(self, process: BaseProcess, connection: Connection) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                report: Report = connection.recv()
                self._note(report)
                if not self._closing:
                    self._on_report(report)
        process.join()  # only here: two threads that wait for one process both miss its exit code
        with self._lock:
            if self._connection is connection:
                self._process, self._connection = None, None
        connection.close()
        if not self._closing:
            self._give_up(_death(process.exitcode))

    def _note(self, report: Report) -> None:
        with self._lock:
            if isinstance(report, Started):
                self._running = report.job
            elif isinstance(report, Result | Failed):
                self._running = None
                self._open.pop(report.job, None)

    def _give_up(self, reason: str) -> None:
        """Fail the request that was running, send the others again; all fail if none ever began."""
        with self._lock:
            running, self._running = self._running, None
            lost = list(self._open) if running is None else [running]
            for job in lost:
                self._open.pop(job, None)
            waiting = list(self._open.values())
        details = read_log_end(self.log_path)
        for job in lost:
            self._on_report(Failed(job, "crashed", reason, _REMEDY, details))
        for request in waiting:
            self._outbox.put(request)


def _death(code: int | None) -> str:
    if code == -signal.SIGKILL if hasattr(signal, "SIGKILL") else False:
        return tr("The worker was killed, most often because memory ran out.")
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return tr("The worker was ended by {name}.").format(name=signal.Signals(-code).name)
    return tr("The worker ended unexpectedly with code {code}.").format(code=code)


def _close_at_exit(link: WorkerLink) -> Callable[[], None]:
    """Close a forgotten link before multiprocessing waits for its process for ever."""
    reference = weakref.ref(link)

    def close() -> None:
        if (alive := reference()) is not None:
            alive.close()

    atexit.register(close)
    return lambda: atexit.unregister(close)
