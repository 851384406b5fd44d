"""The activity rail at the left: the places of the program."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from studio.theme import tokens

_WIDTH = 72  # 48 px of icon column plus room for the longest word, "Annotate", at 11 px


class Rail(QFrame):
    """One button for each page; the last one (Settings) stands at the foot.

    Args:
        pages: Checkable actions of one exclusive group.
    """

    def __init__(self, pages: list[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setFixedWidth(_WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(tokens.SPACE_XS, tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S)
        column.setSpacing(tokens.SPACE_XS)
        self.buttons: dict[str, QToolButton] = {}
        for action in pages[:-1]:
            column.addWidget(self._button(action))
        column.addStretch()
        column.addWidget(self._button(pages[-1]))

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(action)
        button.setProperty("kind", "rail")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(tokens.ICON_SIZE, tokens.ICON_SIZE))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setFixedHeight(tokens.RAIL_WIDTH)
        self.buttons[action.text()] = button
        return button
