"""The only bridge between Qt and the work in other processes.

:class:`JobsClient` is what panels get: it runs requests in the lasting worker, short blocking calls in a
thread, starts trainings and watches run directories. No call of it blocks.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from engine.runtime.errors import EngineError
from studio.jobs.link import TASKS, WorkerLink
from studio.jobs.messages import (
    Cancel,
    DrawnBox,
    Encode,
    Export,
    Failed,
    Followed,
    Inspect,
    MarkedShape,
    Outline,
    Predict,
    Predicted,
    Progress,
    Report,
    Request,
    Result,
    Segment,
    Started,
    Survey,
    Track,
    TrackMethod,
    Validate,
    Weigh,
)
from studio.jobs.watch import RunsWatch
from studio.jobs.worker import describe
from studio.language import tr
from studio.model.auto_annotation import Examples
from studio.model.run_facts import History
from studio.model.runs import RunSnapshot
from studio.tools.prompting import Prompts

LOGGER = logging.getLogger(__name__)
_CANCEL_PATIENCE_MS = 8000


class Job(QObject):
    """One request on its way.

    Signals:
        started(): The worker has begun.
        progressed(object): A :class:`Progress`.
        predicted(object): A :class:`Predicted` or :class:`Followed`, one image's objects.
        finished(object): The result's value.
        failed(object): A :class:`Failed`; its kind is ``cancelled`` after :meth:`cancel`.
        ended(): After ``finished`` or ``failed``.
    """

    started = Signal()
    progressed = Signal(object)
    predicted = Signal(object)
    finished = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, number: int, client: JobsClient, *, in_worker: bool = True) -> None:
        super().__init__(client)
        self.number = number
        self.in_worker = in_worker
        self.is_running = True
        self.is_cancelled = False
        self._client = client

    def cancel(self) -> None:
        """Give the request up; the worker is ended if it does not answer within seconds."""
        if self.is_running and not self.is_cancelled:
            self.is_cancelled = True
            self._client.cancel(self)

    def take(self, report: Report) -> None:
        """Turn a report into the fitting signal."""
        if isinstance(report, Started):
            self.started.emit()
        elif isinstance(report, Progress):
            self.progressed.emit(report)
        elif isinstance(report, Predicted | Followed):
            self.predicted.emit(report)
        else:
            self._end(report)

    def _end(self, report: Result | Failed) -> None:
        self.is_running = False
        if isinstance(report, Result):
            self.finished.emit(report.value)
        elif self.is_cancelled:
            self.failed.emit(Failed(report.job, "cancelled", tr("Cancelled.")))
        else:
            LOGGER.warning("job %d: %s\n%s", report.job, report.message, report.details)
            self.failed.emit(report)
        self.ended.emit()


class Steps:
    """What a function in a thread may do besides its work: report, and ask whether to go on."""

    def __init__(self, report: Callable[[int, int, str], None], job: Job) -> None:
        self._report = report
        self._job = job

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Report how far the work is."""
        self._report(done, total, text)

    def is_cancelled(self) -> bool:
        """Whether the person has given the work up."""
        return self._job.is_cancelled


class RunsWatcher(QObject):
    """Tells of the runs of a project as they change, and of one run closely.

    Signals:
        runs_changed(object): List of :class:`RunSnapshot`, newest first.
        followed_changed(object, object): The followed run's :class:`RunSnapshot` and :class:`History`.

    Attributes:
        runs: What ``runs_changed`` told last, for a panel that is made later.

    Args:
        parent: Qt parent.
        interval_s: Pause between two looks.
    """

    runs_changed = Signal(object)
    followed_changed = Signal(object, object)
    _runs_arrived = Signal(object, object)
    _followed_arrived = Signal(object, object)

    def __init__(self, parent: QObject | None = None, interval_s: float = 0.4) -> None:
        super().__init__(parent)
        self.runs: list[RunSnapshot] = []
        self._folder: Path | None = None
        self._followed: Path | None = None
        # Told by the watch's thread, received in ours: first here, so that `runs` is never behind a signal.
        queued = Qt.ConnectionType.QueuedConnection
        self._runs_arrived.connect(self._on_runs_arrived, queued)
        self._followed_arrived.connect(self._on_followed_arrived, queued)
        self._watch = RunsWatch(
            self._runs_arrived.emit, self._followed_arrived.emit, interval_s=interval_s
        )

    def follow(self, run: Path | None) -> None:
        """Follow one run's events closely, or none."""
        self._followed = run
        self._watch.follow(run)

    def refresh(self) -> None:
        """Look now."""
        self._watch.refresh()

    def close(self) -> None:
        """End the thread."""
        self._watch.close()

    def set_folder(self, runs_dir: Path | None) -> None:
        """Watch the runs of another folder, or none."""
        self.runs, self._folder, self._followed = [], runs_dir, None
        self._watch.set_folder(runs_dir)

    def _on_runs_arrived(self, folder: Path, runs: list[RunSnapshot]) -> None:
        if folder == self._folder:
            self.runs = runs
            self.runs_changed.emit(runs)

    def _on_followed_arrived(self, run: RunSnapshot, history: History) -> None:
        if run.folder == self._followed:
            self.followed_changed.emit(run, history)


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How many requests are open, for the status bar."""

    open_jobs: int
    pid: int | None


class JobsClient(QObject):
    """Runs requests in the lasting worker process.

    Signals:
        state_changed(object): A :class:`WorkerState`.

    Args:
        parent: Qt parent.
        tasks: Module that does the work in the worker; tests give another.
        log_path: File for what the worker prints.
    """

    state_changed = Signal(object)
    _arrived = Signal(object)

    def __init__(
        self,
        parent: QObject | None = None,
        tasks: str = TASKS,
        log_path: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self._numbers = itertools.count(1)
        self._jobs: dict[int, Job] = {}
        self._closing = False
        # Emitted by the link's thread, received in ours: Qt queues it.
        self._arrived.connect(self._on_report, Qt.ConnectionType.QueuedConnection)
        self._link = WorkerLink(self._arrived.emit, tasks, log_path)

    @property
    def worker_pid(self) -> int | None:
        """Return the worker's process number, None while none runs."""
        return self._link.pid

    def predict(
        self,
        model: Path,
        images: Sequence[tuple[int, Path]],
        arguments: Mapping[str, Any],
        segmenter: str = "",
        phrases: Sequence[str] = (),
        examples: Examples | None = None,
    ) -> Job:
        """Run a model on ``(key, path)`` images; each comes back through ``predicted``."""
        pairs = tuple((key, str(path)) for key, path in images)
        given = dict(arguments), segmenter, tuple(phrases), examples
        return self._submit(lambda n: Predict(n, str(model), pairs, *given))

    def outline(
        self, segmenter: str, images: Sequence[tuple[int, Path, tuple[DrawnBox, ...]]]
    ) -> Job:
        """Outline what is in drawn boxes; each image comes back through ``predicted``."""
        rows = tuple((key, str(path), boxes) for key, path, boxes in images)
        return self._submit(lambda n: Outline(n, segmenter, rows))

    def survey(
        self,
        model: Path,
        images: Sequence[tuple[int, Path]],
        covered: Sequence[tuple[int, Path]],
        count: int,
        diversity: float,
        arguments: Mapping[str, Any],
    ) -> Job:
        """Choose, of ``(key, path)`` images, those worth labelling next; labelled ones are ``covered``."""
        pairs = tuple((key, str(path)) for key, path in images)
        known = tuple((key, str(path)) for key, path in covered)
        return self._submit(
            lambda n: Survey(n, str(model), pairs, known, count, diversity, dict(arguments))
        )

    def validate(self, model: Path, data: Path, folder: Path, arguments: Mapping[str, Any]) -> Job:
        """Validate a model on a data set and write the result into ``folder``."""
        return self._submit(
            lambda n: Validate(n, str(model), str(data), str(folder), dict(arguments))
        )

    def export(
        self, model: Path, target: str, image: Path | None, arguments: Mapping[str, Any]
    ) -> Job:
        """Write a model in another format and compare the two on an image."""
        picture = str(image) if image is not None else None
        return self._submit(lambda n: Export(n, str(model), target, picture, dict(arguments)))

    def inspect(self, model: Path, classes: int | None = None) -> Job:
        """Look into a model file; with ``classes`` also at what a training with so many would keep of it."""
        return self._submit(lambda n: Inspect(n, str(model), classes))

    def weigh(self, model: str, classes: int, imgsz: int, device: str) -> Job:
        """Measure what training an open-vocabulary model costs here."""
        return self._submit(lambda n: Weigh(n, model, classes, imgsz, device))

    def encode(self, model: str, image: Path, ahead: bool = False) -> Job:
        """Let a segmenter look at an image, or only at it ahead of time."""
        return self._submit(lambda n: Encode(n, model, str(image), ahead))

    def segment(self, model: str, image: Path, prompts: Prompts) -> Job:
        """Ask a segmenter for the object at some places of an image."""
        return self._submit(lambda n: Segment(n, model, str(image), prompts))

    def track(
        self,
        images: Sequence[tuple[int, Path]],
        shapes: Sequence[MarkedShape],
        method: TrackMethod = "motion",
        model: str = "",
        segmenter: str = "",
        arguments: Mapping[str, Any] | None = None,
    ) -> Job:
        """Follow shapes, marked on the first of ``(key, path)`` images, through the others; each comes back through ``predicted``."""
        pairs = tuple((key, str(path)) for key, path in images)
        given = method, model, segmenter, dict(arguments or {})
        return self._submit(lambda n: Track(n, pairs, tuple(shapes), *given))

    def call(self, function: Callable[[Steps], Any]) -> Job:
        """Run a blocking function of the window's own side (files, database) in a thread.

        Args:
            function: Gets a :class:`Steps` to report to; its return value is the result.
        """
        job = Job(next(self._numbers), self, in_worker=False)
        self._jobs[job.number] = job
        steps = Steps(lambda *values: self._arrived.emit(Progress(job.number, *values)), job)
        thread = threading.Thread(
            target=self._run, args=(job.number, function, steps), name="jobs-call", daemon=True
        )
        thread.start()
        return job

    def cancel(self, job: Job) -> None:
        """Ask the worker to give a request up, and end the worker if it does not."""
        if not job.in_worker:
            return  # its function asks
        self._link.send(Cancel(job.number))
        QTimer.singleShot(_CANCEL_PATIENCE_MS, job, lambda: self._end_if_running(job))

    def is_busy(self) -> bool:
        """Tell whether a request or a call is on its way."""
        return bool(self._jobs)

    def close(self) -> None:
        """End the worker; open requests are given up."""
        self._closing = True
        self._link.close()

    def _run(self, number: int, function: Callable[[Steps], Any], steps: Steps) -> None:
        try:
            report: Report = Result(number, function(steps))
        except EngineError as error:
            report = describe(number, error)
        except Exception as error:  # the thread's border: a failed call must reach the window
            LOGGER.exception("a call in the background failed")
            report = describe(number, error)
        if not self._closing:
            self._arrived.emit(report)

    def _submit(self, build: Callable[[int], Request]) -> Job:
        job = Job(next(self._numbers), self)
        self._jobs[job.number] = job
        self._link.send(build(job.number))
        self._tell_state()
        return job

    def _on_report(self, report: Report) -> None:
        job = self._jobs.get(report.job)
        if job is None:
            return
        if isinstance(report, Result | Failed):
            del self._jobs[report.job]
        job.take(report)
        if not job.is_running:
            job.deleteLater()
            self._tell_state()

    def _end_if_running(self, job: Job) -> None:
        if job.is_running:
            self._link.end_worker()

    def _tell_state(self) -> None:
        self.state_changed.emit(WorkerState(len(self._jobs), self.worker_pid))
