"""One line of a form: label, control, help, and a way back to the default when the value was changed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.widgets.icon_button import IconButton
from studio.widgets.text_label import TextLabel

LABEL_WIDTH = 144


class FormRow(QWidget):
    """A label left, a control right, help below in small; an error takes the place of the help.

    Signals:
        reset_asked: The person wants the default back.
    """

    reset_asked = Signal()

    def __init__(
        self,
        label: str,
        control: QWidget,
        help_text: str = "",
        parent: QWidget | None = None,
        *,
        label_width: int = LABEL_WIDTH,
    ) -> None:
        super().__init__(parent)
        self._label_width = label_width
        self.control = control
        self._label_text = label
        self._help_text = help_text
        self._label = TextLabel(label)
        self._label.setFixedWidth(label_width)
        self._label.setFixedHeight(tokens.TOOL_SIZE)  # beside the first line of a tall control
        self._label.setToolTip(help_text)
        self._label.setBuddy(control)
        self._help = TextLabel(help_text, "caption", wrap=True)
        if not help_text:  # to show it before it has a parent would open a window of its own
            self._help.hide()
        control.setAccessibleName(label)
        self.reset_button = IconButton("reset", tr("Back to the default"), size_px=16)
        self.reset_button.clicked.connect(self.reset_asked)
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # the control must not move when the mark appears
        self.reset_button.setSizePolicy(policy)
        self.reset_button.hide()
        self._lay_out()

    def set_changed(self, changed: bool, default_text: str = "") -> None:
        """Mark that the value differs from the default, and offer the way back."""
        self.reset_button.setVisible(changed)
        self.reset_button.setToolTip(
            tr("Back to the default {default_text}").format(default_text=default_text).rstrip()
        )
        self._label.setText(f"{self._label_text} •" if changed else self._label_text)

    def set_error(self, error: str) -> None:
        """Show what is wrong with the value; an empty text takes it away."""
        self.control.setProperty("invalid", "true" if error else "false")
        self.control.style().unpolish(self.control)
        self.control.style().polish(self.control)
        self._help.setText(error or self._help_text)
        self._help.set_role("danger" if error else "caption")
        self._help.setVisible(bool(error or self._help_text))

    def set_help(self, text: str) -> None:
        """Show another help below the control."""
        self._help_text = text
        self.set_error("")

    def help_text(self) -> str:
        """Return the line below the control."""
        return self._help.text()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(self._label, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.control, 1)
        line.addWidget(self.reset_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_XS)
        layout.addLayout(line)
        below = QHBoxLayout()
        below.addSpacing(self._label_width + tokens.SPACE_S)
        below.addWidget(self._help, 1)
        layout.addLayout(below)
