"""Sheets of tiles: each part shows what was painted on the whole, and keeps it."""

from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage, QPainter

from studio.canvas.sheet import Sheet

WHOLE = QRect(-512, 1024, 1024, 600)


def paint(image: QImage, rect: QRect, color: str) -> None:
    painter = QPainter(image)
    painter.fillRect(rect, QColor(color))
    painter.end()


@pytest.mark.usefixtures("qapp")
def test_parts_show_what_is_painted_on_the_sheet_and_on_themselves() -> None:
    sheet = Sheet(WHOLE)
    assert sheet.image.size() == WHOLE.size()
    left, last = QRect(-512, 1024, 512, 512), QRect(0, 1536, 512, 88)
    paint(sheet.image, QRect(500, 500, 100, 100), "#ff0000")
    assert sheet.cut(left).pixelColor(505, 505).name() == "#ff0000"
    assert sheet.cut(left).pixelColor(499, 505).alpha() == 0
    assert sheet.cut(last).pixelColor(87, 87).name() == "#ff0000"
    assert sheet.cut(last).pixelColor(88, 87).alpha() == 0
    assert sheet.cut(last) == sheet.image.copy(512, 512, 512, 88)
    paint(sheet.cut(last), QRect(500, 80, 12, 8), "#00ff00")
    assert sheet.image.pixelColor(1023, 599).name() == "#00ff00"


@pytest.mark.usefixtures("qapp")
def test_a_part_outlives_the_sheet() -> None:
    sheet = Sheet(QRect(0, 0, 2048, 1536))
    paint(sheet.image, sheet.rect, "#123456")
    part = sheet.cut(QRect(1024, 1024, 512, 512))
    del sheet
    gc.collect()
    assert part.copy().pixelColor(511, 511).name() == "#123456"
