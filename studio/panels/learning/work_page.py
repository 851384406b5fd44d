"""How a page of this tab is laid out: what to do at the top, what came of it below, what to do with it at the foot."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from studio.theme import tokens
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow


def stacked(*widgets: QWidget) -> QStackedWidget:
    """Return a place that shows one of these, the first at the beginning."""
    stack = QStackedWidget()
    for widget in widgets:
        stack.addWidget(widget)
    return stack


def lay_out(
    page: QWidget,
    head: tuple[Sequence[QWidget], Sequence[QWidget]],
    shown: QWidget,
    foot: tuple[QWidget, Sequence[QWidget]],
    told: tuple[MessageBanner, ProgressRow],
) -> None:
    """Lay a page out.

    Args:
        page: It gets the layout.
        head: What is asked for, at the left, and what narrows the answer, at the right.
        shown: The answer; it gets all the room.
        foot: A sentence about it, and what can be done with it, at the right.
        told: What went wrong, above all, and how far the work is, above the answer.
    """
    banner, progress = told
    above, below = _line(), _line()
    for widget in head[0]:
        above.addWidget(widget)
    above.addStretch(1)
    for widget in head[1]:
        above.addWidget(widget)
    below.addWidget(foot[0], 1)
    for widget in foot[1]:
        below.addWidget(widget)
    layout = QVBoxLayout(page)
    layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_M)
    layout.setSpacing(tokens.SPACE_M)
    layout.addWidget(banner)
    layout.addLayout(above)
    layout.addWidget(progress)
    layout.addWidget(shown, 1)
    layout.addLayout(below)


def _line() -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(tokens.SPACE_S)
    return line
