"""The Models page: every model of the project as a card, and validating one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
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

from engine.cfg.model_catalogue import CatalogueEntry
from engine.runtime.paths import increment_path
from studio.jobs.client import Job, JobsClient, RunsWatcher
from studio.jobs.messages import Failed, ModelFacts, Validated
from studio.jobs.model_words import TASK_WORDS
from studio.jobs.shown_job import ShownJob
from studio.jobs.weights import fetch_weights
from studio.language import tr
from studio.model.model_files import FILE_PATTERNS, is_model_folder
from studio.model.project import Project
from studio.model.runs import RunSnapshot
from studio.model.weights_state import weights_of
from studio.panels.models.card import ModelCard, ModelFile, file_of, task_of
from studio.panels.models.details import ModelDetails
from studio.panels.models.gather import gather_models
from studio.panels.models.trained_menu import build_trained_menu
from studio.storage.versions import list_versions
from studio.theme import tokens
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.model_picker import not_a_model
from studio.widgets.text_label import TextLabel

_EXTRA = "models.files"
_VALIDATIONS = "validations"
# Outlines tell where boxes and pixels are, too.
_SHOWN_BY = {"detect": ("detect", "segment"), "semseg": ("semseg", "segment")}
_FILES = tr("Models ({patterns})").format(patterns=FILE_PATTERNS)


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
        self.cards: list[ModelCard] = []
        self.all_files = QCheckBox(tr("All files"))
        self.all_files.setToolTip(tr("Also the latest weights, single epochs and exported files"))
        self.all_files.toggled.connect(lambda _on: self.refresh())
        self.get_button = TextButton(tr("Get a trained model"), "normal", "import")
        self.get_button.setToolTip(tr("Models that others have trained, by name"))
        self.get_button.clicked.connect(self._on_get)
        self.add_button = TextButton(tr("Open a model file"), "normal", "add")
        self.add_button.clicked.connect(self._on_add)
        self.add_folder_button = IconButton(
            "folder_open", tr("Open the folder of an exported model, such as NAME_openvino_model")
        )
        self.add_folder_button.clicked.connect(self._on_add_folder)
        self._running = ShownJob(tr("Validating"), self)
        self.progress, self.banner = self._running.progress, self._running.banner
        self.details = ModelDetails()
        self.details.closed.connect(self.close_details)
        self.details.asked.connect(self._on_asked)
        self.details.hide()
        self._reading: Job | None = None
        self._known: dict[Path, ModelFacts] = {}
        self._content = QWidget()
        self._flow = FlowLayout(self._content, tokens.SPACE_L)
        self._flow.setContentsMargins(0, 0, 0, tokens.SPACE_L)
        self._empty = EmptyState(
            tr("No model yet"),
            tr(
                "Every training leaves its best model here, with its picture and its figures. "
                "A model from elsewhere can be opened too."
            ),
            (
                Step(tr("Train one"), self.training_asked.emit, "primary", "train"),
                Step(tr("Open a model file"), self._on_add, "normal", "add"),
            ),
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
        """Validate a model on the newest dataset version for its task, else on what it was trained with."""
        if self._running.is_running:
            return
        args = model.run.args if model.run is not None else {}
        data = self._newest_version(model) or args.get("data")
        if data is None:
            task = task_of(model)
            self.banner.show_message(
                (
                    tr("There is nothing to validate on for {finds}.")
                    if task
                    else tr("There is nothing to validate on.")
                ).format(finds=TASK_WORDS.get(task, task)),
                tr("Train once: that freezes the labels as a dataset version."),
                tone="warning",
            )
            return
        self.banner.hide()
        arguments = {name: args[name] for name in ("imgsz", "device") if args.get(name) is not None}
        folder = increment_path(self._project.folder / _VALIDATIONS / _name_of(model), sep="-")
        self._running.follow(
            self._jobs.validate(model.checkpoint.path, Path(data), folder, arguments),
            tr("Validating {title}").format(title=model.title),
            lambda result: self._on_validated(model, result),
            keeps_title=True,
        )

    def _newest_version(self, model: ModelFile) -> Path | None:
        """Return the newest dataset version that shows what a model finds; any where its task is not known."""
        facts = self._known.get(model.checkpoint.path)
        task = task_of(model) or (facts.task if facts is not None else "")
        fitting = _SHOWN_BY.get(task, (task,))
        versions = list_versions(self._project.versions_dir)
        found = [version for version in versions if not task or version.task in fitting]
        return found[-1].yaml if found else None

    def open_model(self, model: ModelFile) -> None:
        """Read a model file and show beside the cards what it says."""
        self.details.show_waiting(model)
        self.details.show()
        self._mark_open()
        classes = [cls.name for cls in self._project.classes()]
        job = self._jobs.inspect(model.checkpoint.path, len(classes) or None)
        self._reading = job
        job.finished.connect(lambda facts: self._on_read(job, facts, classes))
        job.failed.connect(lambda failed: self._on_unread(job, failed))

    def open_file(self, path: Path) -> None:
        """Add a model file to this project's cards and show what it says."""
        kept = [name for name in self._project.recall(_EXTRA, []) if name != str(path)]
        self._project.remember(_EXTRA, [*kept, str(path)])
        self.refresh()
        try:
            self.open_model(file_of(path))
        except OSError as error:
            self.banner.show_message(f"{path.name}: {error.strerror or error}.")

    def close_details(self) -> None:
        """Give the room back to the cards."""
        self.details.hide()
        self._mark_open()

    def get_trained(self, entry: CatalogueEntry) -> None:
        """Show a published model, fetching its file where it is not on this computer yet."""
        path = weights_of(entry).path
        if path is not None:
            self.open_file(path)
            return
        if self._running.is_running:
            return
        self.banner.hide()
        job = self._jobs.call(
            lambda steps: fetch_weights(entry.weights, steps.progress, steps.is_cancelled)
        )
        title = tr("Fetching {weights}").format(weights=entry.weights)
        self._running.follow(job, title, self.open_file)

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
        self._tell_cards()
        self._mark_open()

    def _mark_open(self) -> None:
        opened = self.details.model if not self.details.isHidden() else None
        path = opened.checkpoint.path if opened is not None else None
        for card in self.cards:
            card.set_open(card.model.checkpoint.path == path)

    def _on_asked(self, key: str, model: ModelFile) -> None:
        path = model.checkpoint.path
        if key == "open":
            self.open_model(model)
        elif key == "validate":
            self.validate(model)
        elif key == "validation" and model.run is not None:
            self.validation_asked.emit(model.run.folder, model.title)
        elif key == "folder":
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
        else:
            self.asked.emit(key, path)

    def _on_add(self) -> None:
        name, _filter = QFileDialog.getOpenFileName(self, tr("Open a model file"), "", _FILES)
        if name:
            self.open_file(Path(name))

    def _on_add_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Choose the folder of an exported model"))
        if name and is_model_folder(Path(name)):
            self.open_file(Path(name))
        elif name:
            self.banner.show_message(not_a_model(Path(name)))

    def _on_get(self) -> None:
        menu = build_trained_menu(self.get_trained, self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.get_button.mapToGlobal(self.get_button.rect().bottomLeft()))

    def _on_read(self, job: Job, facts: ModelFacts, classes: list[str]) -> None:
        self._known[Path(facts.path)] = facts
        self._tell_cards()
        if job is self._reading:
            self.details.show_facts(facts, self._project.task, classes)

    def _tell_cards(self) -> None:
        """Let the cards of files from elsewhere say what was read in them."""
        for card in self.cards:
            facts = self._known.get(card.model.checkpoint.path)
            if facts is not None and card.model.run is None:
                card.show_model(replace(card.model, task=facts.task, classes=facts.names))

    def _on_unread(self, job: Job, failed: Failed) -> None:
        if job is self._reading and failed.kind != "cancelled":
            self.details.show_failed(failed)

    def _on_validated(self, model: ModelFile, result: Validated) -> None:
        self.validation_asked.emit(Path(result.folder), model.title)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(tokens.SPACE_M)
        head.addWidget(TextLabel(tr("Models"), "title"))
        head.addStretch()
        head.addWidget(self.all_files)
        head.addWidget(self.get_button)
        head.addWidget(self.add_button)
        head.addWidget(self.add_folder_button)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._content)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(scroll)
        left = QVBoxLayout()
        left.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, 0)
        left.setSpacing(tokens.SPACE_M)
        left.addLayout(head)
        left.addWidget(self.banner)
        left.addWidget(self.progress)
        left.addWidget(self._stack, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(left, 1)
        layout.addWidget(self.details)


def _name_of(model: ModelFile) -> str:
    return model.run.name if model.run is not None else model.checkpoint.path.stem
