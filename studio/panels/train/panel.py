"""The Train page: the form left, the runs and the dashboard right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from engine.runtime.device import DeviceInfo, list_devices
from studio.jobs.client import Job, JobsClient, RunsWatcher
from studio.jobs.messages import Failed, Progress
from studio.jobs.preparation import FREEZING, train_project
from studio.language import tr
from studio.model.project import Project
from studio.model.run_facts import History
from studio.model.runs import RunSnapshot
from studio.panels.train.dashboard import Dashboard
from studio.panels.train.model_look import Labels, ModelLook
from studio.panels.train.runs_table import RunsTable
from studio.panels.train.summary import split_counts, summarise_project, summary_lines
from studio.panels.train.task_picker import TaskPicker
from studio.panels.train.train_form import TrainForm
from studio.theme import tokens
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow
from studio.widgets.text_label import TextLabel

_FORM_WIDTH = 408
_TABLE_HEIGHT = 148
_TABLE_MIN_HEIGHT = 96  # its head and two runs
_REMEMBERED = "train.arguments.{task}"  # what suits one task misleads another: models, sizes


class TrainPanel(QWidget):
    """Starts trainings and shows them.

    Signals:
        asked(str, object): ``validation`` with a run's folder, ``predict`` or ``export`` with its weights,
            ``image`` with a file that a warning is about.
        annotate_asked(): There is nothing to train on yet and the person wants to draw.
        runs_changed(object): List of :class:`RunSnapshot`, for the status bar and other pages.

    Args:
        project: What is trained on; trainings are started from a copy of its labels.
        jobs: Runs what would block.
        watcher: Watches the project's runs; the panel tells it which one to follow.
    """

    asked = Signal(str, object)
    annotate_asked = Signal()
    runs_changed = Signal(object)

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
        self._watcher = watcher
        self._runs: list[RunSnapshot] = []
        self._devices: list[DeviceInfo] = []
        self._preparing: Job | None = None
        self._look = ModelLook(jobs, self)
        self._look.judged.connect(self._offer)
        self._followed: Path | None = None
        self._counted = summarise_project(project)
        self.tasks = TaskPicker()
        self.tasks.task_chosen.connect(self.choose_task)
        self._summary = TextLabel("", "secondary", wrap=True)
        self._note = TextLabel("", "secondary", wrap=True)
        self.form = TrainForm(project.task)
        self.train_button = TextButton(tr("Train"), "primary", "play")
        self.train_button.clicked.connect(self.train)
        self._step = FREEZING
        self.progress = ProgressRow(FREEZING)
        self.progress.cancelled.connect(self._on_cancelled)
        self.banner = MessageBanner()
        self.table = RunsTable()
        self.table.run_chosen.connect(self.show_run)
        self.dashboard = Dashboard()
        self.dashboard.asked.connect(self.asked)
        self.dashboard.steered.connect(watcher.refresh)
        self._empty = EmptyState("", "", icon_name="train")
        self._scroll = QScrollArea()
        self._stack = QStackedWidget()
        self._lay_out()
        self._show_form(self.form)
        watcher.runs_changed.connect(self._on_runs)
        watcher.followed_changed.connect(self._on_followed)
        self._on_runs(watcher.runs)
        jobs.call(lambda _steps: list_devices()).finished.connect(self._on_devices)

    def train(self) -> None:
        """Freeze the labels and start a training with what the form says."""
        if self._preparing is not None or not self.train_button.isEnabled():
            return
        self.banner.hide()
        arguments = self.form.arguments()
        self._project.remember(self._remembered, self.form.values.changes())
        name = arguments.pop("name", None) or "train"
        folder, task, after = self._project.folder, self.form.task, self._runs_before(arguments)
        self._preparing = self._jobs.call(
            lambda steps: train_project(
                folder,
                task,
                arguments,
                name=name,
                after=after,
                progress=steps.progress,
                is_cancelled=steps.is_cancelled,
            )
        )
        self._preparing.progressed.connect(self._on_preparing)
        self._preparing.finished.connect(self._on_started)
        self._preparing.failed.connect(self._on_not_started)
        self._preparing.ended.connect(self._on_prepared)
        self._step = FREEZING
        self.progress.start(FREEZING)
        self._offer()

    def choose_task(self, task: str) -> None:
        """Train something else: the project remembers it, and the form asks what that task has."""
        self._project.remember(self._remembered, self.form.values.changes())
        if not self._project.read_only:
            self._project.choose_task(task)
        self._show_form(TrainForm(task))
        self._offer()

    def train_from(self, model: Path) -> None:
        """Start from a model file; one that a run here has made decides the task."""
        made = next((run for run in self._runs if run.folder == model.parent.parent), None)
        task = str(made.facts.task or "") if made is not None else ""
        if task in self._counted.fitness and task != self.form.task:
            self.choose_task(task)
        self.form.show_model(model)

    def show_run(self, folder: Path) -> None:
        """Follow a run in the dashboard."""
        self._followed = folder
        self.table.choose(folder)
        self._watcher.follow(folder)

    def refresh(self) -> None:
        """Count the labels again, and fit the form to the project's task."""
        self._counted = summarise_project(self._project)
        if self._project.task != self.form.task and not self._project.read_only:
            self._show_form(TrainForm(self._project.task))
        self.form.show_classes(len(self._counted.classes))
        self._offer()

    def _show_form(self, form: TrainForm) -> None:
        self.form = form
        self._scroll.setWidget(_padded(form))
        form.restore(self._project.recall(self._remembered, {}) or {})
        form.show_runs(self._runs)
        form.show_classes(len(self._counted.classes))
        if self._devices:
            form.show_devices(self._devices)
        form.changed.connect(self._offer)

    @property
    def _remembered(self) -> str:
        return _REMEMBERED.format(task=self.form.task)

    def _offer(self) -> None:
        """Say what will be trained and whether the button can be pressed."""
        task = self.form.task
        self.tasks.show_tasks(self._counted.fitness, task)
        problem = self._counted.problem(task)
        errors = self.form.values.errors()
        self._summary.setText(problem or "\n".join(summary_lines(self._counted, task)))
        ready = not problem and not errors and not self._look.unfit
        self.train_button.setEnabled(ready and self._preparing is None)
        self.train_button.setVisible(self._preparing is None)
        self.progress.setVisible(self._preparing is not None)
        self._note.setText(self._note_text(errors))
        self._note.setVisible(bool(self._note.text()))
        if not self._runs:
            self._show_empty(problem)
        if self.isVisible():
            self._look_into_model()

    def _look_into_model(self) -> None:
        """Say what a training keeps of the chosen model, and what it takes: the worker looks, once."""
        train, val = split_counts(self._counted)
        busy = bool(self._runs_before(self.form.arguments()))
        self._look.look(self.form, Labels(self._counted.classes, train, val, busy))

    def _note_text(self, errors: dict[str, str]) -> str:
        if errors:
            return tr("Correct {errors} first.").format(errors=", ".join(errors))
        waiting = self._runs_before(self.form.arguments())
        if waiting:
            return tr("Starts when {name} has ended: both use the same device.").format(
                name=waiting[0].name
            )
        return ""

    def _show_empty(self, problem: str) -> None:
        if problem:
            self._empty.set_text(tr("Nothing to train on yet"), problem)
            draw = Step(tr("Draw some shapes"), self.annotate_asked.emit, "primary", "annotate")
            self._empty.set_steps((draw,))
        else:
            self._empty.set_text(
                tr("No training yet"),
                tr(
                    "Press Train. Its curves, numbers and predictions appear here while it runs; "
                    "it goes on when the window is closed."
                ),
            )
            self._empty.set_steps(())
        self._stack.setCurrentWidget(self._empty)

    def _runs_before(self, arguments: dict[str, Any]) -> list[Path]:
        """The runs that are at work on a device that these arguments ask for."""
        wanted = _devices_of(arguments)
        alive = [run for run in self._runs if run.state.is_alive]
        return [run.folder for run in alive if not wanted.isdisjoint(_devices_of(run.args))]

    def _on_devices(self, devices: Sequence[DeviceInfo]) -> None:
        self._devices = list(devices)
        self.form.show_devices(self._devices)

    def _on_cancelled(self) -> None:
        if self._preparing is not None:
            self._preparing.cancel()

    def _on_preparing(self, progress: Progress) -> None:
        """Show the present step; the time left is counted from its own beginning."""
        if progress.text and progress.text != self._step:
            self._step = progress.text
            self.progress.start(progress.text)
        self.progress.set_progress(progress.done, progress.total)

    def _on_started(self, folder: Path) -> None:
        self.show_run(folder)
        self._watcher.refresh()

    def _on_not_started(self, failed: Failed) -> None:
        if failed.kind == "cancelled":
            return
        untrained = self.form.untrained_model() if failed.kind == "checkpoint" else None
        self.banner.show_message(
            failed.message,
            failed.remedy,
            action_text=tr("Use random weights") if untrained else "",
            action=(lambda: self._on_untrained(untrained)) if untrained else None,
            details=failed.details,
        )

    def _on_untrained(self, model: str) -> None:
        """Start without the weights that could not be had."""
        self.form.values.set_value("model", model)
        self.banner.hide()

    def _on_prepared(self) -> None:
        self._preparing = None
        self.refresh()

    def _on_runs(self, runs: list[RunSnapshot]) -> None:
        self._runs = runs
        self.table.show_runs(runs)
        self.form.show_runs(runs)
        if runs and self._followed is None:
            self.show_run(runs[0].folder)
        self._offer()
        self.runs_changed.emit(runs)

    def _on_followed(self, run: RunSnapshot, history: History) -> None:
        if run.folder == self._followed:
            self.dashboard.show_run(run, history)
            self._stack.setCurrentWidget(self._right)

    def _lay_out(self) -> None:
        left = QFrame()
        left.setProperty("role", "panel")
        left.setFixedWidth(_FORM_WIDTH)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = QVBoxLayout()
        head.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_S)
        head.setSpacing(tokens.SPACE_XS)
        head.addWidget(TextLabel(tr("Train"), "title"))
        head.addSpacing(tokens.SPACE_S - tokens.SPACE_XS)
        head.addWidget(self.tasks)
        head.addWidget(self._summary)
        foot = QVBoxLayout()
        foot.setContentsMargins(tokens.SPACE_L, tokens.SPACE_S, tokens.SPACE_L, tokens.SPACE_L)
        foot.setSpacing(tokens.SPACE_S)
        for widget in (self.banner, self._note, self.progress, self.train_button):
            foot.addWidget(widget)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._scroll, 1)
        column.addLayout(foot)
        self._right = QSplitter(Qt.Orientation.Vertical)
        self._right.setChildrenCollapsible(False)
        self.table.setMinimumHeight(_TABLE_MIN_HEIGHT)
        self._right.addWidget(self.table)
        self._right.addWidget(self.dashboard)
        self._right.setSizes([_TABLE_HEIGHT, 4 * _TABLE_HEIGHT])
        self._right.setStretchFactor(1, 1)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self._right)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(left)
        row.addWidget(self._stack, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """Look at the labels again: they may have changed on another page."""
        super().showEvent(event)
        self.refresh()


def _devices_of(arguments: dict[str, Any]) -> set[str]:
    """Return the devices of a training, each as the form and the engine name it; "" is the best one."""
    return set(str(arguments.get("device") or "").split(","))


def _padded(form: QWidget) -> QWidget:
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_S, tokens.SPACE_L, tokens.SPACE_S)
    layout.addWidget(form)
    layout.addStretch()
    return box
