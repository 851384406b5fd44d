"""Long work in one row: what runs, how far it is, how long it takes still, and Cancel."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_SHOW_TIME_AFTER_S = 1.0  # an estimate from less than a second only flickers


class ProgressRow(QWidget):
    """A title, a bar, the time left and a Cancel button.

    Signals:
        cancelled: The person asked to stop; the row then says so until :meth:`finish` is called.
    """

    cancelled = Signal()

    def __init__(
        self,
        title: str,
        parent: QWidget | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._started = clock()
        self._title = TextLabel(title)
        self._left = TextLabel("", "secondary")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 0)
        self.cancel_button = TextButton(tr("Cancel"), "quiet")
        self.cancel_button.clicked.connect(self._on_cancel)
        self._lay_out()

    def start(self, title: str | None = None) -> None:
        """Begin again at nothing done."""
        self._started = self._clock()
        self._bar.setRange(0, 0)
        self._left.clear()
        self.cancel_button.setEnabled(True)
        self.cancel_button.setVisible(True)
        if title is not None:
            self._title.setText(title)

    def set_title(self, title: str) -> None:
        """Say what is being done now."""
        self._title.setText(title)

    def set_progress(self, done: float, total: float, left_s: float | None = None) -> None:
        """Show how far the work is.

        Args:
            done: Finished units, 0..total.
            total: Units in all; 0 while nobody knows (the bar then only moves).
            left_s: Seconds left, where the work itself knows; else estimated from the time gone by.
        """
        if total <= 0:
            self._bar.setRange(0, 0)
            return
        share = min(1.0, max(0.0, done / total))
        self._bar.setRange(0, 1000)
        self._bar.setValue(round(share * 1000))
        elapsed = self._clock() - self._started
        if left_s is None and share > 0 and elapsed >= _SHOW_TIME_AFTER_S:
            left_s = elapsed * (1 - share) / share
        if self.cancel_button.isEnabled() and left_s is not None:
            self._left.setText(format_left(left_s))

    def finish(self, text: str = "") -> None:
        """Show that the work has ended."""
        self._bar.setRange(0, 1000)
        self._bar.setValue(1000)
        self._left.setText(text or tr("Done"))
        self.cancel_button.setVisible(False)

    def title_text(self) -> str:
        """Return what is said to be done now."""
        return self._title.text()

    def left_text(self) -> str:
        """Return what is said about the time left."""
        return self._left.text()

    def share(self) -> float:
        """Return the part done, 0..1; 0 while unknown."""
        return self._bar.value() / 1000 if self._bar.maximum() else 0.0

    def _on_cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self._left.setText(tr("Stopping"))
        self.cancelled.emit()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(tokens.SPACE_S)
        top.addWidget(self._title, 1)
        top.addWidget(self._left)
        top.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(tokens.SPACE_XS)
        layout.addLayout(top)
        layout.addWidget(self._bar)


def format_left(seconds: float) -> str:
    """Return the time left as people say it, in ever coarser steps.

    >>> format_left(4000)
    '1 h 7 min left'
    """
    if seconds < 5:
        return tr("A few seconds left")
    if seconds < 60:
        return tr("{seconds} s left").format(seconds=int(seconds // 5 * 5))
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{minutes} min left").format(minutes=minutes)
    hours, minutes = divmod(minutes, 60)
    return (
        tr("{hours} h {minutes} min left").format(hours=hours, minutes=minutes)
        if hours < 24
        else tr("{hours} d {hours_2} h left").format(hours=hours // 24, hours_2=hours % 24)
    )
