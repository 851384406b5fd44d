"""Choosing what of an open-vocabulary model learns: everything, or only what tells the classes; and what each costs."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QRadioButton, QVBoxLayout, QWidget

from studio.jobs.messages import Weighed
from studio.language import tr
from studio.panels.train.run_words import duration_text
from studio.theme import tokens
from studio.widgets.form_fields import Field
from studio.widgets.text_label import TextLabel

FULL, PROBE = False, True
_TITLES = {FULL: tr("Train everything"), PROBE: tr("Adapt YOLOE")}
_AFTERWARDS = {
    FULL: tr(
        "Learns what your images look like. Knows this project's classes afterwards, and can still be asked for "
        "other words."
    ),
    PROBE: tr(
        "Learns only to tell your classes; boxes and outlines stay as they are. Knows this project's classes "
        "afterwards and no others."
    ),
}


class WayEditor(QWidget):
    """Two ways to train, each with its price and what comes out.

    Signals:
        edited: The person chose.
    """

    edited = Signal()

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.buttons: dict[bool, QRadioButton] = {}
        self.notes: dict[bool, TextLabel] = {}
        group = QButtonGroup(self)
        layout = QVBoxLayout(self)
        above = (tokens.TOOL_SIZE - tokens.CONTROL_HEIGHT) // 2  # level with the row's label
        layout.setContentsMargins(0, above, 0, 0)
        layout.setSpacing(tokens.SPACE_XS)
        for way, title in _TITLES.items():
            self.buttons[way] = button = QRadioButton(title)
            button.setAccessibleName(title)
            button.setToolTip(field.tool_tip)
            button.clicked.connect(lambda _checked: self.edited.emit())
            self.notes[way] = note = TextLabel(_AFTERWARDS[way], "caption", wrap=True)
            group.addButton(button)
            layout.addWidget(button)
            layout.addWidget(note)
        self.setFocusProxy(self.buttons[FULL])
        self.show_value(field.default)

    def raw(self) -> Any:
        """Return whether only what tells the classes learns."""
        return self.buttons[PROBE].isChecked()

    def show_value(self, value: Any) -> None:
        """Show a choice without a signal."""
        self.buttons[bool(value)].setChecked(True)

    def allow_probe(self, is_allowed: bool, reason: str = "") -> None:
        """Let the probe be chosen, or say why it cannot be."""
        self.buttons[PROBE].setEnabled(is_allowed)
        self.notes[PROBE].setText(reason if reason and not is_allowed else _AFTERWARDS[PROBE])

    def say_costs(self, costs: dict[bool, str]) -> None:
        """Say what each way takes, before what comes out of it."""
        for way, cost in costs.items():
            if way is FULL or self.buttons[way].isEnabled():
                self.notes[way].setText(f"{cost} {_AFTERWARDS[way]}".strip())


def cost_texts(cost: Weighed, train: int, val: int, epochs: int, imgsz: int) -> dict[bool, str]:
    """Return what each way takes on this computer, in words.

    Args:
        cost: What an image takes.
        train: Images to learn from.
        val: Images to check on.
        epochs: How often they are gone through.
        imgsz: Side of the pictures, which may be another one than was measured.
    """
    scale = (imgsz / cost.imgsz) ** 2
    found = {}
    for way, seconds in ((FULL, cost.full_s), (PROBE, cost.probe_s)):
        epoch = (train * seconds + val * cost.seen_s) * scale
        found[way] = tr("About {all} here, {epoch} an epoch.").format(
            all=duration_text(epoch * epochs), epoch=duration_text(max(epoch, 1))
        )
    return found
