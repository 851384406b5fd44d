"""Starts the window, or takes a picture of it."""

from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace
from pathlib import Path

from PySide6.QtCore import (
    QCoreApplication,
    QEvent,
    QLibraryInfo,
    Qt,
    QThread,
    QTimer,
    QTranslator,
)
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from engine.runtime.errors import EngineError
from studio.app.studio import Studio, install_excepthook
from studio.language import tr
from studio.language.chosen import chosen_language

_SETTLE_MS = (
    400  # what arrives late (thumbnails, runs, pictures) has this long without news to arrive
)
_SETTLE_LIMIT_S = 15.0
# Qt shares large fills and smooth scaling among threads of its own and waits for them. Where the few cores have other
# work, such as painting labels, a frame waits for up to 100 ms; done at once it takes 10.
_FEW_CORES = 2


class ScreenshotError(EngineError, OSError):
    """A picture of the window that could not be written."""


def build_application(arguments: list[str] | None = None) -> QApplication:
    """Return the Qt application with the program's name and rounding rules."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    paint_at_once_on_few_cores()
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    application = QApplication(arguments or sys.argv[:1])
    application.setApplicationName("Maskwright")
    application.setDesktopFileName("maskwright")
    _translate_qt(application)
    return application


def paint_at_once_on_few_cores() -> None:
    """Let Qt paint in the thread that asks where cores are few; to be called before anything is painted."""
    if QThread.idealThreadCount() <= _FEW_CORES:
        os.environ.setdefault("QT_NO_GUI_THREADPOOL", "1")


def launch(path: Path | None, options: Namespace) -> int:
    """Open the window on ``path`` and run until it is closed, or save a picture and return.

    Args:
        path: A project, folder, image or data.yaml; None for the start screen.
        options: ``screenshot``, ``panel``, ``theme`` and ``size`` of the command line.
    """
    if options.screenshot is not None and not _has_display():
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = build_application()
    studio = Studio(application)
    if options.theme:
        studio.theme.set_mode(options.theme)
    if options.screenshot is None:
        spare_collections()
        studio.restore_window()
    studio.keeps_layout = options.screenshot is None
    if options.size:
        studio.window.resize(*options.size)
    install_excepthook(studio.window)
    studio.window.show()
    if path is not None:
        studio.files.open_paths([path])
    show_panel(studio, options.panel)
    if options.screenshot is None:
        return application.exec()
    taken = take_picture(studio, options.screenshot)
    sys.stdout.write(f"{taken}\n")
    return 0


def spare_collections() -> None:
    """Let garbage collections pass by all that exists now, because it stays to the end.

    To look through the modules and the window again and again holds the window for 50 ms each time: a stall while
    somebody scrolls. To be called before a project is opened, which is collected when it is closed.
    """
    gc.freeze()


def show_panel(studio: Studio, panel: str) -> None:
    """Go to a page; ``export`` is on the Models page."""
    studio.show_page("models" if panel == "export" else panel)
    if panel == "export":
        studio.show_export()


def take_picture(studio: Studio, file: Path) -> Path:
    """Wait until the window has settled, save it as PNG and close it.

    Raises:
        ScreenshotError: The file cannot be written.
    """
    settle(studio)
    picture = studio.window.grab()
    file = file.expanduser().absolute()
    file.parent.mkdir(parents=True, exist_ok=True)
    saved = picture.save(str(file), "PNG")
    studio.window.close()
    if not saved:
        raise ScreenshotError(
            tr("the picture cannot be written."), path=file, remedy=tr("Choose another folder.")
        )
    return file


def settle(studio: Studio, quiet_ms: int = _SETTLE_MS) -> None:
    """Run the event loop until nothing long is under way and what comes late had time to come."""
    done = [False]
    waited = [0.0]

    def look() -> None:
        waited[0] += quiet_ms / 1000
        if not studio.is_busy() or waited[0] > _SETTLE_LIMIT_S:
            done[0] = True
        else:
            QTimer.singleShot(quiet_ms, look)

    QTimer.singleShot(quiet_ms, look)
    while not done[0]:
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QCoreApplication.processEvents()


def _translate_qt(application: QApplication) -> None:
    """Let what Qt says by itself (buttons of message boxes, its file dialog) be in the window's language."""
    translator = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if translator.load(f"qtbase_{chosen_language()}", folder):
        application.installTranslator(translator)


def _has_display() -> bool:
    return sys.platform != "linux" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
