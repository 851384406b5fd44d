"""A number that matters, large, with its caption."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from studio.widgets.text_label import TextLabel


class Stat(QWidget):
    """``value`` above ``caption``; ``note`` says in small what it compares to, for instance the best epoch."""

    def __init__(
        self, caption: str, value: str = "-", note: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._caption = caption
        self._value = TextLabel(value, "number")
        self._note = TextLabel(note, "caption")
        self._note.setVisible(bool(note))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._caption_label = TextLabel(caption, "secondary")
        layout.addWidget(self._value)
        layout.addWidget(self._caption_label)
        layout.addWidget(self._note)
        layout.addStretch()
        self._describe()

    def set_value(self, value: str, note: str | None = None) -> None:
        """Show another number, and another note where one is given."""
        self._value.setText(value)
        if note is not None:
            self._note.setText(note)
            self._note.setVisible(bool(note))
        self._describe()

    def set_caption(self, caption: str) -> None:
        """Call the number something else."""
        self._caption = caption
        self._caption_label.setText(caption)
        self._describe()

    def caption(self) -> str:
        """Return what the number is called."""
        return self._caption

    def value(self) -> str:
        """Return the number as shown."""
        return self._value.text()

    def _describe(self) -> None:
        self.setAccessibleName(f"{self._caption}: {self._value.text()}")
