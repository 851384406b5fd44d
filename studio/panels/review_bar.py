"""The bar above the canvas while suggestions are reviewed image by image: where one is, and what the keys do."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from studio.language import ntr, tr
from studio.theme import tokens
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.text_label import TextLabel

_BUTTONS = (
    ("accept", tr("Accept"), "accept"),
    ("reject", tr("Reject"), "reject"),
    ("fix", tr("Fix"), "edit"),
    ("next", tr("Next"), "next"),
)


class ReviewBar(QFrame):
    """Buttons for what the keys do; hidden while nobody reviews.

    Signals:
        asked(str): ``accept``, ``reject``, ``fix``, ``next``, ``gallery`` or ``leave``.
    """

    asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "strip")
        self.words = TextLabel("", "secondary")
        line = QHBoxLayout(self)
        line.setContentsMargins(tokens.SPACE_M, tokens.SPACE_XS, tokens.SPACE_S, tokens.SPACE_XS)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(TextLabel(tr("Review")))
        line.addSpacing(tokens.SPACE_S)
        line.addWidget(self.words, 1)
        self.buttons = {name: TextButton(text, "normal", icon) for name, text, icon in _BUTTONS}
        self.buttons["gallery"] = TextButton(tr("As a gallery"), "quiet", "grid")
        self.leave_button = IconButton("close", tr("Leave the review"), size_px=14)
        for button in (*self.buttons.values(), self.leave_button):
            line.addWidget(button)
        for name, button in self.buttons.items():
            button.clicked.connect(lambda _=False, name=name: self.asked.emit(name))
        self.leave_button.clicked.connect(lambda: self.asked.emit("leave"))
        self.hide()

    def set_tips(self, tips: dict[str, str]) -> None:
        """Say on the buttons what they do and which keys do the same."""
        for name, tip in tips.items():
            self.buttons[name].setToolTip(tip)

    def show_place(self, place: int | None, here: int, images: int, what: str = "") -> None:
        """Tell where one is.

        Args:
            place: Of the marked suggestion among those of the image, from 0; None: none is marked.
            here: Suggestions on the image.
            images: Images with suggestions.
            what: The class of the marked one, and its score.
        """
        if place is None:
            mine = tr("Correct the shape, then go on")
        else:
            mine = tr("Suggestion {place:,} of {count:,}").format(place=place + 1, count=here)
            mine = f"{mine}: {what}" if what else mine
        others = ntr("{count:,} image waits", "{count:,} images wait", images).format(count=images)
        self.words.setText(f"{mine} · {others}")
        for name in ("accept", "reject", "fix"):
            self.buttons[name].setEnabled(place is not None)
