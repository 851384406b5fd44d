"""The window as a process of its own: killed while drawing it loses nothing; it never loads torch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.data.images import write_image
from studio.storage.health import check_health
from studio.storage.project_files import open_project

ROOT = Path(__file__).resolve().parents[2]

# Opens the folder in a real window, draws triangles with mouse and keys, and says after each how many there are.
_DRAW = """
import sys
from pathlib import Path
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from studio.app.launch import build_application, settle
from studio.app.studio import Studio

application = build_application()
studio = Studio(application)
studio.window.show()
QTest.qWaitForWindowExposed(studio.window)
studio.files.open_paths([Path(sys.argv[1])])
settle(studio, 50)
canvas = studio.session.canvas
canvas.setFocus()

def click(x, y):
    left, top = canvas.viewport.to_device(x, y)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(left), round(top)))

QTest.keyClick(canvas, Qt.Key.Key_P)
for number in range(1, 10_000):
    x = 10 + number * 7 % 250
    for corner in ((x, 10), (x + 40, 10), (x + 20, 60)):
        click(*corner)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    shown = len(canvas.scene.shapes())
    print(shown, flush=True)
    click(x, 100)
    click(x + 30, 100)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
"""

_NO_TORCH = """
import json, sys
from pathlib import Path
from studio.app.launch import build_application, settle
from studio.app.studio import Studio

application = build_application()
studio = Studio(application)
studio.window.show()
studio.files.open_paths([Path(sys.argv[1])])
settle(studio, 50)
for page in ("annotate", "dataset", "train", "models", "explore", "settings"):
    studio.show_page(page)
    settle(studio, 50)
loaded = sorted({name.split(".")[0] for name in sys.modules})
studio.window.close()
print(json.dumps([name for name in loaded if name in ("torch", "torchvision", "onnx", "onnxruntime", "pandas")]))
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
    (tmp_path / "photos").mkdir()
    for number in range(2):
        write_image(tmp_path / "photos" / f"{number}.png", pixels)
    return tmp_path / "photos"


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a signal of POSIX")
@pytest.mark.parametrize("shapes", [1, 12])
def test_a_killed_window_has_kept_every_finished_shape(photos: Path, shapes: int) -> None:
    process = start(_DRAW, photos)
    assert process.stdout is not None
    shown = 0
    while shown < shapes:
        line = process.stdout.readline()
        assert line, process.communicate()[1]
        shown = int(line)
    time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    shown = int(rest.split()[-1]) if rest.split() else shown
    with open_project(photos / "maskwright") as project:
        assert not project.read_only
        found = len(project.shapes(project.image_ids()[0]))
        assert found in (shown, shown + 1)  # the last one may have been finished but not yet told
        assert project.can_undo
        project.undo()
        assert len(project.shapes(project.image_ids()[0])) == found - 1
        assert check_health(project).problems == []


def test_the_window_never_loads_torch(photos: Path) -> None:
    process = start(_NO_TORCH, photos)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert json.loads(output.splitlines()[-1]) == []
