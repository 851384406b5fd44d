"""What is behind each cell of a validation's confusion matrix: pairs of objects, or whole images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from studio.model.seen import (
    CONFUSION_IOU,
    CONFUSION_SCORE,
    Box,
    Point,
    SeenImage,
    SeenObject,
)

Cell = tuple[int, int]
Ring = tuple[Point, ...]
_EPS = 1e-9


@dataclass(frozen=True, slots=True)
class Example:
    """One object of a cell of the confusion matrix: a label, a prediction, the pair of them, or a whole image."""

    image: SeenImage
    truth: SeenObject | None
    prediction: SeenObject | None

    @property
    def box(self) -> Box:
        """Return the box around all of it."""
        boxes = [seen.box for seen in (self.truth, self.prediction) if seen is not None]
        boxes = boxes or [(0.0, 0.0, float(self.image.width), float(self.image.height))]
        corners = np.asarray(boxes)
        low, high = corners[:, :2].min(0), corners[:, 2:].max(0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def find_cells(images: Sequence[SeenImage], background: int) -> dict[Cell, list[Example]]:
    """Return what is behind each cell ``(predicted, true)``, the images with the most of it first.

    Args:
        images: What a validation saw.
        background: Row and column of what is nothing.
    """
    found: dict[Cell, list[Example]] = {}
    for image in images:
        for cell, example in _examples(image, background):
            found.setdefault(cell, []).append(example)
    for cell, examples in found.items():
        examples.sort(key=lambda example: -_share(example.image, cell))
    return found


def _examples(image: SeenImage, background: int) -> list[tuple[Cell, Example]]:
    """Return the cells that an image contributes to."""
    if image.answer is not None:
        return [((image.answer.said, image.answer.truth), Example(image, None, None))]
    if image.maps is not None:
        return [(pair, Example(image, None, None)) for pair in image.maps.pixels]
    return _paired_objects(image, background)


def _share(image: SeenImage, cell: Cell) -> float:
    """How much of a cell an image makes up, where that differs from image to image."""
    return image.maps.pixels.get(cell, 0) if image.maps is not None else 0.0


def _paired_objects(image: SeenImage, background: int) -> list[tuple[Cell, Example]]:
    """Pair predictions and labels whatever their classes, the pair that overlaps most first."""
    sure = [found for found in image.predictions if (found.score or 0) >= CONFUSION_SCORE]
    overlap = _overlaps(sure, image.truth)
    pairs = np.argwhere(overlap > CONFUSION_IOU)
    order = np.argsort(-overlap[tuple(pairs.T)], kind="stable")
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in pairs[order].tolist():
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    result = []
    for i, found in enumerate(sure):
        truth = image.truth[partner[i]] if i in partner else None
        column = background if truth is None else truth.class_id
        result.append(((found.class_id, column), Example(image, truth, found)))
    for j, truth in enumerate(image.truth):
        if j not in taken:
            result.append(((background, truth.class_id), Example(image, truth, None)))
    return result


def _overlaps(first: Sequence[SeenObject], second: Sequence[SeenObject]) -> np.ndarray:
    if any(seen.corners for seen in (*first, *second)):
        return rotated_overlaps([s.ring for s in first], [s.ring for s in second])
    return box_overlaps([s.box for s in first], [s.box for s in second])


def box_overlaps(first: Sequence[Box], second: Sequence[Box]) -> np.ndarray:
    """Return the intersection over union of each box with each other, (len(first), len(second))."""
    a = np.asarray(first, dtype=float).reshape(-1, 1, 4)
    b = np.asarray(second, dtype=float).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = sides.clip(0).prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return shared / np.maximum(areas - shared, 1e-9)


def rotated_overlaps(first: Sequence[Ring], second: Sequence[Ring]) -> np.ndarray:
    """Return the overlap of rotated boxes as their validation measures it, (len(first), len(second)).

    ProbIoU (Llerena et al., 2021, arXiv:2106.06072): one less the Hellinger distance of the Gaussians
    that have the boxes' centres and spreads.

    Args:
        first: Four corners of each box, in order around it.
        second: The same of the others.
    """
    (centre1, spread1), (centre2, spread2) = _gaussians(first), _gaussians(second)
    between = centre1[:, None] - centre2[None]
    joined = (spread1[:, None] + spread2[None]) / 2
    volume = np.maximum(np.linalg.det(joined), _EPS)
    apart = np.linalg.det(spread1)[:, None] * np.linalg.det(spread2)[None]
    (a, c), (_, b) = joined[..., 0, :].transpose(2, 0, 1), joined[..., 1, :].transpose(2, 0, 1)
    dx, dy = between[..., 0], between[..., 1]
    mahalanobis = (b * dx**2 - 2 * c * dx * dy + a * dy**2) / volume
    distance = mahalanobis / 8 + np.log(volume / np.sqrt(np.maximum(apart, _EPS))) / 2
    return 1 - np.sqrt(1 - np.exp(-np.clip(distance, 0, 100)))


def _gaussians(rings: Sequence[Ring]) -> tuple[np.ndarray, np.ndarray]:
    """Return centres (n, 2) and covariances (n, 2, 2): a side of length s spreads s^2 / 12."""
    corners = np.asarray(rings, dtype=float).reshape(-1, 4, 2)
    sides = np.diff(corners[:, :3], axis=1)
    return corners.mean(1), np.einsum("nsi,nsj->nij", sides, sides) / 12
