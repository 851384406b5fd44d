"""The main window: rail and pages side by side, menus above, status below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from studio.actions.registry import Actions
from studio.main_window.rail import Rail
from studio.main_window.status_bar import StatusBar
from studio.theme.icons import application_icon
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow

PAGES = ("annotate", "dataset", "train", "models", "explore", "settings")


class MainWindow(QMainWindow):
    """Holds the pages by name and shows one.

    Signals:
        dropped(paths): Files or folders were dropped on the window.
        closing(): The window is about to close.

    Attributes:
        may_close: Asked before the window closes; False keeps it open.
    """

    dropped = Signal(list)
    closing = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Maskwright")
        self.setWindowIcon(application_icon())
        self.setMinimumSize(1100, 700)
        self.resize(1440, 900)
        self.setAcceptDrops(True)
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.banner = MessageBanner()
        self.progress = ProgressRow("")
        self.progress.hide()
        self.stack = QStackedWidget()
        self._pages: dict[str, QWidget] = {}
        self.rail: Rail | None = None
        self.may_close: Callable[[], bool] = lambda: True
        self._body = QHBoxLayout()
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.setSpacing(0)
        central = QWidget()
        central.setLayout(self._body)
        self.setCentralWidget(central)

    def set_actions(self, actions: Actions) -> None:
        """Build the menus and the rail."""
        actions.fill_menus(self.menuBar())
        self.rail = Rail([actions[f"page.show:{name}"] for name in PAGES])
        line = QFrame()
        line.setProperty("role", "hairline")
        line.setStyleSheet("max-height: 16777215px; max-width: 1px; min-width: 1px;")
        column = QVBoxLayout()
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.banner, self.progress):
            column.addWidget(widget)
        column.addWidget(self.stack, 1)
        self._body.addWidget(self.rail)
        self._body.addWidget(line)
        self._body.addLayout(column, 1)

    def set_pages(self, pages: Mapping[str, QWidget]) -> None:
        """Put pages in place; those of the same name that were there are deleted."""
        shown = self.current_page() if self._pages else ""
        replaced = [
            old
            for name, page in pages.items()
            if (old := self._pages.get(name)) is not None and old is not page
        ]
        for name, page in pages.items():
            self._pages[name] = page
            if self.stack.indexOf(page) < 0:
                self.stack.addWidget(page)
        if shown:  # before the old one goes, or its neighbour would show for a moment
            self.stack.setCurrentWidget(self._pages[shown])
        for old in replaced:
            self.stack.removeWidget(old)
            old.deleteLater()

    def page(self, name: str) -> QWidget:
        """Return a page by its name."""
        return self._pages[name]

    def has_page(self) -> bool:
        """Tell whether there is a page to show."""
        return bool(self._pages)

    def show_page(self, name: str) -> None:
        """Show a page."""
        self.stack.setCurrentWidget(self._pages[name])

    def current_page(self) -> str:
        """Return the name of the page that shows."""
        shown = self.stack.currentWidget()
        return next(name for name, page in self._pages.items() if page is shown)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand over what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.dropped.emit(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Tell that the window closes, where it may; trainings go on."""
        if not self.may_close():
            event.ignore()
            return
        self.closing.emit()
        super().closeEvent(event)
