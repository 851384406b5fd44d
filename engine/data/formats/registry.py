"""The table of formats, and reading or writing by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from engine.data.formats.records import LabelledDataset, WriteReport
from engine.runtime.errors import DatasetError
from engine.runtime.paths import synced_together

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: How it is called in arguments.
        title: How it is called in menus.
        module: Module with ``is_this(path)``, ``read(path, progress)`` and ``write(dataset, path, progress,
            images="copy", **options)``. ``is_this`` looks at content, is quick, and takes files and folders.
        holds: What it can hold, for people who choose one.
        is_file_a_picture: Each picture has a file of its own; then ``read`` takes ``only``, the files of a folder
            that are wanted.
    """

    name: str
    title: str
    module: str
    holds: str = ""
    is_file_a_picture: bool = False


# The order is that of recognition: of two formats that both know a path the first is taken.
FORMATS: tuple[Format, ...] = (
    Format(
        "yolo",
        "YOLO (data.yaml and label text)",
        "engine.data.formats.yolo",
        "boxes, or outlines, or rotated boxes, or keypoints: one kind a data set",
    ),
    Format("dota", "DOTA (labelTxt)", "engine.data.formats.dota", "rotated boxes"),
    Format("mot", "MOT (gt.txt of a video)", "engine.data.formats.mot", "boxes with track numbers"),
    Format(
        "labelstudio",
        "Label Studio (JSON)",
        "engine.data.formats.labelstudio",
        "every kind of shape",
    ),
    Format(
        "datumaro",
        "Datumaro (JSON)",
        "engine.data.formats.datumaro",
        "every kind of shape, attributes, groups",
    ),
    Format("csv", "CSV table", "engine.data.formats.csv_table", "every kind of shape, attributes"),
    Format(
        "yolo_classify",
        "Classification folders",
        "engine.data.formats.yolo_classify",
        "classes of whole images",
    ),
    Format(
        "coco",
        "COCO (JSON)",
        "engine.data.formats.coco",
        "boxes, outlines, masks, crowds and keypoints, with attributes",
    ),
    Format(
        "coco_panoptic",
        "COCO panoptic (PNG and JSON)",
        "engine.data.formats.coco_panoptic",
        "one segment a pixel: masks of things and stuff",
    ),
    Format(
        "voc",
        "Pascal VOC (XML and masks)",
        "engine.data.formats.voc",
        "boxes, also rotated, outlines and masks, with flags and attributes",
        is_file_a_picture=True,
    ),
    Format(
        "labelme",
        "labelme (JSON beside each picture)",
        "engine.data.formats.labelme",
        "all shapes, image flags, groups, descriptions and attributes",
        is_file_a_picture=True,
    ),
    Format(
        "xanylabeling",
        "X-AnyLabeling (JSON beside each picture)",
        "engine.data.formats.xanylabeling",
        "boxes, also rotated, outlines, lines, points, image flags and attributes",
        is_file_a_picture=True,
    ),
    Format(
        "cvat",
        "CVAT 1.1 (XML for images and videos)",
        "engine.data.formats.cvat",
        "all shapes, tracks, groups, layers and attributes",
    ),
    Format(
        "mask_index",
        "Masks by class number (PNG and colormap.csv)",
        "engine.data.formats.mask_index",
        "one mask a class and picture, or one an object",
    ),
    Format(
        "mask_color",
        "Masks by class colour (PNG and colormap.csv)",
        "engine.data.formats.mask_color",
        "one mask a class and picture",
    ),
)


def read(
    path: str | Path, format: str | None = None, progress: Progress | None = None
) -> LabelledDataset:
    """Read a data set.

    Args:
        path: What names it in its format: a data.yaml, a folder.
        format: Name in :data:`FORMATS`; None finds out.
        progress: Called with (done, total); an exception it raises stops the work.

    Raises:
        DatasetError: The path is missing, no format fits, or the description cannot be used. Single bad
            files and lines do not raise, they are listed in ``skipped``.
    """
    path = Path(path)
    if not path.exists():
        raise DatasetError("It does not exist.", path=path, remedy="Correct the path.")
    chosen = find_format(format) if format else _detect(path)
    dataset: LabelledDataset = import_module(chosen.module).read(path, progress)
    dataset.format = chosen.name
    return dataset


def read_some(
    folder: Path, files: Sequence[Path], format: str, progress: Progress | None = None
) -> LabelledDataset:
    """Read some label files of a folder together, of a format that has a file for each picture.

    Raises:
        DatasetError: The format is unknown, or has one file for many pictures.
    """
    chosen = find_format(format)
    if not chosen.is_file_a_picture:
        raise DatasetError(f"The format {format} has one file for many pictures.", path=folder)
    dataset: LabelledDataset = import_module(chosen.module).read(folder, progress, files)
    dataset.format = chosen.name
    return dataset


def write(
    dataset: LabelledDataset,
    path: str | Path,
    format: str,
    progress: Progress | None = None,
    **options: Any,
) -> WriteReport:
    """Write a data set below a folder; see the format's module for its options.

    Raises:
        DatasetError: The format or an option is unknown, or the folder cannot be written.
    """
    chosen = find_format(format)
    known = write_options(chosen)
    if unknown := [name for name in options if name not in known]:
        raise DatasetError(
            f"The format {format} has no option {', '.join(unknown)}; it has {', '.join(known)}.",
            value=unknown[0],
        )
    try:
        with synced_together():
            report: WriteReport = import_module(chosen.module).write(
                dataset, Path(path), progress, **options
            )
    except OSError as error:
        raise DatasetError(
            f"Cannot be written: {error.strerror or error}.",
            path=error.filename or path,
            remedy="Free space on the disk or choose another folder.",
        ) from error
    return report


def find_format(name: str) -> Format:
    """Return the format of a name.

    Raises:
        DatasetError: There is none.
    """
    for entry in FORMATS:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in FORMATS)
    raise DatasetError(f"The format {name!r} is unknown; this version has {known}.", value=name)


def write_options(chosen: Format) -> list[str]:
    """Return the names of the options that a format can be written with."""
    parameters = inspect.signature(import_module(chosen.module).write).parameters
    return [name for name in parameters if name not in ("dataset", "path", "progress")]


def formats_of(path: Path) -> list[Format]:
    """Return the formats that know a file or folder, the most likely first; what cannot be looked at is of none."""
    found = []
    for entry in FORMATS:
        try:
            if import_module(entry.module).is_this(path):
                found.append(entry)
        except OSError:
            continue
    return found


def _detect(path: Path) -> Format:
    if found := formats_of(path):
        return found[0]
    known = ", ".join(entry.title for entry in FORMATS)
    raise DatasetError(
        "It is no data set of a known format.",
        path=path,
        remedy=f"Choose the file or folder that describes one; known are {known}.",
    )
