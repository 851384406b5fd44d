"""A page whose content is made when it is first looked at: a window that starts builds only what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

Page = TypeVar("Page", bound=QWidget)


class LatePage(QWidget, Generic[Page]):
    """Stands for a page until it shows, then holds it.

    Args:
        make: Builds the page; called once at most, in the window's thread.
    """

    def __init__(self, make: Callable[[], Page], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self._content: Page | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def content(self) -> Page:
        """The page; made now if it was not there yet."""
        if self._content is None:
            self._content = self._make()
            self._layout.addWidget(self._content)
            self._content.show()  # else Qt would wait for the next turn of its loop
            self.setFocusProxy(self._content)
        return self._content

    @property
    def is_made(self) -> bool:
        """Whether the page is there already."""
        return self._content is not None

    def showEvent(self, event: QShowEvent) -> None:
        """Make the page before it is painted for the first time."""
        _ = self.content
        super().showEvent(event)
