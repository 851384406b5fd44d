"""Time adding many image paths to a project, opening it again, its filters, and one edit until it is on disk."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.machine import median_ms
from engine.data.annotations import Polygon
from studio.model.edits import AddShapes
from studio.model.project import Project
from studio.model.records import ImageFilter, new_shape
from studio.storage.image_index import add_folder
from studio.storage.project_files import create_project, open_project

_FILTERS = {
    "filter_unlabelled_ms": ImageFilter(statuses=frozenset({"unlabelled"})),
    "filter_labelled_ms": ImageFilter(statuses=frozenset({"labelled"})),
    "filter_class_ms": ImageFilter(class_id=0),
    "filter_text_ms": ImageFilter(text="img99"),
}
_SHOWN = 50  # records that a list shows at once
_PER_FOLDER = 1000


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the number of images."""
    parser.add_argument("--images", type=int, default=10_000)


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures."""
    with tempfile.TemporaryDirectory() as temporary:
        images, folder = Path(temporary) / "images", Path(temporary) / "project"
        _touch(images, options.images)
        figures: dict[str, object] = {"images": options.images}
        with create_project(folder) as project:
            figures |= _fill(project, images)
        figures["open_ms"] = median_ms(lambda: _open(folder), options.repeats)
        with open_project(folder) as project:
            for name, wanted in _FILTERS.items():
                figures[name] = median_ms(lambda w=wanted: project.image_ids(w), options.repeats)
            image = project.image_ids()[1]
            figures["edit_ms"] = median_ms(lambda: _draw(project, image), 20 * options.repeats)
        figures["database_mib"] = (folder / "project.db").stat().st_size / 2**20
    return figures


def _touch(folder: Path, count: int) -> None:
    for index in range(count):
        path = folder / str(index // _PER_FOLDER) / f"img{index}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _fill(project: Project, images: Path) -> dict[str, float]:
    """Add the folder, label a tenth of its images, and return how long adding took."""
    start = last = time.perf_counter()
    slowest = 0.0
    for _ in add_folder(project, images):
        now = time.perf_counter()
        slowest, last = max(slowest, now - last), now
    took = last - start
    project.add_class("part")
    for image_id in project.image_ids()[::10]:
        _draw(project, image_id)
    return {"add_folder_s": took, "add_folder_slowest_chunk_ms": slowest * 1000}


def _open(folder: Path) -> None:
    """Do what a window does before it shows a project: list, counts, classes, the first rows and shapes."""
    with open_project(folder) as project:
        ids = project.image_ids()
        project.status_counts()
        project.classes()
        project.class_counts()
        project.images(ids[:_SHOWN])
        project.shapes(ids[0])


def _draw(project: Project, image_id: int) -> None:
    ring = tuple((float(x), float(x * x % 97)) for x in range(40))
    project.apply(AddShapes((new_shape(image_id, 0, Polygon(ring)),)))
