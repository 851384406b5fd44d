"""Time launching the app until its first painted frame: the start screen, and a project with its first picture."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Runs in the measured process. It ends as soon as what is waited for has been painted, and says when that was
# (by the clock that the parent reads too) and how much memory was held at most.
_WATCH = """
import json, sys, time
from argparse import Namespace
from pathlib import Path

def report():
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024 ** 2)
    print(json.dumps({"painted": time.time(), "peak_rss_mib": peak}), flush=True)

from PySide6.QtCore import QEvent, QObject, QTimer
from studio.app.launch import build_application
from studio.app.studio import Studio, install_excepthook

path = Path(sys.argv[1]) if len(sys.argv) > 1 else None
application = build_application()
studio = Studio(application)
install_excepthook(studio.window)

class Paints(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, end)
        return False

def end():
    if path is None or (studio.session is not None and studio.session.canvas.is_settled()):
        report()
        studio.window.close()
        application.quit()

paints = Paints()
studio.window.show()
if path is not None:
    studio.files.open_paths([path])
    studio.session.canvas.installEventFilter(paints)
else:
    studio.window.page("annotate").installEventFilter(paints)
application.exec()
"""
_SIZE = (1280, 960)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the size of the project."""
    parser.add_argument("--images", type=int, default=200)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return medians over ``options.repeats`` launches, on Qt's offscreen platform where there is no display."""
    with tempfile.TemporaryDirectory() as temporary:
        project = _make_project(Path(temporary), options.images)
        figures: dict[str, object] = {"images": options.images, "image_size_px": list(_SIZE)}
        for name, arguments in (("start_screen", []), ("project", [str(project)])):
            runs = [_launch(arguments, Path(temporary)) for _ in range(options.repeats + 1)][1:]
            figures[f"{name}_painted_s"] = statistics.median(took for took, _ in runs)
            figures[f"{name}_peak_rss_mib"] = statistics.median(peak for _, peak in runs)
    return figures


def _launch(arguments: list[str], folder: Path) -> tuple[float, float]:
    """Return seconds from starting the process to the frame, and its peak memory in MiB."""
    environment = {**os.environ, "MASKWRIGHT_CONFIG_DIR": str(folder / "config")}
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    start = time.time()
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    told = json.loads(done.stdout.splitlines()[-1])
    return told["painted"] - start, told["peak_rss_mib"]


def _make_project(folder: Path, images: int) -> Path:
    """Write pictures and a project of them, some labelled; returns the project folder."""
    import numpy as np

    from engine.data.annotations import Polygon
    from engine.data.images import write_image
    from studio.model.edits import AddShapes
    from studio.model.records import new_shape
    from studio.storage.image_index import add_folder
    from studio.storage.project_files import create_project

    noise = np.random.default_rng(0).integers(0, 255, (_SIZE[1] // 8, _SIZE[0] // 8, 3), np.uint8)
    picture = noise.repeat(8, axis=0).repeat(8, axis=1)
    (folder / "images").mkdir()
    for number in range(images):
        write_image(folder / "images" / f"{number:04}.jpg", picture)
    square = ((100.0, 100.0), (500.0, 100.0), (500.0, 500.0), (100.0, 500.0))
    with create_project(folder / "project") as project:
        for _ in add_folder(project, folder / "images"):
            pass
        cls = project.add_class("part")
        for image in project.image_ids()[: images // 2]:
            project.apply(AddShapes((new_shape(image, cls.id, Polygon(square)),)))
    return folder / "project"
