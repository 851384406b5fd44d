"""Scaled pictures on few cores: drawn in bands, and the same."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter

from studio.canvas import scaled_drawing
from studio.canvas.pyramid import qimage_of
from studio.canvas.scaled_drawing import bands, draw_scaled

SHARED_PX = 1 << 17


@pytest.mark.parametrize("size", [(1920, 1080), (7, 3), (512, 512), (200_000, 2), (0, 0)])
def test_bands_cover_a_rectangle_once_and_each_is_small(size: tuple[int, int]) -> None:
    rect = QRect(-5, 11, *size)
    found = bands(rect)
    assert sum(band.width() * band.height() for band in found) == size[0] * size[1]
    assert all(rect.contains(band) for band in found)
    assert all(a.bottom() + 1 == b.top() for a, b in pairwise(found))
    assert all(b.width() * b.height() < SHARED_PX or b.height() == 1 for b in found)


@pytest.mark.parametrize("ratio", [1.0, 1.5])
@pytest.mark.usefixtures("qapp")
def test_bands_show_what_one_drawing_shows(ratio: float, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    target, part = QRectF(3.3, -7.6, 900.7, 640.2), QRectF(20.5, 10.25, 350, 280)
    drawn = []
    for few in (0, 10_000):
        monkeypatch.setattr(scaled_drawing, "_FEW_CORES", few)
        sheet = QImage(round(800 * ratio), round(600 * ratio), QImage.Format.Format_RGB32)
        sheet.setDevicePixelRatio(ratio)
        sheet.fill(0)
        painter = QPainter(sheet)
        painter.scale(1 / ratio, 1 / ratio)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
        draw_scaled(painter, target, qimage_of(noise), part)
        painter.end()
        drawn.append(sheet)
    assert len(bands(target.toAlignedRect())) > 3
    assert drawn[0] == drawn[1]
