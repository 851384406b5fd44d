"""How the labels of a split are distributed, as plain values: what ``labels.jpg`` draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BINS = 50


def label_statistics(
    labels: Sequence[Mapping[str, np.ndarray]], names: Mapping[int, str]
) -> dict[str, Any]:
    """Count classes, objects an image, places and sizes.

    Args:
        labels: For each image ``cls`` (n, 1) and ``bboxes`` (n, 4 or 5), centre and size first, as fractions.
        names: Class names by id.

    Returns:
        ``images``, ``objects``, ``classes`` (a row a class: ``class_id``, ``name``, ``images``, ``objects``),
        ``objects_an_image`` (images with 0, 1, 2 ... objects), and over 50 x 50 cells of 0..1 the counts
        ``centres`` (rows y, columns x) and ``sizes`` (rows height, columns width).
    """
    columns = [np.asarray(row["cls"]).reshape(-1).astype(np.int64) for row in labels]
    boxes = [np.asarray(row["bboxes"], dtype=np.float64)[:, :4].reshape(-1, 4) for row in labels]
    classes = np.concatenate([*columns, np.zeros(0, np.int64)])
    places = np.concatenate([*boxes, np.zeros((0, 4))])
    count = max(len(names), int(classes.max(initial=-1)) + 1)
    objects = np.bincount(classes, minlength=count)
    images = np.zeros(count, np.int64)
    for column in columns:
        images[np.unique(column)] += 1
    return {
        "images": len(labels),
        "objects": len(classes),
        "classes": [
            {
                "class_id": i,
                "name": names.get(i, str(i)),
                "images": int(images[i]),
                "objects": int(objects[i]),
            }
            for i in range(count)
        ],
        "objects_an_image": np.bincount([len(column) for column in columns]).tolist(),
        "centres": _cells(places[:, 1], places[:, 0]),
        "sizes": _cells(places[:, 3], places[:, 2]),
    }


def _cells(rows: np.ndarray, columns: np.ndarray) -> list[list[int]]:
    """Count points in cells of the unit square; what lies outside goes to the border."""
    points = [
        (np.clip(values, 0, 1) * BINS).astype(int).clip(max=BINS - 1) for values in (rows, columns)
    ]
    cells = np.zeros((BINS, BINS), dtype=np.int64)
    np.add.at(cells, tuple(points), 1)
    return cells.tolist()
