"""Photographs scenes: brings the window to its size, takes the picture, hands it to a process that saves it."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from docs.scenes.paper import SUFFIX, save
from studio.theme.theme import current_colors

if TYPE_CHECKING:
    from docs.scenes.scene import Scene, Shot
    from docs.scenes.stage import Stage


class Camera:
    """A context; at its end all pictures are on disk.

    Args:
        folder: Where the pictures go.
        suffix: Of their names.
    """

    def __init__(self, folder: Path, suffix: str) -> None:
        self._folder, self._suffix = folder, suffix
        self._saving: list[Future[int]] = []
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))

    def __enter__(self) -> Camera:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for saved in self._saving:
            saved.result()
        self._pool.shutdown()

    def film(self, stage: Stage, scene: Scene) -> None:
        """Play a scene to its end and take its picture on the way."""
        window = stage.studio.window
        if (window.width(), window.height()) != scene.size:
            window.resize(*scene.size)
            stage.settle()
        play = scene.play(stage)
        shot = next(play)
        QTest.qWait(30)
        image = _taken(shot).toImage().convertToFormat(QImage.Format.Format_RGB888)
        file = self._folder / f"{scene.name}{self._suffix}{SUFFIX}"
        size = image.width(), image.height()
        self._saving.append(self._pool.submit(save, _bytes_of(image), size, file))
        next(play, None)

    def clear(self) -> None:
        """Close what a scene that failed has left open."""
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()


def _taken(shot: Shot) -> QPixmap:
    picture = shot.widget.grab(shot.part) if shot.part is not None else shot.widget.grab()
    if shot.over is not None:
        corner = shot.over.mapToGlobal(QPoint()) - shot.widget.mapToGlobal(QPoint())
        painter = QPainter(picture)
        painter.setPen(QColor(current_colors().outline))  # the desktop frames windows, grabs do not
        painter.drawRect(QRect(corner, shot.over.size()).adjusted(-1, -1, 0, 0))
        painter.drawPixmap(corner, shot.over.grab())
        painter.end()
    return picture


def _bytes_of(image: QImage) -> bytes:
    """Return the pixels row by row, without what Qt pads rows with."""
    row, padded = image.width() * 3, image.bytesPerLine()
    pixels = bytes(image.constBits())
    if row == padded:
        return pixels
    return b"".join(pixels[y * padded : y * padded + row] for y in range(image.height()))
