"""The list of keyboard shortcuts, made from the table of actions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from studio.theme import tokens
from studio.widgets.text_label import TextLabel

# Keys that belong to the shape in hand are the tools' own.
CANVAS_KEYS = (
    ("Close the shape", "Enter, double click, click on the first vertex"),
    ("Take back the last vertex", "Backspace"),
    ("Leave the shape without a trace", "Escape"),
    ("Delete the selected shapes or vertices", "Delete"),
    ("Insert a vertex", "drag the middle of an edge"),
    ("Remove a vertex", "Alt + click"),
    ("Nudge by one pixel, by ten", "arrows, Shift + arrows"),
    ("Pan", "Space + drag, middle button"),
    ("Zoom to the cursor", "wheel, Ctrl + wheel"),
)


class ShortcutsDialog(QDialog):
    """Groups of (what, keys) rows.

    Args:
        groups: Title and rows of each group.
    """

    def __init__(
        self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(560, 640)
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(tokens.SPACE_XL, tokens.SPACE_L, tokens.SPACE_XL, tokens.SPACE_L)
        grid.setHorizontalSpacing(tokens.SPACE_XL)
        row = 0
        for title, rows in (*groups, ("On the canvas", CANVAS_KEYS)):
            grid.addWidget(TextLabel(title, "section"), row, 0, 1, 2)
            row += 1
            for what, keys in rows:
                grid.addWidget(TextLabel(what), row, 0)
                grid.addWidget(TextLabel(keys, "secondary"), row, 1, Qt.AlignmentFlag.AlignRight)
                row += 1
            grid.setRowMinimumHeight(row, tokens.SPACE_M)
            row += 1
        grid.setRowStretch(row, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
