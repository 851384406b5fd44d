"""Buttons whose icon keeps the colours of the scheme in force."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from studio.theme import tokens
from studio.theme.icons import icon
from studio.theme.theme import current_colors

ButtonKind = Literal["normal", "primary", "danger", "quiet", "link"]


class IconButton(QToolButton):
    """An icon, with a word beside or under it where ``text`` is given; the tool tip names what it does."""

    def __init__(
        self,
        icon_name: str,
        tool_tip: str,
        *,
        text: str = "",
        size_px: int = tokens.ICON_SIZE,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self.setProperty("kind", "tool")
        self.setToolTip(tool_tip)
        self.setAccessibleName(text or tool_tip)
        self.setIconSize(QSize(size_px, size_px))
        if text:
            self.setText(text)
            self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._recolor()

    def set_icon_name(self, icon_name: str) -> None:
        """Show another icon."""
        self._icon_name = icon_name
        self._recolor()

    def _recolor(self) -> None:
        self.setIcon(icon(self._icon_name, current_colors()))

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon again in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._recolor()


class TextButton(QPushButton):
    """A button that says what it does, with an optional icon before the words."""

    def __init__(
        self,
        text: str,
        kind: ButtonKind = "normal",
        icon_name: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, parent)
        self._icon_name = icon_name
        self.setProperty("kind", kind)
        self._recolor()

    def _recolor(self) -> None:
        if self._icon_name is None:
            return
        colors = current_colors()
        filled = self.property("kind") in ("primary", "danger")
        self.setIcon(icon(self._icon_name, colors, color=colors.on_accent if filled else None))

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon again in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._recolor()
