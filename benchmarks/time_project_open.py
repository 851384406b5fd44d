"""Time a large project: adding its images, opening it until the window can be used, filters, orders, scrolling, one edit; and the memory it takes.

The window is a real one of 1920 x 1080; without a display Qt's offscreen platform draws with the same raster
code. ``..._cpu_ms`` is what the window's thread used, which a busy machine does not change; the images are
empty files, so no thumbnail is decoded.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.machine import median_ms
from engine.data.annotations import Polygon
from studio.model.edits import AddShapes
from studio.model.project import Project
from studio.model.records import ImageFilter, ImageOrder, Shape, new_shape
from studio.storage.image_index import add_folder, store_of
from studio.storage.project_files import create_project, open_project

if TYPE_CHECKING:
    from studio.app.session import Session
    from studio.app.studio import Studio

_FILTERS = {
    "all": ImageFilter(),
    "unlabelled": ImageFilter(statuses=frozenset({"unlabelled"})),
    "labelled": ImageFilter(statuses=frozenset({"labelled"})),
    "stage": ImageFilter(stages=frozenset({"in_progress"})),
    "class": ImageFilter(class_id=3),
    "split": ImageFilter(split=""),
    "tag": ImageFilter(tags=frozenset({"night"})),
    "shapes": ImageFilter(shapes=(5, 20)),
    "score": ImageFilter(score=(0.1, 0.6)),
    "modified": ImageFilter(modified_since=1.0),
    "text_name": ImageFilter(text="img99"),
    "text_description": ImageFilter(text='"part 5"'),
    "text_class": ImageFilter(text="class1"),
    "text_three_words": ImageFilter(text="img9 class3 part"),
}
_ORDERS = ("name", "shapes", "status", "stage", "split", "score", "size", "added", "modified")
_SHOWN = 50  # records that a list shows at once
_PER_FOLDER = 1000
_CLASSES = 20
_CHUNK = 1000  # images labelled in one transaction
_WINDOW_WH = (1920, 1080)
_SCROLLS = 200


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the size of the project."""
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--shapes", type=int, default=10, help="shapes on each labelled image")
    parser.add_argument("--no-window", action="store_true", help="measure the project alone")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        images, folder = Path(temporary) / "images", Path(temporary) / "project"
        touch(images, options.images)
        figures: dict[str, object] = {"images": options.images}
        with create_project(folder) as project:
            figures |= fill(project, images, options.shapes)
        figures["open_ms"] = median_ms(lambda: _open(folder), options.repeats)
        with open_project(folder) as project:
            figures |= _questions(project, options.repeats)
        figures["database_mib"] = (folder / "project.db").stat().st_size / 2**20
        if not options.no_window:
            figures |= _window(folder)
    return figures


def touch(folder: Path, count: int) -> None:
    """Make empty files in place of pictures."""
    for index in range(count):
        path = folder / str(index // _PER_FOLDER) / f"img{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def fill(project: Project, images: Path, shapes: int) -> dict[str, Any]:
    """Add the folder, label nine of ten images, and return how long that took."""
    start = last = time.perf_counter()
    slowest = 0.0
    for _ in add_folder(project, images):
        now = time.perf_counter()
        slowest, last = max(slowest, now - last), now
    took = last - start
    for number in range(_CLASSES):
        project.add_class(f"class{number}")
    labelled = [image_id for place, image_id in enumerate(project.image_ids()) if place % 10]
    start = time.perf_counter()
    for begin in range(0, len(labelled), _CHUNK):
        _label(project, labelled[begin : begin + _CHUNK], shapes)
    return {
        "add_folder_s": took,
        "add_folder_slowest_chunk_ms": slowest * 1000,
        "shapes": len(labelled) * shapes,
        "insert_shapes_s": time.perf_counter() - start,
    }


def _label(project: Project, image_ids: list[int], count: int) -> None:
    store = store_of(project)
    with store.transaction():
        numbers = iter(store.take_ids("shape", count * len(image_ids)))
        store.insert_shapes(
            [
                replace(_shape(image_id, place), id=next(numbers), z=place + 1)
                for image_id in image_ids
                for place in range(count)
            ]
        )


def _shape(image_id: int, place: int) -> Shape:
    ring = tuple((float(x * 13 % 640), float(x * x % 480)) for x in range(40))
    words = {"description": f"part {image_id % 97}"} if place == 0 else {}
    score = 0.5 if place % 3 == 0 else None
    class_id = (image_id * 7 + place * place) % _CLASSES
    return new_shape(image_id, class_id, Polygon(ring), "drawn", score, words)


def _open(folder: Path) -> None:
    """Do what a window does before it shows a project: list, counts, classes, the first rows and shapes."""
    with open_project(folder) as project:
        ids = project.image_ids()
        project.status_counts()
        project.stage_counts()
        project.classes()
        project.class_counts()
        project.images(ids[:_SHOWN])
        project.shapes(ids[0])


def _questions(project: Project, repeats: int) -> dict[str, float]:
    """Time every filter and order, and one edit until it is on disk."""
    figures: dict[str, float] = {}
    for name, wanted in _FILTERS.items():
        figures |= _both(f"filter_{name}", partial(project.image_ids, wanted), repeats)
    for key in _ORDERS:
        order = ImageOrder(key, descending=True)  # type: ignore[arg-type]
        figures |= _both(f"order_{key}", partial(project.image_ids, order=order), repeats)
    for part in ("filter", "order"):
        names = [n for n in figures if n.startswith(part) and not n.endswith("cpu_ms")]
        figures[f"slowest_{part}_ms"] = max(figures[name] for name in names)
        names = [n for n in figures if n.startswith(part) and n.endswith("cpu_ms")]
        figures[f"slowest_{part}_cpu_ms"] = max(figures[name] for name in names)
    image = project.image_ids()[1]
    edit = AddShapes((_shape(image, 0),))
    return figures | _both("edit", lambda: project.apply(edit), 4 * repeats)


def _both(name: str, action: Callable[[], object], repeats: int) -> dict[str, float]:
    """Return the median wall time and the least processor time of an action."""
    wall, used = [], []
    for _ in range(repeats):
        start, began = time.perf_counter(), time.thread_time()
        action()
        used.append((time.thread_time() - began) * 1000)
        wall.append((time.perf_counter() - start) * 1000)
    return {f"{name}_ms": statistics.median(wall), f"{name}_cpu_ms": min(used)}


def _window(folder: Path) -> dict[str, float]:
    """Open the project in a window, scroll its lists, and return times and memory."""
    from PySide6.QtTest import QTest

    from studio.app.launch import build_application, spare_collections
    from studio.app.studio import Studio

    application = build_application()
    studio = Studio(application)
    spare_collections()
    studio.keeps_layout = False
    studio.window.resize(*_WINDOW_WH)
    studio.window.show()
    QTest.qWaitForWindowExposed(studio.window)
    before = _resident_mib()
    start, began = time.perf_counter(), time.thread_time()
    studio.files.open_project(folder)
    application.processEvents()
    studio.window.repaint()
    figures = {
        "window_usable_ms": (time.perf_counter() - start) * 1000,
        "window_usable_cpu_ms": (time.thread_time() - began) * 1000,
    }
    session = _session_of(studio)
    figures |= _scroll("filmstrip", session.annotate.filmstrip.view, horizontal=True)
    page = session.pages.dataset_page
    studio.show_page("dataset")
    for mode in ("grid", "table"):
        page.show_part("images")
        page.images.set_mode(mode)
        figures |= _scroll(mode, getattr(page.images, mode), horizontal=False)
    figures |= _choose_filters(studio)
    figures["memory_mib"] = _resident_mib()
    figures["memory_of_the_project_mib"] = figures["memory_mib"] - before
    studio.window.close()
    return figures


def _session_of(studio: Studio) -> Session:
    if studio.session is None:
        raise RuntimeError("The project was not opened.")
    return studio.session


def _choose_filters(studio: Studio) -> dict[str, float]:
    """Return how long the window's thread is held by another filter, the list on the screen included."""
    from PySide6.QtWidgets import QApplication

    session = _session_of(studio)
    wall, used = [], []
    for wanted in (*_FILTERS.values(), ImageFilter()):
        start, began = time.perf_counter(), time.thread_time()
        session.workspace.set_filter(wanted)
        QApplication.processEvents()
        used.append((time.thread_time() - began) * 1000)
        wall.append((time.perf_counter() - start) * 1000)
    return {"window_filter_slowest_ms": max(wall), "window_filter_slowest_cpu_ms": max(used)}


def _scroll(name: str, view: Any, *, horizontal: bool) -> dict[str, float]:
    """Jump and glide through a list; return the slowest frame."""
    from PySide6.QtWidgets import QApplication

    start = time.perf_counter()
    while time.perf_counter() - start < 3:  # a list that lays out in batches first does so
        QApplication.processEvents()
    bar = view.horizontalScrollBar() if horizontal else view.verticalScrollBar()
    wall, used = [], []
    for step in range(_SCROLLS):
        target = bar.maximum() * step // _SCROLLS + (step % 7) * 40
        start, began = time.perf_counter(), time.thread_time()
        bar.setValue(target)
        view.viewport().repaint()
        QApplication.processEvents()
        used.append((time.thread_time() - began) * 1000)
        wall.append((time.perf_counter() - start) * 1000)
    return {
        f"scroll_{name}_slowest_ms": max(wall),
        f"scroll_{name}_p95_ms": sorted(wall)[int(0.95 * len(wall))],
        f"scroll_{name}_slowest_cpu_ms": max(used),
    }


def _resident_mib() -> float:
    """Return the memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
