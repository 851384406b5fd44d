"""One call for many signals, and none for a widget that nobody sees."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget


class LateCall(QTimer):
    """Calls once after it was asked, however often that was, if its widget shows then.

    What a hidden widget missed it has to look up when it is shown. A widget of a project that was closed
    meanwhile is hidden, so the call never meets a closed database.

    Args:
        widget: Whose call it is.
        call: What to do.
        pause_ms: How long to wait for more.
    """

    def __init__(self, widget: QWidget, call: Callable[[], object], pause_ms: int = 0) -> None:
        super().__init__(widget)
        self._widget, self._call = widget, call
        self.setSingleShot(True)
        self.setInterval(pause_ms)
        self.timeout.connect(self._run)

    def ask(self, *_: object) -> None:
        """Ask for the call; a signal's values are let go."""
        if self._widget.isVisible():
            self.start()

    def _run(self) -> None:
        if self._widget.isVisible():
            self._call()
