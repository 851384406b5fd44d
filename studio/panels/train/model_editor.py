"""Choosing what a training starts from: a family and scale, with or without trained weights, a run, or a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from engine.cfg.model_catalogue import CatalogueEntry, find_entry, models_for, title_of
from studio.language import tr
from studio.model.run_figures import headline
from studio.model.runs import RunSnapshot
from studio.model.weights_state import WeightsState, weights_of
from studio.theme import tokens
from studio.widgets.form_fields import Field
from studio.widgets.line_delegate import HEADING, LINE, LineDelegate
from studio.widgets.text_label import TextLabel
from studio.widgets.value_editors import ChoiceEditor

# What each scale is good for, in a picker's words.
_GOOD_FOR = {
    "n": tr("fastest, trains on a processor"),
    "s": tr("fast, a little better"),
    "m": tr("balanced, wants a GPU"),
    "l": tr("slow, better with many images"),
    "x": tr("slowest, best with very many images"),
}
_FAMILIES = {
    "YOLO11": tr("well tried, the default"),
    "YOLO26": tr("newest, can do without removing duplicates"),
    "YOLO12": tr("with attention, slower and often better"),
    "YOLOv8": tr("for models of older projects"),
    "YOLOE-11": tr("told in words what to find; can be adapted within minutes"),
    "YOLOE-26": tr("the same, newest"),
    "YOLOE-v8": tr("the same, of older projects"),
}
_FROM_FILE = tr("…from file")
_MODEL_FILES = tr("Models (*.pt *.safetensors *.yaml *.yml)")
_WORDS = tr("It is told in words what to find: the names of this project's classes.")
_FULL_GFLOPS = 2  # below, whole ones would make a small classifier cost none
_RANDOM = tr("Learns everything from your images: wants many of them, and many epochs.")


def default_model(task: str) -> str:
    """Return the model to begin with: the smallest, from its trained weights where they are on this computer."""
    entry = models_for(task)[0]
    return entry.weights if weights_of(entry).path is not None else entry.name


class ModelEditor(QWidget):
    """Two lists and a line: which model, which weights it starts with, and what that means.

    Signals:
        edited: The person chose.
    """

    edited = Signal()

    def __init__(self, field: Field, task: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._told: object = None
        self._last: Any = field.default
        self._said_of: Any = None
        self._classes = 0
        self.models = _List(field, tr("Model"))
        self.models.setMaxVisibleItems(24)
        self.models.edited.connect(self._on_model)
        self.start = _List(field, tr("Starts from"))
        self.start.edited.connect(self._on_start)
        self.note = TextLabel("", "caption", wrap=True)
        layout = QVBoxLayout(self)
        above = (tokens.TOOL_SIZE - tokens.CONTROL_HEIGHT) // 2  # level with the row's label
        layout.setContentsMargins(0, above, 0, 0)
        layout.setSpacing(tokens.SPACE_XS)
        for widget in (self.models, self.start, self.note):
            layout.addWidget(widget)
        self.setFocusProxy(self.models)
        self.show_choices(task, [])

    def show_choices(self, task: str, runs: Sequence[RunSnapshot]) -> None:
        """Offer the models of a task and the trained ones of these runs."""
        told = (task, [(run.folder, run.state, run.facts.best_fitness) for run in runs])
        if told == self._told:
            return
        self._told = told
        trained = [run for run in runs if run.best.is_file() and run.facts.task in (task, None)]
        self.models.clear()
        if trained:
            self.models.add_heading(tr("Go on from a training of this project"))
            for run in trained:
                self.models.addItem(_run_text(run), str(run.best))
        family = ""
        for entry in (*models_for(task), *models_for(task, open_vocabulary=True)):
            if entry.family != family:
                family = entry.family
                self.models.add_heading(family, _FAMILIES.get(family, ""))
            self.models.add(_entry_text(entry), _GOOD_FOR.get(entry.scale, ""), entry.name)
        self.models.insertSeparator(self.models.count())
        self.models.addItem(tr("From a file…"), _FROM_FILE)
        self.show_value(self._last)

    def show_classes(self, count: int) -> None:
        """Take note of how many classes the project has: with others, a part of trained weights starts anew."""
        if count != self._classes:
            self._classes = count
            self._show_start()

    def raw(self) -> Any:
        """Return the chosen name or path."""
        return self._last

    def show_value(self, value: Any) -> None:
        """Show a choice; a file that is not in the list joins it."""
        self._last = value
        if not self.models.count():
            return
        entry = _entry_of(value)
        data = value if entry is None else entry.name
        index = self.models.findData(data)
        if index < 0:
            index = self.models.count() - 1
            self.models.insertItem(index, Path(str(value)).name, value)
        self.models.setCurrentIndex(index)
        self._show_start()

    def say(self, text: str, role: str = "caption") -> None:
        """Say below the lists what the chosen file is; the next choice takes it away."""
        self._said_of = self._last
        self.note.setText(text)
        self.note.set_role("danger" if role == "danger" else "caption")
        self.note.setVisible(bool(text))

    def _show_start(self) -> None:
        """Offer the weights of the chosen model; a file brings its own."""
        entry = _entry_of(self._last)
        self.start.setVisible(entry is not None)
        if entry is None:
            if self._said_of != self._last:
                self.say("")
            return
        state = weights_of(entry)
        self.start.clear()
        self.start.add(tr("Trained weights"), state.words(), entry.weights)
        if not state.can_be_had:
            self.start.forbid_last()
        self.start.add(tr("Random weights"), tr("to learn from nothing"), entry.name)
        self.start.setCurrentIndex(self.start.findData(self._last))
        trained = state if self._last == entry.weights else None
        self.say(_note_of(entry, trained, self._classes))

    def _on_model(self) -> None:
        """Another model keeps the choice between trained and random weights."""
        chosen = self.models.currentData()
        if chosen == _FROM_FILE:
            path, _filter = QFileDialog.getOpenFileName(
                self, tr("Choose a model"), "", _MODEL_FILES
            )
            chosen = path or self._last
        elif (entry := find_entry(chosen)) is not None and entry.name == chosen:
            chosen = self._weights_for(entry)
        self.show_value(chosen)
        self.edited.emit()

    def _weights_for(self, entry: CatalogueEntry) -> str:
        before, state = _entry_of(self._last), weights_of(entry)
        wanted = before is None or self._last == before.weights
        # After a file nobody has said yet that something may be fetched.
        has_them = state.path is not None if before is None else state.can_be_had
        return entry.weights if wanted and has_them else entry.name

    def _on_start(self) -> None:
        self._last = self.start.currentData()
        self._show_start()
        self.edited.emit()


class _List(ChoiceEditor):
    """A list with headings, and with remarks that show only while it is open."""

    def __init__(self, field: Field, name: str, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self.clear()
        self.setAccessibleName(name)
        self.setItemDelegate(LineDelegate(self))

    def add(self, text: str, remark: str, value: str) -> None:
        """Add an entry; closed, the list shows only ``text``."""
        self.addItem(text, value)
        self.setItemData(self.count() - 1, " · ".join(filter(None, (text, remark))), LINE)

    def add_heading(self, text: str, remark: str = "") -> None:
        """Add a line that only says what follows."""
        self.add(text, remark, "")
        self.forbid_last()
        self.setItemData(self.count() - 1, True, HEADING)


def _entry_of(value: Any) -> CatalogueEntry | None:
    """Return the model that a plain name stands for; a path is somebody's own file."""
    text = str(value or "")
    return find_entry(text) if Path(text).name == text else None


def _entry_text(entry: CatalogueEntry) -> str:
    return f"{title_of(entry.name)} · {entry.parameters / 1e6:.1f} M"


def _note_of(entry: CatalogueEntry, trained: WeightsState | None, classes: int) -> str:
    gflops = f"{entry.gflops:.0f}" if entry.gflops >= _FULL_GFLOPS else f"{entry.gflops:.1f}"
    size = tr("{parameters:.1f} million parameters, {gflops} GFLOPs at {imgsz} px.").format(
        parameters=entry.parameters / 1e6, gflops=gflops, imgsz=entry.imgsz
    )
    if trained is None:
        return f"{size} {_RANDOM}"
    if entry.is_open_vocabulary:
        return f"{size} {trained.name}: {trained.words()}. {_WORDS}"
    parts = [size, f"{trained.name}: {trained.words()}."]
    if classes and classes != entry.classes:
        parts.append(
            tr(
                "It knows {classes} classes, this project {wanted}: what tells classes starts "
                "anew, all else is kept."
            ).format(classes=entry.classes, wanted=classes)
        )
    return " ".join(parts)


def _run_text(run: RunSnapshot) -> str:
    figure = headline(run.facts.best_metrics)[0]
    value = run.facts.best_fitness if figure is None else figure.value
    if value is None:
        return run.name
    return f"{run.name} · {tr('fitness') if figure is None else figure.name} {value:.3f}"
