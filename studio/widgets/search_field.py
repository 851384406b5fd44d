"""A field to search in; Escape empties it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from studio.language import tr
from studio.theme.icons import icon
from studio.theme.theme import current_colors

_PAUSE_MS = 150  # long enough not to search at every key, short enough to feel immediate


class SearchField(QLineEdit):
    """A line with a magnifying glass and a cross.

    Signals:
        search_changed: The text, after a short pause in typing; at once for Enter and when emptied.
    """

    search_changed = Signal(str)

    def __init__(self, placeholder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        placeholder = placeholder or tr("Search")
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setClearButtonEnabled(True)
        self._glass: QAction = self.addAction(
            icon("search", current_colors(), color=current_colors().secondary),
            QLineEdit.ActionPosition.LeadingPosition,
        )
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._announce)
        self.textChanged.connect(self._on_text_changed)
        self.returnPressed.connect(self._announce)
        self._announced = ""

    def show_text(self, text: str) -> None:
        """Show a search that was made elsewhere, without announcing it."""
        self._announced = text
        self.setText(text)
        self._pause.stop()

    def _on_text_changed(self, text: str) -> None:
        if text:
            self._pause.start()
        else:
            self._announce()

    def _announce(self) -> None:
        self._pause.stop()
        if self.text() != self._announced:
            self._announced = self.text()
            self.search_changed.emit(self._announced)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Empty the field on Escape; an empty field lets Escape through."""
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the glass again in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_glass"):
            colors = current_colors()
            self._glass.setIcon(icon("search", colors, color=colors.secondary))
