"""The Models page: every model of the project as a card, and validating one of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices, QImage
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engine.runtime.paths import increment_path
from studio.jobs.client import Job, JobsClient, RunsWatcher
from studio.jobs.messages import Failed, Validated
from studio.model.project import Project
from studio.model.runs import RunSnapshot
from studio.panels.models.card import ModelCard, ModelFile
from studio.panels.models.gather import gather_models
from studio.storage.versions import list_versions
from studio.theme import tokens
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow
from studio.widgets.text_label import TextLabel

_EXTRA = "models.files"
_VALIDATIONS = "validations"


class ModelsPanel(QWidget):
    """Shows the models and says what the person wants to do with one.

    Signals:
        asked(str, object): ``predict``, ``export`` or ``train`` with the path of a model file.
        validation_asked(object, str): Folder with a ``validation.json`` to show, and its title.
        training_asked(): There is no model yet and the person wants to train one.

    Args:
        project: Its runs are shown.
        jobs: Reads files and validates.
        watcher: Tells when runs change.
    """

    asked = Signal(str, object)
    validation_asked = Signal(object, str)
    training_asked = Signal()

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        watcher: RunsWatcher,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._jobs = jobs
        self._runs: list[RunSnapshot] = []
        self._shown: object = None
        self._gathering: Job | None = None
        self._job: Job | None = None
        self.cards: list[ModelCard] = []
        self.all_files = QCheckBox("All files")
        self.all_files.setToolTip("Also the latest weights, single epochs and exported files")
        self.all_files.toggled.connect(lambda _on: self.refresh())
        self.add_button = TextButton("Add a model file", "normal", "add")
        self.add_button.clicked.connect(self._on_add)
        self.banner = MessageBanner()
        self.progress = ProgressRow("Validating")
        self.progress.cancelled.connect(self._on_cancelled)
        self.progress.hide()
        self._content = QWidget()
        self._flow = FlowLayout(self._content, tokens.SPACE_L)
        self._flow.setContentsMargins(0, 0, 0, tokens.SPACE_L)
        self._empty = EmptyState(
            "No model yet",
            "Every training leaves its best model here, with its picture and its figures.",
            (Step("Train one", self.training_asked.emit, "primary", "train"),),
            "models",
        )
        self._stack = QStackedWidget()
        self._lay_out()
        watcher.runs_changed.connect(self._on_runs)
        self._on_runs(watcher.runs)

    def refresh(self) -> None:
        """Look at the files again."""
        runs, everything = list(self._runs), self.all_files.isChecked()
        extra = [Path(name) for name in self._project.recall(_EXTRA, [])]
        job = self._jobs.call(lambda _steps: gather_models(runs, extra, everything=everything))
        self._gathering = job
        job.finished.connect(lambda found: self._on_gathered(job, found))

    def validate(self, model: ModelFile) -> None:
        """Validate a model on the newest dataset version, else on what it was trained with."""
        if self._job is not None:
            return
        versions = list_versions(self._project.versions_dir)
        args = model.run.args if model.run is not None else {}
        data = versions[-1].yaml if versions else args.get("data")
        if data is None:
            self.banner.show_message(
                "There is nothing to validate on.",
                "Train once: that freezes the labels as a dataset version.",
                tone="warning",
            )
            return
        self.banner.hide()
        arguments = {name: args[name] for name in ("imgsz", "device") if args.get(name) is not None}
        folder = increment_path(self._project.folder / _VALIDATIONS / _name_of(model), sep="-")
        self._job = self._jobs.validate(model.checkpoint.path, Path(data), folder, arguments)
        self._job.progressed.connect(lambda p: self.progress.set_progress(p.done, p.total))
        self._job.finished.connect(lambda result: self._on_validated(model, result))
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._on_ended)
        self.progress.start(f"Validating {model.title}")
        self.progress.show()

    def _on_runs(self, runs: Sequence[RunSnapshot]) -> None:
        """Only what a card shows counts, or a live training would rebuild them twice a second."""
        self._runs = list(runs)
        shown = [(run.folder, run.state, run.facts.best_epoch, run.facts.end) for run in runs]
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def _on_gathered(self, job: Job, found: list[tuple[ModelFile, QImage]]) -> None:
        if job is not self._gathering:
            return
        for old in self.cards:
            self._flow.removeWidget(old)
            old.deleteLater()
        self.cards = []
        for model, picture in found:
            card = ModelCard(model)
            card.picture.show_image(picture)
            card.asked.connect(self._on_asked)
            self._flow.addWidget(card)
            self.cards.append(card)
        self._stack.setCurrentIndex(1 if self.cards else 0)

    def _on_asked(self, key: str, model: ModelFile) -> None:
        path = model.checkpoint.path
        if key == "validate":
            self.validate(model)
        elif key == "validation" and model.run is not None:
            self.validation_asked.emit(model.run.folder, model.title)
        elif key == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
        else:
            self.asked.emit(key, path)

    def _on_add(self) -> None:
        name, _filter = QFileDialog.getOpenFileName(
            self, "Add a model file", "", "Models (*.pt *.onnx *.torchscript)"
        )
        if name:
            kept = [path for path in self._project.recall(_EXTRA, []) if path != name]
            self._project.remember(_EXTRA, [*kept, name])
            self.refresh()

    def _on_validated(self, model: ModelFile, result: Validated) -> None:
        self.validation_asked.emit(Path(result.folder), model.title)

    def _on_failed(self, failed: Failed) -> None:
        if failed.kind != "cancelled":
            self.banner.show_message(failed.message, failed.remedy, details=failed.details)

    def _on_ended(self) -> None:
        self._job = None
        self.progress.hide()

    def _on_cancelled(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(tokens.SPACE_M)
        head.addWidget(TextLabel("Models", "title"))
        head.addStretch()
        head.addWidget(self.all_files)
        head.addWidget(self.add_button)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._content)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(scroll)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, 0)
        layout.setSpacing(tokens.SPACE_M)
        layout.addLayout(head)
        layout.addWidget(self.banner)
        layout.addWidget(self.progress)
        layout.addWidget(self._stack, 1)


def _name_of(model: ModelFile) -> str:
    return model.run.name if model.run is not None else model.checkpoint.path.stem
