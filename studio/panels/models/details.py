"""What a model file says of itself, beside the cards: task, family, classes, who wrote it, how it was trained."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from engine.cfg.schema import ARGUMENTS, by_name
from studio.jobs.messages import Failed, ModelFacts
from studio.jobs.model_words import (
    TASK_WORDS,
    architecture_text,
    parameters_text,
    takeover_text,
    why_not_trained,
)
from studio.language import ntr, tr
from studio.model.run_figures import headline
from studio.model.weights_state import megabytes
from studio.panels.models.card import ModelFile
from studio.theme import tokens
from studio.widgets.form_fields import format_value
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.path_text import path_text
from studio.widgets.section_header import SectionHeader
from studio.widgets.text_label import TextLabel

_WIDTH = 376
_LABEL_WIDTH = 104
_NAMED_CLASSES = 60
# Where a training took place says nothing of the model.
_UNSAID = frozenset(
    [
        "mode",
        "task",
        "cfg",
        "project",
        "name",
        "exist_ok",
        "resume",
        "device",
        "workers",
        "verbose",
        "plots",
        "save",
    ]
)


class ModelDetails(QFrame):
    """The opened model.

    Signals:
        closed(): The person wants the room back.
        asked(str, object): ``train`` or ``predict`` and the :class:`ModelFile`.
    """

    closed = Signal()
    asked = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model: ModelFile | None = None
        self.facts: ModelFacts | None = None
        self.setProperty("role", "panel")
        self.setFixedWidth(_WIDTH)
        self._title = TextLabel("", "title")
        self._path = TextLabel("", "caption", wrap=True)
        self.close_button = IconButton("close", tr("Close"), size_px=16)
        self.close_button.clicked.connect(self.closed)
        self.banner = MessageBanner()
        self._waiting = TextLabel(tr("Reading the file…"), "secondary")
        self.train_button = TextButton(tr("Train on from here"), "normal", "train")
        self.predict_button = TextButton(tr("Suggest labels"), "normal", "predict")
        for key, button in (("train", self.train_button), ("predict", self.predict_button)):
            button.clicked.connect(lambda _=False, key=key: self._ask(key))
        self._scroll = QScrollArea()
        self._lay_out()

    def show_waiting(self, model: ModelFile) -> None:
        """Show which file is being read."""
        self.model, self.facts = model, None
        self._title.setText(model.checkpoint.path.name)
        self._path.setText(path_text(model.checkpoint.path.parent))
        self.banner.hide()
        self._waiting.show()
        self._show_buttons(train=False, predict=False)
        self._scroll.setWidget(QWidget())

    def show_facts(self, facts: ModelFacts, task: str, classes: Sequence[str]) -> None:
        """Show what the file says.

        Args:
            facts: What was read.
            task: The project's task.
            classes: The project's classes.
        """
        self.facts = facts
        self._waiting.hide()
        problem = why_not_trained(facts, task) if classes else ""
        self._show_buttons(train=bool(classes) and not problem, predict=True)
        self._scroll.setWidget(self._content(facts, problem or takeover_text(facts, classes)))

    def show_failed(self, failed: Failed) -> None:
        """Say why the file cannot be read."""
        self._waiting.hide()
        self.banner.show_message(failed.message, failed.remedy, details=failed.details)

    def texts(self) -> list[str]:
        """Return every line that shows, for tests."""
        return [label.text() for label in self._scroll.findChildren(TextLabel)]

    def _ask(self, key: str) -> None:
        if self.model is not None:
            self.asked.emit(key, self.model)

    def _show_buttons(self, *, train: bool, predict: bool) -> None:
        self.train_button.setVisible(train)
        self.predict_button.setVisible(predict)

    def _content(self, facts: ModelFacts, training: str) -> QWidget:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_S, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(0)
        layout.addLayout(_grid(self._lines(facts)))
        if training:
            _add_section(layout, SectionHeader(tr("A training in this project")))
            layout.addWidget(TextLabel(training, wrap=True))
        _add_section(layout, SectionHeader(tr("Classes"), f"{len(facts.names):,}"))
        layout.addWidget(TextLabel(_listed(facts.names), "secondary", wrap=True))
        changed = changed_arguments(facts.train_args)
        if changed:
            note = _arguments_note(facts, changed)
            _add_section(layout, SectionHeader(tr("Training arguments"), note))
            layout.addLayout(_grid([(n, _argument_text(v)) for n, v in changed.items()]))
        layout.addStretch()
        return content

    def _lines(self, facts: ModelFacts) -> list[tuple[str, str]]:
        size = "" if facts.imgsz is None else " × ".join(map(str, dict.fromkeys(facts.imgsz)))
        lines = [
            (tr("Finds"), f"{TASK_WORDS.get(facts.task, facts.task)} ({facts.task})"),
            (tr("Model"), architecture_text(facts)),
            (
                tr("Parameters"),
                "" if facts.parameters is None else parameters_text(facts.parameters),
            ),
            (tr("Image size"), tr("{size} px").format(size=size) if size else ""),
            (tr("Written by"), facts.written_by),
            (tr("Training"), _state(facts)),
            (tr("Figures"), _figures(facts.metrics)),
            (tr("Notes"), "; ".join(facts.notes)),
            (tr("File"), self._file()),
        ]
        return [(name, text) for name, text in lines if text]

    def _file(self) -> str:
        if self.model is None:
            return ""
        checkpoint = self.model.checkpoint
        date = time.strftime("%Y-%m-%d %H:%M", time.localtime(checkpoint.modified))
        return f"{megabytes(checkpoint.size_bytes)}, {date}"

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(tokens.SPACE_S)
        head.addWidget(self._title, 1)
        head.addWidget(self.close_button)
        buttons = QHBoxLayout()
        buttons.setSpacing(tokens.SPACE_S)
        buttons.addWidget(self.train_button)
        buttons.addWidget(self.predict_button)
        buttons.addStretch()
        top = QVBoxLayout()
        top.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_S)
        top.setSpacing(tokens.SPACE_XS)
        top.addLayout(head)
        for widget in (self._path, self._waiting, self.banner):
            top.addWidget(widget)
        top.addLayout(buttons)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self._scroll, 1)


def _add_section(layout: QVBoxLayout, header: SectionHeader) -> None:
    layout.addSpacing(tokens.SPACE_S)
    layout.addWidget(header)


def changed_arguments(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a training that differ from the defaults, in the table's order."""
    names = [a.name for a in ARGUMENTS if "train" in a.modes and a.name in given]
    names = [name for name in names if name not in _UNSAID]
    usual = {name: by_name[name].default_for("train", given.get("task")) for name in names}
    return {name: given[name] for name in names if given[name] != usual[name]}


def _argument_text(value: Any) -> str:
    is_place = isinstance(value, str) and Path(value).is_absolute()
    return path_text(value) if is_place else format_value(value)


def _arguments_note(facts: ModelFacts, changed: Mapping[str, Any]) -> str:
    known = [a.name for a in ARGUMENTS if "train" in a.modes and a.name not in _UNSAID]
    usual = sum(name in facts.train_args for name in known) - len(changed)
    said = ntr("{usual} other at its default", "{usual} others at their defaults", usual)
    return said.format(usual=usual) if usual > 0 else ""


def _state(facts: ModelFacts) -> str:
    if facts.epoch is None:
        return ""
    of = facts.train_args.get("epochs")
    said = (
        tr("stopped after epoch {epoch} of {epochs}, can go on")
        if of
        else tr("stopped after epoch {epoch}, can go on")
    )
    return said.format(epoch=facts.epoch, epochs=of)


def _figures(metrics: Mapping[str, float]) -> str:
    found = (figure for figure in headline(metrics) if figure is not None)
    return ", ".join(f"{figure.name} {figure.value:.3f}" for figure in found)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_CLASSES
    listed = ", ".join(names[:_NAMED_CLASSES])
    return tr("{listed} and {more:,} more").format(listed=listed, more=more) if more > 0 else listed


def _grid(lines: Sequence[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(tokens.SPACE_S)
    grid.setVerticalSpacing(tokens.SPACE_XS)
    grid.setColumnMinimumWidth(0, _LABEL_WIDTH)
    grid.setColumnStretch(1, 1)
    top = Qt.AlignmentFlag.AlignTop
    for row, (name, text) in enumerate(lines):
        grid.addWidget(TextLabel(name, "secondary"), row, 0, top)
        value = TextLabel(text, wrap=True)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(value, row, 1, top)
    return grid
