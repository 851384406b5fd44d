"""One training picture on its way through the transforms: pixels and labels in the same frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from engine.data.clip import clip_polygons

# Grey of the field for what no picture covers.
FILL = 114
_MIN_SIDE_PX = 2.0
_MAX_ASPECT = 100.0
# What is left of an object after a cut must be at least this part of its box.
_MIN_KEPT = 0.1


@dataclass
class Shapes:
    """The objects of a picture, in its pixels.

    Outlines of all objects lie in one array, one after the other, so that moving and cutting a picture's
    objects is a handful of array operations however many there are.

    Attributes:
        classes: (n,) float32.
        boxes: (n, 4) float32 corners.
        points: (P, 2) float32 points of the outlines.
        counts: (n,) int64 points of each; 0 for an object that has only a box.
    """

    classes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def segments(self) -> list[np.ndarray]:
        """Return the outlines one by one, (k, 2) each."""
        return np.split(self.points, np.cumsum(self.counts)[:-1]) if len(self) else []

    def select(self, index: np.ndarray) -> Shapes:
        """Return some objects, by mask or by indices."""
        index = np.flatnonzero(index) if index.dtype == bool else index
        counts = self.counts[index]
        starts = np.cumsum(self.counts) - self.counts
        # For each kept point its place in the old array.
        ends = np.cumsum(counts)
        place = np.arange(ends[-1] if len(ends) else 0) + np.repeat(
            starts[index] - ends + counts, counts
        )
        return Shapes(self.classes[index], self.boxes[index], self.points[place], counts)

    def moved(self, scale: Sequence[float], offset: Sequence[float]) -> Shapes:
        """Return the objects scaled by (x, y), then moved by (x, y)."""
        scale, offset = np.float32(scale), np.float32(offset)
        boxes = (self.boxes.reshape(-1, 2, 2) * scale + offset).reshape(-1, 4)
        return Shapes(self.classes, boxes, self.points * scale + offset, self.counts)

    def mapped(self, matrix: np.ndarray) -> Shapes:
        """Return the objects under a (3, 3) map; boxes are those around the moved outlines or corners."""
        points = _apply(matrix, self.points)
        corners = _apply(matrix, self.boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)).reshape(
            -1, 4, 2
        )
        boxes = (
            np.concatenate((corners.min(1), corners.max(1)), axis=1) if len(self) else self.boxes
        )
        return _with_boxes_of_outlines(Shapes(self.classes, boxes, points, self.counts))

    def clipped(self, width: float, height: float) -> Shapes:
        """Cut the objects at the picture's border and drop those of which too little is left."""
        if not len(self):
            return self
        before = _areas(self.boxes)
        boxes = self.boxes.copy()
        boxes[:, 0::2] = boxes[:, 0::2].clip(0, width)
        boxes[:, 1::2] = boxes[:, 1::2].clip(0, height)
        had_outline = self.counts > 0
        points, counts = clip_polygons(self.points, self.counts, width, height)
        cut = _with_boxes_of_outlines(Shapes(self.classes, boxes, points, counts))
        sides = cut.boxes[:, 2:] - cut.boxes[:, :2]
        short, long = sides.min(1), sides.max(1)
        keep = (short > _MIN_SIDE_PX) & (long < _MAX_ASPECT * short)
        keep &= _areas(cut.boxes) > _MIN_KEPT * before
        keep &= (cut.counts >= 3) | ~had_outline
        return cut if keep.all() else cut.select(keep)


def join_shapes(parts: Sequence[Shapes]) -> Shapes:
    """Put the objects of several pictures of one frame together."""
    return Shapes(
        np.concatenate([p.classes for p in parts]),
        np.concatenate([p.boxes for p in parts]),
        np.concatenate([p.points for p in parts]),
        np.concatenate([p.counts for p in parts]),
    )


@dataclass
class Sample:
    """A picture with its objects.

    Attributes:
        image: (H, W, 3) uint8 BGR. May be shared with a cache: transforms make new pictures.
        shapes: Its objects, in its pixels.
        index: Its number in the data set.
        ori_shape: (height, width) of the file's picture.
        ratio_pad: ((gain_y, gain_x), (pad_x, pad_y)) from the file's picture to this one, as far as the
            way there was a letterbox.
    """

    image: np.ndarray
    shapes: Shapes
    index: int
    ori_shape: tuple[int, int]
    ratio_pad: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 1.0), (0.0, 0.0))

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width)."""
        height, width = self.image.shape[:2]
        return height, width

    def with_(self, image: np.ndarray, shapes: Shapes) -> Sample:
        """Return the sample with other pixels and objects."""
        return replace(self, image=image, shapes=shapes)


def _apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Map (P, 2) points by a (3, 3) matrix, perspective included."""
    matrix = matrix.astype(np.float32)
    moved = points @ matrix[:2, :2].T + matrix[:2, 2]
    if matrix[2, 0] or matrix[2, 1]:
        moved /= points @ matrix[2, :2, None] + matrix[2, 2]
    return moved


def _with_boxes_of_outlines(shapes: Shapes) -> Shapes:
    """Replace the boxes of objects with an outline by those around it."""
    has = shapes.counts > 0
    if has.any():
        starts = (np.cumsum(shapes.counts) - shapes.counts)[has]
        shapes.boxes[has, :2] = np.minimum.reduceat(shapes.points, starts)
        shapes.boxes[has, 2:] = np.maximum.reduceat(shapes.points, starts)
    return shapes


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
