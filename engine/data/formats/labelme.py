"""labelme: one JSON a picture, beside it (versions 4 and 5; earlier ones are read too).

What labelme has no field for is written as flags of a shape (crowd, occluded, truncated, difficult) or under
``attributes``, which labelme keeps. A rotated box is a polygon of its corners with ``attributes.rotation``,
several keypoints are one shape of points with ``attributes.visibility``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation, Mask, Polygon
from engine.data.formats.labelme_files import holds, read_files, write_files
from engine.data.formats.labelme_shapes import shape_of
from engine.data.formats.pictures import How
from engine.data.formats.records import LabelledDataset, WriteReport

Progress = Callable[[int, int], None]
_TOP = {"version": "5.5.0"}


def is_this(path: Path) -> bool:
    """Say whether a path is a labelme file or a folder with some."""
    return holds(path, "labelme")


def read(
    path: Path, progress: Progress | None = None, only: Sequence[Path] = ()
) -> LabelledDataset:
    """Read a file, or a folder and the folders in it, or of a folder only some files.

    Raises:
        DatasetError: There is no JSON file.
    """
    return read_files(path, progress, only)


def write(
    dataset: LabelledDataset, path: Path, progress: Progress | None = None, images: How = "copy"
) -> WriteReport:
    """Write pictures with their JSON below the folder ``path``, in a folder a split.

    Args:
        dataset: What to write; pictures that nobody has labelled get no JSON.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the labels only.

    Raises:
        OSError: The folder cannot be written.
    """
    joined = 0

    def shapes_of(annotation: Annotation, label: str) -> list[dict[str, Any]]:
        nonlocal joined
        geometry = annotation.geometry
        joined += isinstance(geometry, Polygon) and bool(geometry.holes)
        if isinstance(geometry, Mask) and not geometry.area():
            return []
        return [shape_of(annotation, label)]

    report = write_files(dataset, path, progress, images, shapes_of, _TOP)
    if joined:
        report.lost.append(f"{joined} polygons with holes, written as one ring joined by bridges")
    return report
