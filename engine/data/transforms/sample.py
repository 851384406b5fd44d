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
        keypoints: (n, K, 3) float32 x, y and visibility: 0 not labelled or out of the picture, 1 hidden,
            2 seen. K is 0 where objects have none.
        flip_idx: For each keypoint the one it becomes in a mirror (the left eye the right one), (K,); None
            where they stay what they are.
    """

    classes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    keypoints: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 3), np.float32))
    flip_idx: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.keypoints.size == 0 and len(self.keypoints) != len(self.classes):
            self.keypoints = np.zeros((len(self.classes), 0, 3), np.float32)

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def segments(self) -> list[np.ndarray]:
        """Return the outlines one by one, (k, 2) each."""
        return np.split(self.points, np.cumsum(self.counts)[:-1]) if len(self) else []

    def select(self, index: np.ndarray) -> Shapes:
        """Return some objects, by mask or by indices."""
        if index.dtype == bool:
            if index.all():
                return self
            index = np.flatnonzero(index)
        counts, points = self.counts[index], self.points
        if len(points):
            starts = np.cumsum(self.counts) - self.counts
            # For each kept point its place in the old array.
            ends = np.cumsum(counts)
            place = np.arange(ends[-1] if len(ends) else 0) + np.repeat(
                starts[index] - ends + counts, counts
            )
            points = points[place]
        return Shapes(
            self.classes[index],
            self.boxes[index],
            points,
            counts,
            self.keypoints[index],
            self.flip_idx,
        )

    def moved(
        self, scale: Sequence[float] | np.ndarray, offset: Sequence[float] | np.ndarray
    ) -> Shapes:
        """Return the objects scaled, then moved; a negative scale mirrors.

        Args:
            scale: (x, y) for all objects, or (n, 2) for each its own, all of the same signs.
            offset: The same way.
        """
        gain, shift = np.float32(scale), np.float32(offset)
        boxes = self.boxes.reshape(-1, 2, 2) * gain[..., None, :] + shift[..., None, :]
        boxes = boxes.reshape(-1, 4)
        signs = gain.reshape(-1, 2)[0] if gain.size else np.ones(2)
        for axis in (0, 1):
            if signs[axis] < 0:
                boxes[:, [axis, axis + 2]] = boxes[:, [axis + 2, axis]]
        keypoints = self.keypoints
        if keypoints.size:
            keypoints = keypoints.copy()
            keypoints[..., :2] = keypoints[..., :2] * gain[..., None, :] + shift[..., None, :]
        if gain.ndim == 2:
            gain, shift = np.repeat(gain, self.counts, 0), np.repeat(shift, self.counts, 0)
        moved = replace(self, boxes=boxes, points=self.points * gain + shift, keypoints=keypoints)
        return _with_sides_swapped(moved) if signs[0] * signs[1] < 0 else moved

    def mapped(self, matrix: np.ndarray) -> Shapes:
        """Return the objects under a (3, 3) map; boxes are those around the moved outlines or corners."""
        points = _apply(matrix, self.points)
        corners = _apply(matrix, self.boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)).reshape(
            -1, 4, 2
        )
        boxes = (
            np.concatenate((corners.min(1), corners.max(1)), axis=1) if len(self) else self.boxes
        )
        keypoints = self.keypoints.copy()
        keypoints[..., :2] = _apply(matrix, self.keypoints[..., :2].reshape(-1, 2)).reshape(
            *keypoints.shape[:2], 2
        )
        moved = replace(self, boxes=boxes, points=points, keypoints=keypoints)
        if np.linalg.det(matrix) < 0:
            moved = _with_sides_swapped(moved)
        return _with_boxes_of_outlines(moved)

    def clipped(self, bounds: tuple[float, float, float, float]) -> Shapes:
        """Cut the objects at a rectangle (x0, y0, x1, y1) and drop those of which too little is left.

        Keypoints outside lose their visibility.
        """
        low, high = np.float32(bounds[:2]), np.float32(bounds[2:])
        seen = replace(self, keypoints=_hidden_outside(self.keypoints, low, high))
        if not len(self.points):
            seen.boxes = _within(self.boxes, bounds)
            return seen.select(_is_usable(seen.boxes, self.boxes))
        inside = (self.boxes[:, :2] >= low).all(1) & (self.boxes[:, 2:] <= high).all(1)
        if inside.all():
            return seen.select(_is_usable(self.boxes, self.boxes))
        touches = (self.boxes[:, :2] < high).all(1) & (self.boxes[:, 2:] > low).all(1)
        whole, crossing = seen.select(inside), seen.select(touches & ~inside)
        whole = whole.select(_is_usable(whole.boxes, whole.boxes))
        return join_shapes([whole, _cut(crossing, bounds)]) if len(crossing) else whole


def join_shapes(parts: Sequence[Shapes]) -> Shapes:
    """Put the objects of several pictures of one frame together."""
    many = max((p.keypoints.shape[1] for p in parts), default=0)
    # a picture without objects knows of no keypoints
    keypoints = [p.keypoints if len(p) else np.zeros((0, many, 3), np.float32) for p in parts]
    return Shapes(
        np.concatenate([p.classes for p in parts]),
        np.concatenate([p.boxes for p in parts]),
        np.concatenate([p.points for p in parts]),
        np.concatenate([p.counts for p in parts]),
        np.concatenate(keypoints),
        next((p.flip_idx for p in parts if p.flip_idx is not None), None),
    )


@dataclass
class Sample:
    """A picture with its objects.

    Attributes:
        image: (H, W, C) uint8, BGR where C is 3. May be shared with a cache: transforms make new pictures.
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


def _with_sides_swapped(shapes: Shapes) -> Shapes:
    """Give each keypoint the place of its partner, as a mirror makes left of right."""
    if shapes.flip_idx is None or not shapes.keypoints.size:
        return shapes
    return replace(shapes, keypoints=shapes.keypoints[:, shapes.flip_idx])


def _hidden_outside(keypoints: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return keypoints (n, K, 3), those outside a rectangle without visibility."""
    if not keypoints.size:
        return keypoints
    xy = keypoints[..., :2]
    outside = ((xy < low) | (xy > high)).any(-1)
    if not outside.any():
        return keypoints
    keypoints = keypoints.copy()
    keypoints[outside, 2] = 0
    return keypoints


def _with_boxes_of_outlines(shapes: Shapes) -> Shapes:
    """Replace the boxes of objects with an outline by those around it."""
    has = shapes.counts > 0
    if has.any():
        starts = (np.cumsum(shapes.counts) - shapes.counts)[has]
        shapes.boxes[has, :2] = np.minimum.reduceat(shapes.points, starts)
        shapes.boxes[has, 2:] = np.maximum.reduceat(shapes.points, starts)
    return shapes


def _cut(shapes: Shapes, bounds: tuple[float, float, float, float]) -> Shapes:
    """Cut objects that all cross the border of a rectangle."""
    boxes = _within(shapes.boxes, bounds)
    points, counts = clip_polygons(shapes.points, shapes.counts, bounds)
    cut = _with_boxes_of_outlines(replace(shapes, boxes=boxes, points=points, counts=counts))
    gone = (shapes.counts > 0) & (counts < 3)
    return cut.select(_is_usable(cut.boxes, shapes.boxes) & ~gone)


def _within(boxes: np.ndarray, bounds: tuple[float, float, float, float]) -> np.ndarray:
    """Return the parts of boxes in a rectangle; those outside get no area."""
    x0, y0, x1, y1 = bounds
    return boxes.clip(np.float32((x0, y0, x0, y0)), np.float32((x1, y1, x1, y1)))


def _is_usable(boxes: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Say which boxes are large enough, not too thin, and not too little of what they were before."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    old_width, old_height = (before[:, 2:] - before[:, :2]).T
    short, long = np.minimum(width, height), np.maximum(width, height)
    keep = (short > _MIN_SIDE_PX) & (long < _MAX_ASPECT * short)
    kept: np.ndarray = keep & (width * height > _MIN_KEPT * (old_width * old_height))
    return kept
