"""The pixels of several tiles in one piece of memory: painted once, and cut without a copy."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

_FORMAT = QImage.Format.Format_ARGB32_Premultiplied
_PIXEL = 4  # bytes


class Sheet:
    """A transparent picture whose parts are pictures themselves.

    Its memory is the system's zeros until something is painted on it, so that what stays empty costs nothing. It lives
    as long as any of its parts, each of which refers to it: whoever keeps a part keeps the memory of all.

    Attributes:
        rect: Which part of a larger plane it is; parts are counted on that plane too.
        image: The whole of it.
    """

    def __init__(self, rect: QRect) -> None:
        self.rect = rect
        self._pixels = np.zeros(rect.width() * rect.height() * _PIXEL, np.uint8)
        self.image = self.cut(rect)

    def cut(self, part: QRect) -> QImage:
        """Return a part, which lies within the sheet; painting on it paints on the sheet."""
        line = self.rect.width() * _PIXEL
        at = part.topLeft() - self.rect.topLeft()
        begin = at.y() * line + at.x() * _PIXEL
        end = begin + (part.height() - 1) * line + part.width() * _PIXEL
        return QImage(self._pixels[begin:end].data, part.width(), part.height(), line, _FORMAT)
