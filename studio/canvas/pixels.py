"""The picture's pixels for the tools that look at them: wand and scissors."""

from __future__ import annotations

import cv2
import numpy as np
from PySide6.QtGui import QImage

from studio.canvas.pyramid import ImagePyramid
from studio.tools.base import Pixels


def read_pixels(picture: ImagePyramid | None, x1: int, y1: int, x2: int, y2: int) -> Pixels | None:
    """Return a part of the picture, (y2 - y1, x2 - x1, 3) uint8 in red, green, blue; None while it is not there in full.

    Args:
        picture: What the canvas shows.
        x1: First column.
        y1: First row.
        x2: Column behind the last one.
        y2: Row behind the last one.
    """
    if picture is None or picture.is_preview or x2 <= x1 or y2 <= y1:
        return None
    level: QImage = picture.levels[0]
    rows = np.frombuffer(level.constBits(), np.uint8).reshape(level.height(), level.bytesPerLine())[
        y1:y2, 4 * x1 : 4 * x2
    ]
    part = cv2.cvtColor(rows.reshape(y2 - y1, x2 - x1, 4), cv2.COLOR_BGRA2RGB)
    return np.asarray(part, np.uint8)
