"""One image's label text, and back: what the folder mirror writes and reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.data.annotations import Box, Geometry
from engine.data.formats import Problem
from engine.data.formats.bridges import unbridged
from engine.data.formats.yolo import format_row, geometry_values
from engine.data.labels.parse import LabelRow, decode_text, parse_label_text
from studio.language import tr
from studio.model.errors import EditError
from studio.model.kind_words import kind_text
from studio.model.project import Project
from studio.model.records import ImageRecord, Shape, new_shape


def label_text(project: Project, record: ImageRecord, index: Mapping[int, int]) -> str | None:
    """Return the text for an image as it is in the project: boxes as boxes, polygons as outlines.

    Args:
        project: The project.
        record: The image, with its size.
        index: For each class id the number that label files use.

    Returns:
        The text, empty for a background, or None for an image that nobody has labelled: it has no
        file.

    Raises:
        EditError: A shape has no place in label text, so that writing the file would lose it.
    """
    if record.status not in ("labelled", "background"):
        return None
    rows = []
    for shape in project.shapes(record.id):
        kind = "detect" if isinstance(shape.geometry, Box) else "segment"
        values = geometry_values(shape.geometry, record.width, record.height, kind)
        if values is None:
            raise EditError(
                tr("Label text cannot hold {kind} shapes.").format(
                    kind=kind_text(shape.geometry.kind)
                ),
                path=record.path,
                remedy=tr("They are kept in the project; delete them to write this file again."),
            )
        rows.append(format_row(index[shape.class_id], values) + "\n")
    return "".join(rows)


def read_label_shapes(
    file: Path, record: ImageRecord, class_ids: Mapping[int, int]
) -> tuple[list[Shape], list[Problem]]:
    """Return the shapes of a label file and what was found wrong with it.

    Args:
        file: The label file.
        record: Its image, with its size.
        class_ids: For each number in the file the project's class.

    Raises:
        OSError: The file cannot be read.
    """
    rows, problems = parse_label_text(decode_text(file.read_bytes()), len(class_ids), file)
    shapes = [
        new_shape(record.id, class_ids[row.class_id], _geometry(row, record), "imported", row.score)
        for row in rows
    ]
    return shapes, problems


def _geometry(row: LabelRow, record: ImageRecord) -> Geometry:
    scale = np.array((record.width, record.height), dtype=np.float64)
    if row.polygon is not None:
        return unbridged(row.polygon.astype(np.float64) * scale)
    center, size = row.box[:2].astype(np.float64) * scale, row.box[2:].astype(np.float64) * scale
    low, high = center - size / 2, center + size / 2
    return Box(*low.tolist(), *high.tolist())
