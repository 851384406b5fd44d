"""Time going to the next image in the real window: until the picture and its shapes are painted sharply.

Once with the next image read ahead, as it is while a person works, and once cold: the image was never read by this process
(its file is in the system's cache). Images of 4 megapixels with 50 polygons each.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.studio_window import blobs, studio_window, wait, write_pictures

_SIZE = (2400, 1700)
_SHAPES = 50
_STEP = 7  # images between two cold ones: farther than is read ahead


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the number of images."""
    parser.add_argument("--images", type=int, default=60)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures: medians, and the slowest of twenty."""
    with tempfile.TemporaryDirectory() as temporary, studio_window() as studio:
        folder = _make_project(Path(temporary), options.images)
        studio.files.open_paths([folder])
        wait(lambda: studio.session is not None and not studio.is_busy())
        session = studio.session
        ids = list(session.workspace.image_ids)
        ahead = [_switch(session, ids[n], True) for n in range(1, min(21, len(ids)))]
        cold = [_switch(session, ids[n], False) for n in range(25, len(ids), _STEP)]
    return {
        "images": options.images,
        "picture": list(_SIZE),
        "shapes": _SHAPES,
        **_figures("prefetched", ahead),
        **_figures("cold", cold),
    }


def _figures(name: str, times: list[tuple[float, float]]) -> dict[str, float]:
    walls, used = zip(*times, strict=True)
    return {
        f"{name}_ms": round(statistics.median(walls), 1),
        f"{name}_worst_ms": round(max(walls), 1),
        f"{name}_best_ms": round(min(walls), 1),
        f"{name}_window_cpu_ms": round(statistics.median(used), 1),
    }


def _switch(session: object, image_id: int, read_ahead: bool) -> tuple[float, float]:
    """Return milliseconds until an image is painted, and those that the window's thread used."""
    from PySide6.QtWidgets import QApplication

    loader = session.canvas.picture.loader
    if read_ahead:
        path = session.project.image(image_id).path
        wait(lambda: loader.is_cached(path) and session.is_settled())
    start, cpu = time.perf_counter(), time.thread_time()
    session.workspace.go_to(image_id)
    wait(session.canvas.is_settled)
    QApplication.processEvents()  # paints what has just arrived, and nothing twice
    took = (time.perf_counter() - start) * 1000, (time.thread_time() - cpu) * 1000
    wait(session.is_settled)
    loader.wait()
    return took


def _make_project(folder: Path, images: int) -> Path:
    from studio.model.edits import AddShapes
    from studio.model.records import new_shape
    from studio.storage.image_index import add_folder
    from studio.storage.project_files import create_project

    write_pictures(folder / "images", images, _SIZE)
    with create_project(folder / "project") as project:
        for _ in add_folder(project, folder / "images"):
            pass
        cls = project.add_class("part")
        for number, image in enumerate(project.image_ids()):
            shapes = blobs(_SHAPES, _SIZE, seed=number)
            project.apply(AddShapes(tuple(new_shape(image, cls.id, s) for s in shapes)))
    return folder / "project"
