"""The head of a section: its name, and small buttons at its right."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from studio.theme import tokens
from studio.widgets.text_label import TextLabel


class SectionHeader(QWidget):
    """A caption line; ``note`` is a number or a word in the secondary colour after the title."""

    def __init__(self, title: str, note: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = TextLabel(title, "section")
        self._note = TextLabel(note, "caption")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(tokens.SPACE_S)
        self._row.addWidget(self._title)
        self._row.addWidget(self._note)
        self._row.addStretch()
        self.setMinimumHeight(tokens.CONTROL_HEIGHT)

    def set_note(self, note: str) -> None:
        """Change the word after the title."""
        self._note.setText(note)

    def add_button(self, button: QWidget) -> None:
        """Put a control at the right end."""
        self._row.addWidget(button)
