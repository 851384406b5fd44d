"""Pause, stop and resume: the buttons that fit a run's state."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.language import tr
from studio.model.runs import RunSnapshot, RunState
from studio.theme import tokens
from studio.widgets.icon_button import ButtonKind, TextButton

# key, words, kind, icon, tool tip
_BUTTONS: tuple[tuple[str, str, ButtonKind, str, str], ...] = (
    ("pause", tr("Pause"), "normal", "pause", tr("Hold the training between two batches")),
    ("continue", tr("Continue"), "primary", "play", tr("Go on from where it was paused")),
    (
        "stop_after_epoch",
        tr("Stop after this epoch"),
        "normal",
        "stop",
        tr("Finish the epoch, validate and save, then end"),
    ),
    (
        "stop",
        tr("Stop now"),
        "normal",
        "stop",
        tr("End between two batches; the last finished epoch is kept"),
    ),
    ("resume", tr("Resume"), "primary", "play", tr("Go on after the last saved epoch")),
    (
        "validation",
        tr("Look at the results"),
        "normal",
        "validate",
        tr("Per class, curve, confusion, images"),
    ),
    ("predict", tr("Predict"), "normal", "predict", tr("Let this model suggest labels")),
    ("export", tr("Export"), "normal", "export", tr("Write this model for other programs")),
)
_RUNNING = frozenset({"pause", "stop_after_epoch", "stop"})
_FITTING: dict[RunState, frozenset[str]] = {
    RunState.QUEUED: frozenset({"stop"}),
    RunState.STARTING: frozenset({"stop"}),
    RunState.RUNNING: _RUNNING,
    RunState.PAUSED: frozenset({"continue", "stop_after_epoch", "stop"}),
    RunState.STOPPING: frozenset({"stop"}),
    RunState.FINISHED: frozenset(),
    RunState.STOPPED: frozenset(),
    RunState.FAILED: frozenset(),
}


class RunButtons(QWidget):
    """The row of buttons.

    Signals:
        pressed(str): The key of the button.
    """

    pressed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[str, TextButton] = {}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_S)
        for key, text, kind, icon_name, tip in _BUTTONS:
            button = TextButton(text, kind, icon_name)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, key=key: self.pressed.emit(key))
            button.hide()
            self._buttons[key] = button
            layout.addWidget(button)

    def button(self, key: str) -> TextButton:
        """Return the button of that key."""
        return self._buttons[key]

    def show_for(self, run: RunSnapshot, *, has_validation: bool) -> None:
        """Show what can be done with the run as it is."""
        fitting = set(_FITTING[run.state])
        if run.can_resume:
            fitting.add("resume")
        if has_validation:
            fitting.add("validation")
        if not run.state.is_alive and run.best.is_file():
            fitting |= {"predict", "export"}
        for key, button in self._buttons.items():
            button.setVisible(key in fitting)
