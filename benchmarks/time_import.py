"""Time importing a large COCO file into a new project: reading, writing, and the memory that both take.

The pictures are tiny files on disk, a polygon of 20 points a shape unless told otherwise. Reading and
writing happen in a process of their own, whose largest memory is reported.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TextIO

_PICTURE_WH = 640, 480
_PER_FOLDER = 1000
_CLASSES = 80


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the sizes."""
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--shapes", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=20, help="of a polygon; 0: boxes only")
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")


def run(options: argparse.Namespace) -> dict[str, object]:
    """Return the figures of the best of the repeats, and of each."""
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        root = Path(temporary)
        file = write_coco(root / "set", options.images, options.shapes, options.points)
        figures: dict[str, object] = {
            "images": options.images,
            "shapes": options.shapes,
            "points": options.points,
            "json_mib": file.stat().st_size / 2**20,
        }
        rounds = []
        for number in range(options.repeats):
            folder = root / f"project{number}"
            rounds.append(_in_process(file, folder))
            database = (folder / "project.db").stat().st_size / 2**20
            shutil.rmtree(folder)
        figures["database_mib"] = database
        best = min(rounds, key=lambda found: found["total_s"])
        return {**figures, **best, "rounds_total_s": [found["total_s"] for found in rounds]}


def import_once(file: Path, folder: Path) -> dict[str, float]:
    """Import a file into a new project in this process and return how long each part took."""
    import resource

    from studio.storage.dataset_import import import_all
    from studio.storage.import_reading import read_sources
    from studio.storage.project_files import create_project

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, processor = time.perf_counter(), time.process_time()
    told: list[float] = [start]

    def tell(_done: int, _total: int) -> None:
        told.append(time.perf_counter())

    sources = read_sources(file, None, tell)
    read = time.perf_counter()
    with create_project(folder) as project:
        report = import_all(project, sources.datasets, progress=tell)
    end = time.perf_counter()
    pauses = [later - earlier for earlier, later in pairwise(told)]
    return {
        "read_s": read - start,
        "write_s": end - read,
        "total_s": end - start,
        "processor_s": time.process_time() - processor,
        "longest_without_progress_s": max(pauses, default=0.0),
        "imported_images": report.images,
        "imported_shapes": report.annotations,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "peak_before_mib": before,
    }


def write_coco(folder: Path, images: int, shapes: int, points: int) -> Path:
    """Write a COCO file and its pictures; the same picture again and again, as links to one file."""
    folder.mkdir(parents=True)
    first = folder / "picture.png"
    _write_picture(first)
    file = folder / "instances.json"
    with file.open("w", encoding="utf-8") as out:
        out.write('{"info":{},"images":[')
        for number in range(images):
            name = f"images/{number // _PER_FOLDER:03d}/{number:06d}.png"
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            os.link(first, path) if number % 30_000 else _write_picture(path)
            if number % 30_000 == 0:  # file systems limit the links to one file
                first = path
            size = f'"width":{_PICTURE_WH[0]},"height":{_PICTURE_WH[1]}'
            out.write(f'{"," * (number > 0)}{{"id":{number},"file_name":"{name}",{size}}}')
        out.write('],"annotations":[')
        _write_shapes(out, images, shapes, points)
        classes = [{"id": n + 1, "name": f"class {n}"} for n in range(_CLASSES)]
        out.write(f'],"categories":{json.dumps(classes)}}}')
    return file


def _write_shapes(out: TextIO, images: int, shapes: int, points: int) -> None:
    import math

    for number in range(shapes):
        x, y = 60 + number * 37 % 500, 60 + number * 91 % 360
        ring: list[float] = []
        for step in range(points):
            angle = 2 * math.pi * step / points
            radius = 30 + (number + step) % 13
            ring += [round(x + radius * math.cos(angle), 2), round(y + radius * math.sin(angle), 2)]
        outline = f'"segmentation":[{json.dumps(ring)}],' if points else ""
        out.write(
            f'{"," * (number > 0)}{{"id":{number + 1},"image_id":{number % images},'
            f'"category_id":{number % _CLASSES + 1},"iscrowd":0,"area":1.0,{outline}'
            f'"bbox":[{x - 43},{y - 43},86,86]}}'
        )


def _write_picture(path: Path) -> None:
    import numpy as np

    from engine.data.images import write_image

    path.unlink(missing_ok=True)
    write_image(path, np.zeros((_PICTURE_WH[1], _PICTURE_WH[0], 3), np.uint8))


def _in_process(file: Path, folder: Path) -> dict[str, float]:
    """Import in a fresh process, so that its memory is the import's alone."""
    code = (
        "import json, sys; from pathlib import Path; from benchmarks.time_import import import_once; "
        "print(json.dumps(import_once(Path(sys.argv[1]), Path(sys.argv[2]))))"
    )
    arguments = [sys.executable, "-c", code, str(file), str(folder)]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(arguments, check=True, capture_output=True, text=True, cwd=root)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
