"""At 150 % and 200 % desktop scaling a click lands where it is seen, and shapes are drawn in device pixels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

# A process of its own: Qt reads the factor once, when the application starts.
_SCRIPT = """
import sys
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
application = QApplication([])
from studio.canvas.view import CanvasView
from studio.theme.theme import Theme
Theme(application, "dark")
view = CanvasView()
view.resize(600, 500)
image = QImage(400, 300, QImage.Format.Format_RGB32)
image.fill(QColor("#404040"))
view.set_image(image, 1)
view.show()
QTest.qWaitForWindowExposed(view)
ratio = view.devicePixelRatioF()
assert ratio == float(sys.argv[1]), ratio
edits = []
view.edit_made.connect(edits.append)
view.set_tool("box")
def place(x, y):
    left, top = view.viewport.to_device(x, y)
    return QPoint(round(left / ratio), round(top / ratio))
QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=place(100, 100))
QTest.mouseMove(view, place(200, 180))
QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=place(300, 200))
box = edits[0].shapes[0].geometry.bounds()
assert all(abs(a - b) <= 1.5 for a, b in zip(box, (100, 100, 300, 200))), box
from dataclasses import replace
view.update_shapes([replace(edits[0].shapes[0], id=1)])
view.set_tool("select")
while not view.is_settled():
    QTest.qWait(5)
shot = view.grab().toImage()
assert shot.width() == round(600 * ratio)
left, top = view.viewport.to_device(100, 150)
row = [shot.pixelColor(round(left) + dx, round(top)).name() for dx in range(-12, 13)]
assert row[0] == "#404040" and row[-1] != "#404040", row
outline = [name for name in row if QColor(name).saturation() > 150]
assert outline and len(outline) <= 3 * ratio + 1, row
"""


@pytest.mark.parametrize("factor", ["1.0", "1.5", "2.0"])
def test_clicks_and_drawing_agree(factor: str) -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": factor, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, factor],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).resolve().parents[3],
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
