"""A batch of suggestions: what models find on images of the project becomes suggestions as it arrives.

It can be paused, and what is left of it is noted on the disk: after a crash it goes on where it stood.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from engine.data.annotations import Box, OrientedBox
from engine.runtime.errors import EngineError
from studio.jobs.client import Job, JobsClient
from studio.jobs.messages import DrawnBox, Failed, Predicted, Progress
from studio.jobs.suggestions import SuggestionCount, SuggestionSink
from studio.language import ntr
from studio.model.auto_annotation import AutoAnnotation
from studio.model.project import Project
from studio.storage.unfinished_batch import forget_unfinished, keep_unfinished

_NOTE_S = 5.0  # how much work may be done twice after a crash
_FLUSH_MS = (
    400  # one transaction for all images of that time: the disk is asked twice a second at most
)


class SuggestRun(QObject):
    """Runs until its images are done; what has arrived when it is cancelled stays.

    Signals:
        progressed(object): A :class:`Progress`.
        paused(): It has stopped until :meth:`go_on`.
        finished(object): A :class:`SuggestionCount`, also after a cancellation.
        failed(object): A :class:`Failed`; suggestions that had arrived are kept.

    Args:
        project: Gets the suggestions.
        jobs: Runs the model.
        batch: What to do; its images are still to be looked at.
    """

    progressed = Signal(object)
    paused = Signal()
    finished = Signal(object)
    failed = Signal(object)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        batch: AutoAnnotation,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs = project, jobs
        self._batch = replace(batch, total=max(batch.total, len(batch.image_ids)))
        self._sink = SuggestionSink(project, batch)
        self._timer = QTimer(self)
        self._timer.setInterval(_FLUSH_MS)
        self._timer.timeout.connect(self._flush)
        self._job: Job | None = None
        self._noted = 0.0
        self.is_paused = False
        self._note()
        self._start()

    @property
    def count(self) -> SuggestionCount:
        """Return how far it has come."""
        return self._sink.count

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._job is not None or self.is_paused

    @property
    def left(self) -> int:
        """How many images are still to be looked at."""
        return len(self._batch.image_ids)

    def cancel(self) -> None:
        """Stop after the present image."""
        if self._job is not None:
            self.is_paused = False
            self._job.cancel()
        elif self.is_paused:
            self.is_paused = False
            self._finish()

    def pause(self) -> None:
        """Stop after the present image, until :meth:`go_on`."""
        if self._job is not None and not self.is_paused:
            self.is_paused = True
            self._job.cancel()

    def go_on(self) -> None:
        """Look at what is left."""
        if self.is_paused and self._job is None:
            self.is_paused = False
            self._start()

    def leave(self) -> None:
        """Stop because the project closes; what is left stays noted."""
        job, self._job = self._job, None
        self.is_paused = False
        self._timer.stop()
        self._flush()
        self._note()
        if job is not None:
            job.cancel()

    def _start(self) -> None:
        batch = self._batch
        records = self._project.images(batch.image_ids)
        if batch.model:
            images = [(record.id, record.path) for record in records]
            job = self._jobs.predict(
                Path(batch.model),
                images,
                batch.arguments,
                batch.segmenter,
                batch.phrases,
                batch.examples,
            )
        else:
            boxed = [(record.id, record.path, self._boxes(record.id)) for record in records]
            job = self._jobs.outline(batch.segmenter, boxed)
        self._job = job
        job.predicted.connect(self._on_predicted)
        job.progressed.connect(self._on_progress)
        job.finished.connect(lambda _done: self._end(None))
        job.failed.connect(self._end)
        self._timer.start()

    def _boxes(self, image_id: int) -> tuple[DrawnBox, ...]:
        names = {cls.id: cls.name for cls in self._project.classes()}
        return tuple(
            DrawnBox(shape.class_id, names[shape.class_id], shape.geometry.bounds())
            for shape in self._project.shapes(image_id)
            if isinstance(shape.geometry, Box | OrientedBox)
        )

    def _on_progress(self, progress: Progress) -> None:
        if progress.total:  # of this job, which may be the rest of a batch
            done = self._batch.total - progress.total + progress.done
            progress = replace(progress, done=done, total=self._batch.total)
        self.progressed.emit(progress)

    def _on_predicted(self, predicted: Predicted) -> None:
        if self._job is None:
            return
        try:
            self._sink.take(predicted)
        except EngineError as error:
            self._give_up(error)

    def _flush(self) -> None:
        try:
            self._batch = self._batch.without(self._sink.flush())
        except EngineError as error:
            self._give_up(error)
            return
        if time.monotonic() - self._noted > _NOTE_S:
            self._note()

    def _note(self) -> None:
        self._noted = time.monotonic()
        if self._batch.total > 1:  # one image is done before anybody could go on with it
            keep_unfinished(self._project.folder, self._batch)

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
        if failed is None or (failed.kind == "cancelled" and not self.is_paused):
            self._finish()
        elif self.is_paused:
            self._note()
            self.paused.emit()
        else:
            self._note()  # what is left can be gone on with
            self.failed.emit(failed)

    def _finish(self) -> None:
        if self._batch.total > 1:
            forget_unfinished(self._project.folder)
        self.finished.emit(self.count)


def progress_text(progress: Progress) -> str:
    """Return a progress as words for a row: what is done, how far."""
    if not progress.done:
        return progress.text
    said = ntr(
        "{text}: {done:,} of {total:,} image",
        "{text}: {done:,} of {total:,} images",
        progress.total,
    )
    return said.format(text=progress.text, done=progress.done, total=progress.total)
