"""What an empty place shows: what will be here, and the first step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from studio.theme import tokens
from studio.theme.icons import pixmap
from studio.theme.theme import current_colors
from studio.widgets.icon_button import ButtonKind, TextButton
from studio.widgets.text_label import TextLabel

_TEXT_WIDTH = 420  # about 60 characters: a line that reads well


@dataclass(frozen=True, slots=True)
class Step:
    """One button of an empty place."""

    text: str
    do: Callable[[], object]
    kind: ButtonKind = "normal"
    icon_name: str | None = None


class EmptyState(QWidget):
    """An icon, a title, a sentence and buttons, in the middle of the place."""

    def __init__(
        self,
        title: str,
        sentence: str,
        steps: Sequence[Step] = (),
        icon_name: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon_name = icon_name
        self._picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        if icon_name is None:  # to show it before it has a parent would open a window of its own
            self._picture.hide()
        self._title = TextLabel(title, "title")
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence = TextLabel(sentence, wrap=True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence.setFixedWidth(_TEXT_WIDTH)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(tokens.SPACE_S)
        self._shown: list[TextButton] = []
        self._lay_out()
        self.set_steps(steps)
        self._recolor()

    def set_text(self, title: str, sentence: str) -> None:
        """Change what is said."""
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._fit()

    def set_steps(self, steps: Sequence[Step]) -> None:
        """Change the buttons."""
        for old in self._shown:
            self._buttons.removeWidget(old)
            old.hide()  # before it is deleted, which takes until the next event
            old.deleteLater()
        self._shown.clear()
        for step in steps:
            button = TextButton(step.text, step.kind, step.icon_name)
            self._shown.append(button)
            button.clicked.connect(lambda _=False, do=step.do: do())
            self._buttons.addWidget(button)

    def buttons(self) -> list[TextButton]:
        """Return the buttons from left to right."""
        return list(self._shown)

    def _lay_out(self) -> None:
        center = Qt.AlignmentFlag.AlignHCenter
        layout = QVBoxLayout(self)
        layout.setSpacing(tokens.SPACE_S)
        layout.addStretch()
        layout.addWidget(self._picture, 0, center)
        layout.addWidget(self._title, 0, center)
        layout.addWidget(self._sentence, 0, center)
        layout.addSpacing(tokens.SPACE_S)
        row = QHBoxLayout()
        row.addStretch()
        row.addLayout(self._buttons)
        row.addStretch()
        layout.addLayout(row)
        layout.addStretch()

    def _recolor(self) -> None:
        if self._icon_name is not None:
            ratio = self.devicePixelRatioF()
            ink = current_colors().secondary
            self._picture.setPixmap(pixmap(self._icon_name, ink, tokens.ICON_SIZE_LARGE, ratio))

    def showEvent(self, event: QShowEvent) -> None:
        """Give the sentence all its lines: a layout that centres asks a label for one line only."""
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        height = self._sentence.heightForWidth(_TEXT_WIDTH)
        self._sentence.setMinimumHeight(max(height, 0))  # without a sentence there is no height

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon again in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._recolor()
