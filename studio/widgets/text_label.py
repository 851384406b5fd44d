"""A label in one of the roles of the stylesheet."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from studio.theme import tokens
from studio.theme.fonts import font

Role = Literal[
    "body", "title", "number", "section", "secondary", "caption", "danger", "warning", "success"
]


class TextLabel(QLabel):
    """Plain text; sentences wrap, ``number`` has digits of equal width so that it does not jitter."""

    def __init__(
        self,
        text: str = "",
        role: Role = "body",
        *,
        wrap: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self.setTextFormat(Qt.TextFormat.PlainText)  # file names may hold < and &
        self.setProperty("role", role)
        self.setWordWrap(wrap)
        if role == "number":
            self.setFont(font(tokens.FONT_NUMBER, bold=True, tabular=True))

    def set_role(self, role: Role) -> None:
        """Change the role; the stylesheet follows at once."""
        self.setProperty("role", role)
        self.style().unpolish(self)
        self.style().polish(self)
