"""The row of buttons at the foot of a dialog."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.theme import tokens


def button_row(*buttons: QWidget, before: tuple[QWidget, ...] = ()) -> QHBoxLayout:
    """Return a row with buttons at its right end, what the dialog is for last.

    Args:
        buttons: From left to right.
        before: What stands at the left end: a sentence, or buttons for something else.
    """
    row = QHBoxLayout()
    row.setSpacing(tokens.SPACE_S)
    for widget in before:
        row.addWidget(widget)
    row.addStretch(1)
    for button in buttons:
        row.addWidget(button)
    return row
