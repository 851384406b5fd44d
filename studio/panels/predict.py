"""Let a model suggest labels: which model, which images, how sure; the rest is done on the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from engine.cfg.schema import arguments_for, by_name
from studio.jobs.client import JobsClient, RunsWatcher
from studio.jobs.messages import Failed, Progress
from studio.jobs.suggest_run import SuggestRun, progress_text
from studio.jobs.suggestions import SuggestionCount
from studio.language import tr
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.model.runs import RunSnapshot, read_args
from studio.theme import tokens
from studio.widgets.form import Form
from studio.widgets.form_fields import argument_fields
from studio.widgets.form_row import FormRow
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.model_picker import ModelPicker
from studio.widgets.progress_row import ProgressRow
from studio.widgets.text_label import TextLabel

_ASKED = ("iou", "max_det", "imgsz", "device", "agnostic_nms", "half", "retina_masks")
_LABEL_WIDTH = 112
_CURRENT, _UNLABELLED, _ALL = "current", "unlabelled", "all"
_UNLABELLED_FILTER = ImageFilter(statuses=frozenset({"unlabelled"}))


class PredictPanel(QWidget):
    """Runs a model on images; its objects become suggestions.

    Signals:
        review_asked(int): The person wants to see the suggestions of this image.

    Args:
        project: Gives the images and gets the suggestions.
        jobs: Runs the model.
        watcher: Tells which models there are.
        current_image: Returns the id of the image on the canvas, None without one.
    """

    review_asked = Signal(int)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        watcher: RunsWatcher,
        current_image: Callable[[], int | None] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._jobs = jobs
        self._current_image = current_image
        self._run: SuggestRun | None = None
        self._first: int | None = None
        self.picker = ModelPicker()
        self.picker.chosen.connect(self._on_model)
        self.images = QComboBox()
        self.images.setAccessibleName(tr("Images"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(1, 99)
        self.slider.setValue(round(100 * by_name["conf"].default_for("predict")))
        self.slider.valueChanged.connect(self._show_confidence)
        self._confidence = TextLabel("")
        arguments = [a for a in arguments_for("predict", project.task) if a.name in _ASKED]
        self.form = Form(argument_fields(arguments, "predict"), ())
        self.run_button = TextButton(tr("Suggest labels"), "primary", "predict")
        self.run_button.clicked.connect(self.run)
        self.review_button = TextButton(tr("Review them"), "normal", "next")
        self.review_button.clicked.connect(self._on_review)
        self.progress = ProgressRow(tr("Predicting"))
        self.progress.cancelled.connect(self._on_cancelled)
        self.banner = MessageBanner()
        self._outcome = TextLabel("", "secondary", wrap=True)
        self._lay_out()
        self._show_confidence()
        self.form.changed.connect(self._offer)
        watcher.runs_changed.connect(self._on_runs)
        self._on_runs(watcher.runs)
        self.refresh()

    def show_model(self, path: Path) -> None:
        """Choose a model."""
        self.picker.set_path(path)

    def run(self) -> None:
        """Run the chosen model on the chosen images."""
        model, image_ids = self.picker.path(), self._image_ids()
        if model is None or self._run is not None or not image_ids:
            return
        self.banner.hide()
        self._outcome.hide()
        self.review_button.hide()
        self._first = None
        self._run = SuggestRun(self._project, self._jobs, model, image_ids, self._arguments(), self)
        self._run.progressed.connect(self._on_progressed)
        self._run.finished.connect(self._on_finished)
        self._run.failed.connect(self._on_failed)
        self.progress.start(tr("Starting"))
        self._offer()

    def refresh(self) -> None:
        """Count the images again."""
        chosen = self.images.currentData()
        self.images.clear()
        unlabelled = self._project.count_images(_UNLABELLED_FILTER)
        everything = self._project.count_images()
        self.images.addItem(
            tr("Unlabelled images · {unlabelled:,}").format(unlabelled=unlabelled), _UNLABELLED
        )
        if self._current_image() is not None:
            self.images.addItem(tr("This image"), _CURRENT)
        self.images.addItem(tr("All images · {everything:,}").format(everything=everything), _ALL)
        index = self.images.findData(chosen)
        self.images.setCurrentIndex(max(0, index))
        self._offer()

    def _image_ids(self) -> Sequence[int]:
        kind = self.images.currentData()
        if kind == _CURRENT:
            current = self._current_image()
            return [] if current is None else [current]
        return self._project.image_ids(_UNLABELLED_FILTER if kind == _UNLABELLED else ImageFilter())

    def _arguments(self) -> dict[str, Any]:
        return {**self.form.values.changes(), "conf": self.slider.value() / 100}

    def _on_model(self, path: Path | None) -> None:
        """Predict at the size that the model was trained at unless told otherwise."""
        if path is not None and "imgsz" in self.form.values.fields:
            trained = read_args(path.parent.parent).get("imgsz")
            usual = by_name["imgsz"].default_for("predict")
            self.form.values.set_default("imgsz", usual if trained is None else trained)
        self._offer()

    def _on_runs(self, runs: Sequence[RunSnapshot]) -> None:
        self.picker.show_runs(runs)
        self._offer()

    def _on_progressed(self, progress: Progress) -> None:
        self.progress.set_progress(progress.done, progress.total)
        self.progress.set_title(progress_text(progress))

    def _on_finished(self, count: SuggestionCount) -> None:
        self._outcome.setText(count.sentence())
        self._outcome.show()
        self._first = count.with_shapes[0] if count.with_shapes else None
        self.review_button.setVisible(self._first is not None)
        if count.problems:
            first = count.problems[0]
            self.banner.show_message(first, tone="warning", details="\n".join(count.problems))
        self._end()

    def _on_failed(self, failed: Failed) -> None:
        self.banner.show_message(failed.message, failed.remedy, details=failed.details)
        self._end()

    def _end(self) -> None:
        if self._run is not None:
            self._run.deleteLater()
        self._run = None
        self.refresh()

    def _on_cancelled(self) -> None:
        if self._run is not None:
            self._run.cancel()

    def _on_review(self) -> None:
        if self._first is not None:
            self.review_asked.emit(self._first)

    def _offer(self) -> None:
        running = self._run is not None
        ready = self.picker.path() is not None and not self.form.values.errors()
        self.run_button.setEnabled(ready and self.images.count() > 0 and not running)
        self.run_button.setVisible(not running)
        self.progress.setVisible(running)

    def _show_confidence(self) -> None:
        self._confidence.setText(f"{self.slider.value() / 100:.2f}")

    def _lay_out(self) -> None:
        sure = QWidget()
        line = QHBoxLayout(sure)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(self.slider, 1)
        line.addWidget(self._confidence)
        tip = by_name["conf"].help
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(TextLabel(tr("Suggest labels"), "title"))
        layout.addWidget(
            TextLabel(
                tr("What the model finds appears as dashed shapes to accept or reject."),
                "secondary",
                wrap=True,
            )
        )
        for label, control in (
            (tr("Model"), self.picker),
            (tr("Images"), self.images),
            (tr("Confidence"), sure),
        ):
            row = FormRow(label, control, label_width=_LABEL_WIDTH)
            row.setToolTip(tip if label == "Confidence" else "")
            layout.addWidget(row)
        for widget in (self.form, self.banner, self.progress, self.run_button):
            layout.addWidget(widget)
        layout.addWidget(self._outcome)
        layout.addWidget(self.review_button)
        layout.addStretch()
        self._outcome.hide()
        self.review_button.hide()

    def showEvent(self, event: QShowEvent) -> None:
        """Count the images again: they may have been labelled on another page."""
        super().showEvent(event)
        if self._run is None:
            self.refresh()
