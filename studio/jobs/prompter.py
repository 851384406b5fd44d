"""The smart tool's segmenter: answers come from a worker process of its own, so that a click never waits for a long job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import Encoded, Failed, Progress, Segmented
from studio.language import tr, tr_engine
from studio.tools.prompting import Answer, Prompts, Readiness

QUICK_S = 0.2  # an outline that follows the cursor later than this is in the way


class WorkerPrompter(QObject):
    """Keeps one question on its way and one waiting; an older one that waits is dropped.

    Beside them one image that may come next is looked at; the worker answers questions in the middle of that.

    Signals:
        changed(): There is an answer, or the readiness is another one.

    Attributes:
        readiness: Whether it can answer about the present image.
        reason: Why not, or what it is doing.
        title: What the segmenter is, empty until it is known.
        is_quick: Answers come fast enough to follow the cursor.

    Args:
        jobs: Makes the client; called when the first image is given, since the process behind it takes memory.
        model: Returns the segmenter's name, at each question.
        parent: Qt parent.
    """

    changed = Signal()

    def __init__(
        self,
        jobs: Callable[[], JobsClient],
        model: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._make, self._model = jobs, model
        self._jobs: JobsClient | None = None
        self._image: Path | None = None
        self._answer: Answer | None = None
        self._waiting: Prompts | None = None
        self._running: Job | None = None
        self._ahead: list[Path] = []
        self._looking_ahead: Job | None = None
        self.readiness, self.reason, self.title = Readiness.OFF, "", ""
        self.is_quick = True

    def set_image(self, image: Path | None, ahead: Sequence[Path] = ()) -> None:
        """Answer about another image from now on, and look at the ones that may come next while there is time."""
        looking = self._looking_ahead
        if looking is not None and looking.property("image") != str(image):
            looking.cancel()
        self._ahead = [path for path in ahead if path != image]
        if image == self._image and self.readiness is not Readiness.FAILED:
            return
        self._image, self._answer, self._waiting = image, None, None
        if image is None:
            self._become(Readiness.OFF)
            return
        self._become(Readiness.STARTING, tr("Looking at the picture …"))
        self._go_on()

    def ask(self, prompts: Prompts) -> None:
        """Want an answer about the present image."""
        if self._image is not None and prompts and self.readiness is not Readiness.FAILED:
            self._waiting = prompts
            self._go_on()

    @property
    def model(self) -> str:
        """What shapes keep of who outlined them: the segmenter's name."""
        return Path(self._model()).name

    @property
    def worker_pid(self) -> int | None:
        """Return the number of the segmenter's process, None while none runs."""
        return None if self._jobs is None else self._jobs.worker_pid

    def retry(self) -> None:
        """Look at the image again after a failure."""
        if self.readiness is Readiness.FAILED and self._image is not None:
            self._become(Readiness.STARTING, tr("Looking at the picture …"))
            self._go_on()

    def answer(self) -> Answer | None:
        """Return the newest answer."""
        return self._answer

    def is_busy(self) -> bool:
        """Tell whether a question about the present image is open."""
        return (
            self.readiness is Readiness.STARTING
            or self._waiting is not None
            or (self._running is not None and self._running.property("image") == str(self._image))
        )

    def close(self) -> None:
        """End the worker."""
        self._image = self._waiting = None
        self._ahead = []
        if self._jobs is not None:
            self._jobs.close()

    # -- one after another

    def _go_on(self) -> None:
        """Start what is wanted most, where nothing is on its way."""
        image = self._image
        if self._running is not None or image is None:
            return
        if self.readiness is Readiness.STARTING:
            self._start(self._client().encode(self._model(), image), image, self._on_encoded)
        elif self._waiting is not None:
            prompts, self._waiting = self._waiting, None
            job = self._client().segment(self._model(), image, prompts)
            self._start(job, image, lambda found: self._on_segmented(prompts, found))
        elif self._ahead and self._looking_ahead is None and self.readiness is Readiness.READY:
            self._look_ahead(self._ahead.pop(0))

    def _look_ahead(self, image: Path) -> None:
        job = self._looking_ahead = self._client().encode(self._model(), image, ahead=True)
        job.setProperty("image", str(image))
        job.ended.connect(self._on_looked_ahead)

    def _on_looked_ahead(self) -> None:
        self._looking_ahead = None
        self._go_on()

    def _start(self, job: Job, image: Path, done: Callable[..., None]) -> None:
        self._running = job
        job.setProperty("image", str(image))
        job.progressed.connect(lambda progress: self._on_progress(image, progress))
        job.finished.connect(lambda value: done(value) if image == self._image else None)
        job.failed.connect(lambda failed: self._on_failed(image, failed))
        job.ended.connect(self._on_ended)

    def _on_ended(self) -> None:
        self._running = None
        self._go_on()

    def _on_progress(self, image: Path, progress: Progress) -> None:
        if image == self._image and self.readiness is Readiness.STARTING:
            self._become(Readiness.STARTING, f"{progress.text} …")

    def _on_encoded(self, encoded: Encoded) -> None:
        self.title = encoded.title
        self._become(Readiness.READY)

    def _on_segmented(self, prompts: Prompts, found: Segmented) -> None:
        self._answer = Answer(prompts, found.candidates)
        self.is_quick = found.seconds <= QUICK_S
        self._become(Readiness.READY)

    def _on_failed(self, image: Path, failed: Failed) -> None:
        if image == self._image and failed.kind != "cancelled":
            self._waiting = None
            self._become(Readiness.FAILED, tr_engine(f"{failed.message} {failed.remedy}".strip()))

    def _become(self, readiness: Readiness, reason: str = "") -> None:
        self.readiness, self.reason = readiness, reason
        self.changed.emit()

    def _client(self) -> JobsClient:
        if self._jobs is None:
            self._jobs = self._make()
        return self._jobs
