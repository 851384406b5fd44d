"""An error or a note that stays in the window: what happened, what to do, a button that does it, and the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from studio.language import tr, tr_engine
from studio.theme import tokens
from studio.theme.icons import pixmap
from studio.theme.theme import current_colors
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.text_label import TextLabel

Tone = Literal["info", "success", "warning", "danger"]

_INKS = {
    "info": "accent_text",
    "success": "success_text",
    "warning": "warning_text",
    "danger": "danger_text",
}
_DETAILS_HEIGHT = 160


class MessageBanner(QFrame):
    """Hidden until :meth:`show_message`; what the engine said is shown in the window's language.

    Signals:
        dismissed: The person closed it.
    """

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone: Tone = "info"
        self._action: Callable[[], object] | None = None
        self._said = ""
        self._icon = QLabel()
        self._what = TextLabel("", wrap=True)
        self._todo = TextLabel("", "secondary", wrap=True)
        self.action_button = TextButton("")
        self.action_button.clicked.connect(self._on_action)
        self.details_button = TextButton(tr("Details"), "link")
        self.details_button.setCheckable(True)
        self.details_button.toggled.connect(self._on_details)
        self.close_button = IconButton("close", tr("Dismiss"), size_px=16)
        self.close_button.clicked.connect(self._on_close)
        self._details = QPlainTextEdit(readOnly=True)
        self._details.setMaximumHeight(_DETAILS_HEIGHT)
        self._details.setAccessibleName(tr("Details"))
        self.copy_button = TextButton(tr("Copy details"), "quiet", "copy")
        self.copy_button.clicked.connect(self._on_copy)
        self._lay_out()
        self.hide()

    def show_message(
        self,
        what: str,
        todo: str = "",
        *,
        tone: Tone = "danger",
        action_text: str = "",
        action: Callable[[], object] | None = None,
        details: str = "",
    ) -> None:
        """Show a message in place of the last one.

        Args:
            what: What happened, one sentence.
            todo: What the person can do, one sentence.
            tone: How grave it is.
            action_text: Words of the button that does it; no button without ``action``.
            action: Called when that button is pressed.
            details: The record behind it (a traceback), shown on request.
        """
        self._tone, self._action = tone, action
        self._said = " ".join(filter(None, (what, todo)))
        self._what.setText(tr_engine(what))
        self._todo.setText(tr_engine(todo))
        self._todo.setVisible(bool(todo))
        self.action_button.setText(action_text)
        self.action_button.setVisible(action is not None)
        self.details_button.setChecked(False)
        self.details_button.setVisible(bool(details))
        self._details.setPlainText(details)
        self._on_details(False)
        self.setProperty("tone", tone)
        self.style().unpolish(self)
        self.style().polish(self)
        self._recolor()
        self.show()

    def add(self, more: str) -> None:
        """Say something more behind the message that shows."""
        self._todo.setText(" ".join(filter(None, (self._todo.text(), more))))
        self._todo.show()

    def text(self) -> str:
        """Return what is said, for tests and screen readers."""
        return " ".join(filter(None, (self._what.text(), self._todo.text())))

    def details(self) -> str:
        """Return the record."""
        return self._details.toPlainText()

    def _on_action(self) -> None:
        if self._action is not None:
            self._action()

    def _on_details(self, shown: bool) -> None:
        self._details.setVisible(shown)
        self.copy_button.setVisible(shown)

    def _on_copy(self) -> None:
        """Copy the record with the engine's own words: who gets it searches for these."""
        QGuiApplication.clipboard().setText(f"{self._said}\n\n{self.details()}")

    def _on_close(self) -> None:
        self.hide()
        self.dismissed.emit()

    def _recolor(self) -> None:
        ink = getattr(current_colors(), _INKS[self._tone])
        self._icon.setPixmap(pixmap(self._tone, ink, tokens.ICON_SIZE, self.devicePixelRatioF()))

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(tokens.SPACE_XS)
        words.addWidget(self._what)
        words.addWidget(self._todo)
        top = Qt.AlignmentFlag.AlignTop
        row = QHBoxLayout()
        row.setSpacing(tokens.SPACE_S)
        row.addWidget(self._icon, 0, top)
        row.addLayout(words, 1)
        for button in (self.details_button, self.action_button, self.close_button):
            row.addWidget(button, 0, top)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S)
        layout.setSpacing(tokens.SPACE_S)
        layout.addLayout(row)
        layout.addWidget(self._details)
        layout.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignLeft)

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon again in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._icon.pixmap():
            self._recolor()
