"""Which kind of lines a YOLO data set has, and rotated boxes from their corners.

The text of the field does not say whether four points are an outline or a rotated box. The rule here: what
``task`` in the data.yaml says; else keypoints where it has ``kpt_shape``; else rotated boxes where every
line has four points, most of these are rectangles (cut at the border of a picture they are not), and at
least one of them is not upright; else outlines and boxes, line by line.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.data.annotations import OrientedBox
from engine.data.images import read_size
from engine.data.labels.parse import decode_text
from engine.data.labels.paths import label_path
from engine.runtime.errors import ImageError

_LOOKED_AT = 300  # label files, spread over the set
_TOLERANCE = 2.0  # pixels that a rounded corner may be off, less for small boxes
_MOST = 0.6


def is_oriented(images: Sequence[Path]) -> bool:
    """Tell whether the labels of these pictures are corners of rotated boxes, by the rule of this module."""
    turned = rectangles = total = 0
    step = max(1, len(images) // _LOOKED_AT)
    for image in images[::step]:
        rows = _rows(label_path(image))
        if rows is None:
            return False
        if not len(rows):
            continue
        try:
            scale = np.array(read_size(image), dtype=np.float64)
        except ImageError:
            continue
        for corners in rows.reshape(-1, 4, 2) * scale:
            is_box = is_rectangle(corners)
            total += 1
            rectangles += is_box
            turned += is_box and not _is_upright(corners)
    return turned > 0 and rectangles >= _MOST * total


def oriented_box(corners: np.ndarray) -> OrientedBox:
    """Return the rotated box of (4, 2) corners in pixels: its own axes where they are a rectangle, else around them.

    The first corner is the box's own top left, the second its top right.
    """
    if is_rectangle(corners):
        cx, cy = corners.mean(0).tolist()
        along = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
        across = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
        clockwise = along[0] * across[1] - along[1] * across[0] > 0
        if not clockwise:  # our boxes run clockwise on screen: take the other edge first
            along, across = across, along
        w, h = math.hypot(*along), math.hypot(*across)
        return OrientedBox(cx, cy, w, h, math.atan2(along[1], along[0]))
    import cv2

    (cx, cy), (w, h), degrees = cv2.minAreaRect(corners.astype(np.float32))
    return OrientedBox(cx, cy, w, h, math.radians(degrees))


def is_rectangle(corners: np.ndarray) -> bool:
    """Tell whether (4, 2) corners in order are a rectangle: its diagonals meet in their middles and are equal."""
    middles = (corners[0] + corners[2]) / 2 - (corners[1] + corners[3]) / 2
    diagonals = np.hypot(*(corners[2] - corners[0])), np.hypot(*(corners[3] - corners[1]))
    tolerance = min(_TOLERANCE, max(0.5, 0.03 * max(diagonals)))
    return bool(
        np.abs(middles).max() <= tolerance and abs(diagonals[0] - diagonals[1]) <= tolerance
    )


def _is_upright(corners: np.ndarray) -> bool:
    edges = np.abs(np.roll(corners, -1, axis=0) - corners)
    return bool((edges.min(1) <= _TOLERANCE / 4).all())


def _rows(label: Path) -> np.ndarray | None:
    """Return the points of a label file, (n, 8), None where a line is anything else than four points."""
    try:
        lines = decode_text(label.read_bytes()).splitlines()
    except OSError:
        return np.zeros((0, 8))
    rows = []
    for line in lines:
        words = line.split()[1:]
        if len(words) != 8:
            if line.strip():
                return None
            continue
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            return None
    found = np.array(rows, dtype=np.float64).reshape(-1, 8)
    return found if np.isfinite(found).all() else None
