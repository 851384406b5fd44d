"""Let a model suggest labels, for one image or a folder overnight; accepting and rejecting is done on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.jobs.client import JobsClient, RunsWatcher
from studio.jobs.messages import Failed, Progress
from studio.jobs.suggest_run import SuggestRun, progress_text
from studio.jobs.suggestions import SuggestionCount
from studio.language import ntr, tr, tr_engine
from studio.model.auto_annotation import AutoAnnotation
from studio.model.project import Project
from studio.panels.predict.choices import SuggestChoices
from studio.storage.unfinished_batch import forget_unfinished, read_unfinished
from studio.theme import tokens
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow
from studio.widgets.text_label import TextLabel

_WIDTH = 680  # wider lists and buttons are only farther to go


class PredictPanel(QWidget):
    """Runs a model on images; its objects become suggestions.

    Signals:
        review_asked(int): The person wants to see the suggestions of this image.

    Args:
        project: Gives the images and gets the suggestions.
        jobs: Runs the model.
        watcher: Tells which models there are.
        current_image: Returns the id of the image on the canvas, None without one.
        listed: Returns the ids of the image list as it is filtered.
    """

    review_asked = Signal(int)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        watcher: RunsWatcher,
        current_image: Callable[[], int | None] = lambda: None,
        listed: Callable[[], Sequence[int]] = tuple,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs = project, jobs
        self._run: SuggestRun | None = None
        self._first: int | None = None
        self.choices = SuggestChoices(project, jobs, current_image, listed)
        self.run_button = TextButton(tr("Suggest labels"), "primary", "predict")
        self.run_button.clicked.connect(self.run)
        self.pause_button = TextButton(tr("Pause"), "normal", "pause")
        self.pause_button.setToolTip(tr("Stops after the present image; it goes on where it stood"))
        self.pause_button.clicked.connect(self._on_pause)
        self.review_button = TextButton(tr("Review them"), "normal", "next")
        self.review_button.clicked.connect(self._on_review)
        self.progress = ProgressRow(tr("Predicting"))
        self.progress.cancelled.connect(self._on_cancelled)
        self.banner = MessageBanner()
        self.outcome = TextLabel("", "secondary", wrap=True)
        self._lay_out()
        self.choices.changed.connect(self._offer)
        watcher.runs_changed.connect(self.choices.show_runs)
        self.choices.show_runs(watcher.runs)
        self._offer()
        self._offer_unfinished()

    def show_model(self, path: Path) -> None:
        """Choose a model."""
        self.choices.picker.set_path(path)

    def run(self) -> None:
        """Run the chosen model on the chosen images."""
        batch = self.choices.batch()
        if batch is not None:
            self.choices.keep_words()
            self._start(batch)

    def stop(self) -> None:
        """Leave off because the project closes; what is left of the batch is offered when it opens again."""
        if self._run is not None:
            self._run.leave()
            self._run = None

    def _start(self, batch: AutoAnnotation) -> None:
        if self._run is not None:
            return
        self.banner.hide()
        self.outcome.hide()
        self.review_button.hide()
        self._first = None
        self._run = run = SuggestRun(self._project, self._jobs, batch, self)
        run.progressed.connect(self._on_progressed)
        run.paused.connect(self._on_paused)
        run.finished.connect(self._on_finished)
        run.failed.connect(self._on_failed)
        self.progress.start(tr("Starting"))
        self._offer()

    def _offer_unfinished(self) -> None:
        """Offer to go on with a batch that a crash or a closed window interrupted."""
        batch = read_unfinished(self._project.folder)
        if batch is None or self._project.read_only:
            return
        text = ntr(
            "{left:,} of {total:,} images is left of suggestions that were interrupted.",
            "{left:,} of {total:,} images are left of suggestions that were interrupted.",
            len(batch.image_ids),
        )
        self.banner.show_message(
            text.format(left=len(batch.image_ids), total=batch.total),
            tr("Go on where they stopped, or begin something else."),
            tone="info",
            action_text=tr("Go on"),
            action=lambda: self._go_on_with(batch),
        )

    def _go_on_with(self, batch: AutoAnnotation) -> None:
        known = set(self._project.image_ids())
        left = batch.without({i for i in batch.image_ids if i not in known})
        if left.image_ids:
            self._start(left)
        else:
            forget_unfinished(self._project.folder)

    def _on_progressed(self, progress: Progress) -> None:
        self.progress.set_progress(progress.done, progress.total)
        self.progress.set_title(progress_text(progress))

    def _on_pause(self) -> None:
        if self._run is None:
            return
        if self._run.is_paused:
            self._run.go_on()
            self.progress.set_title(tr("Starting"))
        else:
            self._run.pause()
            self.progress.set_title(tr("Pausing after this image"))
        self._offer()

    def _on_paused(self) -> None:
        if self._run is not None:
            left = self._run.left
            said = ntr("Paused: {left:,} image is left", "Paused: {left:,} images are left", left)
            self.progress.set_title(said.format(left=left))

    def _on_finished(self, count: SuggestionCount) -> None:
        self.outcome.setText(count.sentence())
        self.outcome.show()
        self._first = count.with_shapes[0] if count.with_shapes else None
        self.review_button.setVisible(self._first is not None)
        if count.problems:
            first = count.problems[0]
            details = tr_engine("\n".join(count.problems))
            self.banner.show_message(first, tone="warning", details=details)
        self._end()

    def _on_failed(self, failed: Failed) -> None:
        self._end()
        batch = read_unfinished(self._project.folder)
        self.banner.show_message(
            failed.message,
            failed.remedy,
            details=failed.details,
            action_text=tr("Go on") if batch is not None else "",
            action=None if batch is None else lambda: self._go_on_with(batch),
        )

    def _end(self) -> None:
        if self._run is not None:
            self._run.deleteLater()
        self._run = None
        self.choices.refresh()

    def _on_cancelled(self) -> None:
        if self._run is not None:
            self._run.cancel()

    def _on_review(self) -> None:
        if self._first is not None:
            self.review_asked.emit(self._first)

    def _offer(self) -> None:
        run = self._run
        self.run_button.setEnabled(self.choices.is_complete() and run is None)
        self.run_button.setVisible(run is None)
        self.progress.setVisible(run is not None)
        self.pause_button.setVisible(run is not None)
        is_paused = run is not None and run.is_paused
        self.pause_button.setText(tr("Go on") if is_paused else tr("Pause"))
        self.choices.setEnabled(run is None)

    def _lay_out(self) -> None:
        working = QHBoxLayout()
        working.setSpacing(tokens.SPACE_S)
        working.addWidget(self.progress, 1)
        working.addWidget(self.pause_button)
        content = QWidget()
        content.setMaximumWidth(_WIDTH)
        place = QHBoxLayout(self)
        place.setContentsMargins(0, 0, 0, 0)
        place.addWidget(content, 1)
        place.addStretch()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(TextLabel(tr("Suggest labels"), "title"))
        hint = tr("What the model finds appears as dashed shapes to accept or reject.")
        layout.addWidget(TextLabel(hint, "secondary", wrap=True))
        layout.addWidget(self.choices)
        layout.addWidget(self.banner)
        layout.addLayout(working)
        for widget in (self.run_button, self.outcome, self.review_button):
            layout.addWidget(widget)
        layout.addStretch()
        self.outcome.hide()
        self.review_button.hide()

    def showEvent(self, event: QShowEvent) -> None:
        """Count the images again: they may have been labelled on another page."""
        super().showEvent(event)
        if self._run is None:
            self.choices.refresh()
