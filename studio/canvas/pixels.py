"""The picture's pixels for the tools that look at them, wand and scissors: as the person sees them, whatever the file holds."""

from __future__ import annotations

import cv2
import numpy as np

from studio.canvas.pyramid import ImagePyramid
from studio.canvas.samples import Picture
from studio.canvas.tone import render
from studio.model.display import Display
from studio.tools.base import Pixels


def read_pixels(
    picture: Picture | None, display: Display, x1: int, y1: int, x2: int, y2: int
) -> Pixels | None:
    """Return a part of the picture, (y2 - y1, x2 - x1, 3) uint8 in red, green, blue; None while it is not there in full.

    Args:
        picture: What the canvas shows.
        display: How it shows it: a faint structure that a person has made visible is visible to the tools too.
        x1: First column.
        y1: First row.
        x2: Column behind the last one.
        y2: Row behind the last one.
    """
    if picture is None or picture.is_preview or x2 <= x1 or y2 <= y1:
        return None
    plain = display.is_straight and display.window is None and display.channel is None
    if plain and isinstance(picture, ImagePyramid):
        return _plain(picture, x1, y1, x2, y2)
    shown = render(picture.crop(x1, y1, x2, y2), display, picture.facts)
    if shown.ndim == 2:
        shown = cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB)
    return np.asarray(shown, np.uint8)


def _plain(picture: ImagePyramid, x1: int, y1: int, x2: int, y2: int) -> Pixels:
    """Return pixels of 8 bits as they are; 12 megapixels take 10 ms this way."""
    level = picture.levels[0]
    lines = np.frombuffer(level.constBits(), np.uint8)
    part = lines.reshape(level.height(), level.bytesPerLine())[y1:y2, 4 * x1 : 4 * x2]
    pixels = cv2.cvtColor(part.reshape(y2 - y1, x2 - x1, 4), cv2.COLOR_BGRA2RGB)
    return np.asarray(pixels, np.uint8)
