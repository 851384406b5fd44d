"""The form of a training, made from the engine's argument schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QWidget

from engine.cfg.model_catalogue import find_entry
from engine.cfg.schema import arguments_for, by_name
from engine.runtime.device import DeviceInfo
from studio.jobs.weights import is_public_name
from studio.language import tr, tr_engine
from studio.model.open_models import PROBE
from studio.model.runs import RunSnapshot
from studio.panels.train.device_editor import DeviceEditor, best_device
from studio.panels.train.model_editor import ModelEditor, default_model
from studio.panels.train.way_editor import WayEditor
from studio.widgets.form import Form
from studio.widgets.form_fields import Field, argument_fields

ESSENTIAL = ("model", PROBE, "epochs", "imgsz", "batch", "device")
_LABELS = {
    "model": tr("Model"),
    PROBE: tr("What learns"),
    "epochs": tr("Epochs"),
    "imgsz": tr("Image size"),
    "batch": tr("Batch"),
    "device": tr("Device"),
    "name": "name",
}
# Said by the project, by Resume or by nobody: no place in the form.
_NOT_ASKED = frozenset({"data", "project", "exist_ok", "resume", "save", "verbose"})
MODEL_SUFFIXES = (".pt", ".pth", ".safetensors")
# A processor needs minutes for what a GPU does in seconds: begin with less, and let the person ask for more.
_ON_CPU = {"imgsz": 320, "batch": 8}
# Classifiers look at one thing that fills the image; their trained weights were learnt at this size.
_CLASSIFY = {"imgsz": 224}


class TrainForm(Form):
    """Essentials first, the rest under Advanced.

    Args:
        task: What will be trained.
    """

    def __init__(self, task: str, parent: QWidget | None = None) -> None:
        self.task = task
        arguments = [a for a in arguments_for("train", task) if a.name not in _NOT_ASKED]
        arguments.sort(key=lambda a: ESSENTIAL.index(a.name) if a.name in ESSENTIAL else 99)
        self._models: ModelEditor | None = None
        self._devices: DeviceEditor | None = None
        self._ways: WayEditor | None = None
        editors = {
            "model": self._build_model_editor,
            PROBE: self._build_way_editor,
            "device": self._build_device_editor,
        }
        super().__init__(argument_fields(arguments, "train", _LABELS), ESSENTIAL, editors, parent)
        self.values.set_default("model", default_model(task))
        self.offer_ways(False)

    def show_runs(self, runs: Sequence[RunSnapshot]) -> None:
        """Offer the best weights of these runs to go on from."""
        if self._models is not None:
            self._models.show_choices(self.task, runs)

    def show_classes(self, count: int) -> None:
        """Take note of how many classes will be learnt."""
        if self._models is not None:
            self._models.show_classes(count)

    def own_file(self) -> Path | None:
        """Return the chosen model where it is a file of somebody's own, not a model by name."""
        path = Path(str(self.values.value("model") or ""))
        return path if path.suffix in MODEL_SUFFIXES and path.is_file() else None

    def untrained_model(self) -> str | None:
        """Return the description of the chosen model where its trained weights are asked for by name."""
        name = str(self.values.value("model") or "")
        entry = find_entry(name) if is_public_name(name) else None
        return None if entry is None else entry.name

    def say_of_model(self, text: str, *, wrong: bool = False) -> None:
        """Say below the model what it is, or why it cannot be used."""
        if self._models is not None:
            self._models.say(tr_engine(text), "danger" if wrong else "caption")

    def open_model(self) -> str | None:
        """Return the description of the chosen model where it is an open-vocabulary one by name, else None."""
        name = str(self.values.value("model") or "")
        entry = find_entry(name) if Path(name).name == name else None
        return entry.name if entry is not None and entry.is_open_vocabulary else None

    def offer_ways(self, is_open: bool) -> None:
        """Let the person say what learns, where there is a choice; adapting needs trained weights."""
        if self._ways is None:
            return
        trained = Path(str(self.values.value("model") or "")).suffix in MODEL_SUFFIXES
        self._ways.allow_probe(trained, tr("Needs trained weights to adapt."))
        self.essentials.row(PROBE).setVisible(is_open)
        if self.values.value(PROBE) and not (is_open and trained):
            self.values.set_value(PROBE, False)

    def say_costs(self, costs: Mapping[bool, str]) -> None:
        """Say what each way to train an open-vocabulary model takes."""
        if self._ways is not None:
            self._ways.say_costs(dict(costs))

    def show_devices(self, devices: Sequence[DeviceInfo]) -> None:
        """Offer this computer's devices, and defaults that suit the best of them."""
        if self._devices is not None:
            self._devices.show_devices(devices)
        best = best_device(devices)
        self.values.set_default("device", best)
        for name, value in _ON_CPU.items():
            usual = by_name[name].default_for("train", self.task)
            suits = value if best == "cpu" else usual
            of_task = _CLASSIFY.get(name) if self.task == "classify" else None
            self.values.set_default(name, of_task or suits)

    def show_model(self, path: Path) -> None:
        """Choose a model file to go on from."""
        self.values.set_value("model", str(path))

    def arguments(self) -> dict[str, Any]:
        """Return what to hand to the engine: the essentials, and what differs from its defaults."""
        chosen = {}
        for name in self.values.fields:
            value = self.values.value(name)
            if (name in ESSENTIAL and name != PROBE) or value != by_name[name].default_for(
                "train", self.task
            ):
                chosen[name] = value
        return chosen

    def restore(self, changes: Mapping[str, Any]) -> None:
        """Show values that the person had changed before; names of another version are passed over."""
        for name, value in changes.items():
            if name in self.values.fields:
                self.values.take(name, value)
                if self.values.error(name):
                    self.values.reset(name)

    def _build_model_editor(self, field: Field) -> ModelEditor:
        self._models = ModelEditor(field, self.task)
        return self._models

    def _build_way_editor(self, field: Field) -> WayEditor:
        self._ways = WayEditor(field)
        return self._ways

    def _build_device_editor(self, field: Field) -> DeviceEditor:
        self._devices = DeviceEditor(field)
        self._devices.setToolTip(field.tool_tip)
        return self._devices
