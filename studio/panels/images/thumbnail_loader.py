"""Thumbnails for the filmstrip, as the cache on the disk keeps them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QImage

from studio.widgets.picture_loader import PictureLoader


class ThumbnailLoader(PictureLoader[Path]):
    """Gives thumbnails by the number of their image.

    Args:
        read: Returns the encoded thumbnail (JPEG or PNG bytes) of an image file; called in the pool's threads;
            None where the image cannot be read.
    """

    def __init__(self, read: Callable[[Path], bytes | None], parent: QObject | None = None) -> None:
        def make(path: Path) -> QImage:
            data = read(path)
            return QImage.fromData(data) if data else QImage()

        super().__init__(make, "thumbnails", parent=parent)
