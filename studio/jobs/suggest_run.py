"""One prediction over images of the project whose objects become suggestions as they arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from engine.runtime.errors import EngineError
from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import Failed, Predicted, Progress
from studio.jobs.suggestions import SuggestionCount, SuggestionSink
from studio.language import tr
from studio.model.project import Project

_FLUSH_MS = (
    400  # one transaction for all images of that time: the disk is asked twice a second at most
)


class SuggestRun(QObject):
    """Runs until its images are done; what has arrived when it is cancelled stays.

    Signals:
        progressed(object): A :class:`Progress`.
        finished(object): A :class:`SuggestionCount`, also after a cancellation.
        failed(object): A :class:`Failed`; suggestions that had arrived are kept.

    Args:
        project: Gets the suggestions.
        jobs: Runs the model.
        model: Model file.
        image_ids: Images to look at, in their order.
        arguments: Engine arguments of prediction.
    """

    progressed = Signal(object)
    finished = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        model: Path,
        image_ids: Sequence[int],
        arguments: Mapping[str, Any],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._sink = SuggestionSink(project)
        self._timer = QTimer(self)
        self._timer.setInterval(_FLUSH_MS)
        self._timer.timeout.connect(self._flush)
        images = [(record.id, record.path) for record in project.images(image_ids)]
        job = jobs.predict(model, images, arguments)
        self._job: Job | None = job
        job.predicted.connect(self._on_predicted)
        job.progressed.connect(self.progressed)
        job.finished.connect(lambda _done: self._end(None))
        job.failed.connect(self._end)
        self._timer.start()

    @property
    def count(self) -> SuggestionCount:
        """Return how far it has come."""
        return self._sink.count

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._job is not None

    def cancel(self) -> None:
        """Stop after the present image."""
        if self._job is not None:
            self._job.cancel()

    def _on_predicted(self, predicted: Predicted) -> None:
        if self._job is None:
            return
        try:
            self._sink.take(predicted)
        except EngineError as error:
            self._give_up(error)

    def _flush(self) -> None:
        try:
            self._sink.flush()
        except EngineError as error:
            self._give_up(error)

    def _give_up(self, error: EngineError) -> None:
        """The project cannot be written: more predictions are of no use."""
        if self._job is None:
            return
        job = self._job
        self.cancel()
        self._job = None
        self._timer.stop()
        self.failed.emit(Failed(job.number, "disk", str(error), error.remedy or ""))

    def _end(self, failed: Failed | None) -> None:
        self._timer.stop()
        self._flush()
        if self._job is None:  # it was given up, which was told
            return
        self._job = None
        if failed is None or failed.kind == "cancelled":
            self.finished.emit(self.count)
        else:
            self.failed.emit(failed)


def progress_text(progress: Progress) -> str:
    """Return a progress as words for a row: what is done, how far."""
    if not progress.done:
        return progress.text
    return tr("{text}: {done:,} of {total:,} images").format(
        text=progress.text, done=progress.done, total=progress.total
    )
