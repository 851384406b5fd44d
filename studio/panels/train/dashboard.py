"""One run, live: state and buttons, what went wrong, curves, pictures, and the numbers that matter."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QSizePolicy,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from engine.runtime.errors import EngineError
from studio.jobs.training import resume_training
from studio.language import tr, tr_engine
from studio.model.run_facts import History, RunFacts
from studio.model.run_failure import Failure
from studio.model.run_figures import headline
from studio.model.run_warnings import warnings_of
from studio.model.runs import (
    STATE_WORDS,
    VALIDATION_FILE,
    Command,
    RunSnapshot,
    RunState,
    send_command,
)
from studio.panels.train import run_words as words
from studio.panels.train.charts import Charts
from studio.panels.train.run_buttons import RunButtons
from studio.panels.train.run_tabs import RunTabs
from studio.theme import tokens
from studio.widgets.message_banner import MessageBanner
from studio.widgets.stat import Stat
from studio.widgets.status_dot import StatusDot
from studio.widgets.text_label import TextLabel

_STATS_WIDTH = 152  # holds "23 h 59 min" in large
_HEIGHTS = (440, 240)  # three rows of charts, and what is below
_TICK_MS = 1000
_UNMEASURED = (tr("best fitness"), tr("best, by another measure"))
_COMMANDS: dict[str, Command] = {
    "pause": "pause",
    "continue": "run",
    "stop_after_epoch": "stop_after_epoch",
    "stop": "stop",
}


class Dashboard(QWidget):
    """Shows one run and lets the person steer it.

    Signals:
        steered(): A command was sent or the run resumed: look at it again at once.
        asked(str, object): ``validation``, ``predict`` or ``export`` and the run's folder or weights;
            ``image`` and a file that a warning is about.
    """

    steered = Signal()
    asked = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run: RunSnapshot | None = None
        self._name = TextLabel("", "title")
        self._dot = StatusDot()
        self._state = TextLabel("", "secondary")
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self.buttons = RunButtons()
        self.buttons.pressed.connect(self._on_pressed)
        self.banner = MessageBanner()
        self.banner.dismissed.connect(self._show_resume)
        self._told: object = None
        self.charts = Charts()
        self.tabs = RunTabs()
        self.tabs.file_asked.connect(lambda file: self.asked.emit("image", file))
        self.stats = {
            "best": Stat(_UNMEASURED[0]),
            "second": Stat(_UNMEASURED[1]),
            "epoch": Stat(tr("epoch")),
            "left": Stat(tr("left")),
            "speed": Stat(tr("images per second")),
            "memory": Stat(tr("memory")),
        }
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._show_left)
        self._lay_out()

    def show_run(self, run: RunSnapshot, history: History) -> None:
        """Show a run as it is now."""
        self.run = run
        self._name.setText(run.name)
        self._dot.set_state(words.DOTS[run.state], STATE_WORDS[run.state])
        self._state.setText(words.state_text(run))
        self._bar.setValue(round(run.facts.progress * 1000))
        self._bar.setVisible(run.state.is_alive)
        has_validation = (run.folder / VALIDATION_FILE).is_file() and not run.state.is_alive
        self.buttons.show_for(run, has_validation=has_validation)
        self.charts.show_history(history)
        self.tabs.show_run(run)
        self._show_stats(run)
        self._show_banner(run)
        self._timer.start() if run.state is RunState.RUNNING else self._timer.stop()

    def _show_stats(self, run: RunSnapshot) -> None:
        facts = run.facts
        self._show_best(facts)
        self.stats["epoch"].set_value(words.epoch_text(facts))
        speed = facts.images_per_second
        self.stats["speed"].set_value("–" if speed is None else f"{speed:.1f}")
        memory = facts.memory_mib
        self.stats["memory"].set_value("–" if memory is None else f"{memory / 1024:.1f} GB")
        self._show_left()

    def _show_best(self, facts: RunFacts) -> None:
        """Show what the best epoch reached, by the names that the run's task has for it."""
        figures = headline(facts.best_metrics)
        for key, figure, unmeasured in zip(("best", "second"), figures, _UNMEASURED, strict=True):
            name = unmeasured if figure is None else tr("best {name}").format(name=figure.name)
            self.stats[key].set_caption(name)
        first, second = figures
        notes = [
            first.of_word if first is not None else "",
            tr("epoch {best_epoch}").format(best_epoch=facts.best_epoch),
        ]
        note = ", ".join(filter(None, notes)) if facts.best_epoch else ""
        self.stats["best"].set_value(words.best_text(facts), note)
        self.stats["second"].set_value(words.figure_text(None if second is None else second.value))

    def _show_left(self) -> None:
        if self.run is None:
            return
        left = words.seconds_left(self.run.facts) if self.run.state.is_alive else None
        if self.run.state is RunState.PAUSED or left is None:
            self.stats["left"].set_value("–")
        else:
            self.stats["left"].set_value(words.duration_text(left))

    def _show_banner(self, run: RunSnapshot) -> None:
        """Say what went wrong, once: a message that was dismissed comes back only with news."""
        told = (run.folder, run.failure, len(run.facts.warnings))
        if told != self._told:
            self._told = told
            if run.failure is not None:
                self._show_failure(run.failure, run.can_resume)
            elif run.facts.warnings:
                self._show_warnings(run)
            else:
                self.banner.hide()
        self._show_resume()

    def _show_failure(self, failure: Failure, can_resume: bool) -> None:
        self.banner.show_message(
            failure.reason,
            failure.remedy,
            action_text=tr("Resume") if can_resume else "",
            action=self._resume if can_resume else None,
            details=failure.details,
        )

    def _show_resume(self) -> None:
        """Offer Resume in one place: in the message if there is one, else among the buttons."""
        if self.run is None:
            return
        said = self.run.failure is not None and not self.banner.isHidden()
        self.buttons.button("resume").setVisible(self.run.can_resume and not said)

    def _show_warnings(self, run: RunSnapshot) -> None:
        lines = [warning.text for warning in warnings_of(run.facts.warnings)]
        shown = (
            lines[0]
            if len(lines) == 1
            else tr("{count} warnings. The first: {lines}").format(count=len(lines), lines=lines[0])
        )
        self.banner.show_message(
            shown,
            tone="warning",
            action_text=tr("Show them") if len(lines) > 1 else tr("Show it"),
            action=self.tabs.show_warnings,
            details=tr_engine("\n".join(lines)),
        )

    def _on_pressed(self, key: str) -> None:
        if self.run is None:
            return
        if key == "resume":
            self._resume()
        elif key == "validation":
            self.asked.emit(key, self.run.folder)
        elif key in {"predict", "export"}:
            self.asked.emit(key, self.run.best)
        else:
            self._send(self.run.folder, _COMMANDS[key])

    def _send(self, folder: Path, command: Command) -> None:
        try:
            send_command(folder, command)
        except OSError as error:
            self._show_error(tr("The training could not be told."), str(error))
            return
        self.steered.emit()

    def _resume(self) -> None:
        if self.run is None:
            return
        try:
            resume_training(self.run)
        except EngineError as error:
            self._show_error(str(error), error.remedy or "")
            return
        self.banner.hide()
        self.buttons.button("resume").hide()
        self.steered.emit()

    def _show_error(self, what: str, todo: str) -> None:
        self.banner.show_message(what, todo)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(tokens.SPACE_S)
        head.addWidget(self._name)
        head.addWidget(self._dot)
        head.addWidget(self._state, 1)
        head.addWidget(self.buttons)
        numbers = QWidget()
        numbers.setFixedWidth(_STATS_WIDTH)
        column = QVBoxLayout(numbers)
        column.setContentsMargins(tokens.SPACE_M, 0, 0, 0)
        column.setSpacing(tokens.SPACE_XS)
        for stat in self.stats.values():
            stat.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
            column.addWidget(stat)
            column.addSpacing(tokens.SPACE_S)
        column.addStretch()
        middle = QSplitter(Qt.Orientation.Vertical)
        middle.setChildrenCollapsible(False)
        middle.addWidget(self.charts)
        middle.addWidget(self.tabs)
        middle.setSizes(list(_HEIGHTS))
        middle.setStretchFactor(0, 3)
        middle.setStretchFactor(1, 2)
        body = QHBoxLayout()
        body.setSpacing(tokens.SPACE_S)
        body.addWidget(middle, 1)
        body.addWidget(numbers)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_M)
        layout.setSpacing(tokens.SPACE_S)
        layout.addLayout(head)
        layout.addWidget(self._bar)
        layout.addWidget(self.banner)
        layout.addLayout(body, 1)
