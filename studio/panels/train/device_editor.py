"""What a person chooses from: models in plain words, and the machine's real devices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QFileDialog, QStyledItemDelegate, QWidget

from engine.runtime.device import DeviceInfo
from studio.model.runs import RunSnapshot
from studio.widgets.form_fields import Field
from studio.widgets.value_editors import ChoiceEditor

AnyIndex = QModelIndex | QPersistentModelIndex

# scale letter -> (name, what it is good for, millions of parameters: detect, segment)
_SCALES: dict[str, tuple[str, str, float, float]] = {
    "n": ("nano", "fastest, trains on a processor", 2.6, 2.9),
    "s": ("small", "fast, a little better", 9.5, 10.1),
    "m": ("medium", "balanced, wants a GPU", 20.1, 22.4),
    "l": ("large", "slow, better with many images", 25.4, 27.7),
    "x": ("extra large", "slowest, best with very many images", 57.0, 62.1),
}
_SUFFIXES = {"detect": "", "segment": "-seg"}
_FROM_FILE = "…from file"


def default_model(task: str) -> str:
    """Return the model to begin with: the smallest."""
    return model_name("n", task)


def model_name(scale: str, task: str) -> str:
    """Return the name of a model description, as in ``yolo11n-seg.yaml``."""
    return f"yolo11{scale}{_SUFFIXES.get(task, '')}.yaml"


class ModelEditor(ChoiceEditor):
    """New models of the project's task, the best weights of its runs, and any file."""

    def __init__(self, field: Field, task: str, parent: QWidget | None = None) -> None:
        self._told: object = None
        self._last: Any = field.default
        super().__init__(field, parent)
        self.setAccessibleName("Model")
        self.show_choices(task, [])

    def show_choices(self, task: str, runs: Sequence[RunSnapshot]) -> None:
        """Offer the models of a task and the trained ones of these runs."""
        told = (task, [(run.folder, run.state, run.facts.best_fitness) for run in runs])
        if told == self._told:
            return
        self._told = told
        trained = [run for run in runs if run.best.is_file() and run.facts.task in (task, None)]
        chosen = self._last
        self.clear()
        self._add_heading("New, from random weights")
        for scale, (word, good_for, *millions) in _SCALES.items():
            size = millions[1] if task == "segment" else millions[0]
            text = f"YOLO11 {word} · {good_for} · {size:g} M"
            self.addItem(text, model_name(scale, task))
        if trained:
            self._add_heading("Go on from a training of this project")
            for run in trained:
                self.addItem(_run_text(run), str(run.best))
        self.insertSeparator(self.count())
        self.addItem("From a file…", _FROM_FILE)
        self.show_value(chosen)

    def raw(self) -> Any:
        """Return the chosen name or path."""
        return self._last

    def show_value(self, value: Any) -> None:
        """Show a choice; a file that is not in the list joins it."""
        self._last = value
        if not self.count():
            return
        index = self.findData(value)
        if index < 0:
            index = self.count() - 1
            self.insertItem(index, Path(str(value)).name, value)
        self.setCurrentIndex(index)

    def _add_heading(self, text: str) -> None:
        self.addItem(text)
        _forbid(self)

    def _on_activated(self, index: int) -> None:
        if self.itemData(index) != _FROM_FILE:
            self._last = self.itemData(index)
        else:
            chosen, _filter = QFileDialog.getOpenFileName(
                self, "Choose a model", "", "Models (*.pt *.yaml *.yml)"
            )
            self.show_value(chosen or self._last)
        self.edited.emit()


class DeviceEditor(ChoiceEditor):
    """The devices of this computer by name and memory."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self.setItemDelegate(QStyledItemDelegate(self))

    def show_devices(self, devices: Sequence[DeviceInfo]) -> None:
        """Offer these devices, the best first; those that cannot be used say why."""
        chosen = self.raw()
        self.clear()
        for device in devices:
            reason = f" ({device.unavailable})" if device.unavailable else ""
            self.addItem(device.label + reason, device.id)
            self.setItemData(self.count() - 1, device.label + reason, Qt.ItemDataRole.ToolTipRole)
            if device.unavailable:
                _forbid(self)
        self.show_value(chosen if chosen is not None else best_device(devices))


def _forbid(box: QComboBox) -> None:
    """Let the last entry be read but not chosen."""
    model = box.model()
    if isinstance(model, QStandardItemModel):
        model.item(box.count() - 1).setFlags(Qt.ItemFlag.NoItemFlags)


def best_device(devices: Sequence[DeviceInfo]) -> str | None:
    """Return the argument for the first device that can be used."""
    return next((device.id for device in devices if not device.unavailable), None)


def _run_text(run: RunSnapshot) -> str:
    fitness = run.facts.best_fitness
    return f"{run.name} · mAP {fitness:.3f}" if fitness is not None else run.name
