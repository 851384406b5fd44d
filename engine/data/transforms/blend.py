"""Two pictures in one: mixup lays one over the other, copy-paste puts objects of one into the other."""

from __future__ import annotations

import numpy as np

from engine.data.transforms.sample import Sample, Shapes, join_shapes

# Objects are pasted where they cover less than this part of every other.
_MAX_COVERED = 0.3


def mixup(first: Sample, second: Sample, rng: np.random.Generator) -> Sample:
    """Average two pictures of one size, about half and half, and keep all objects (Zhang et al. 2018)."""
    import cv2

    share = float(rng.beta(32.0, 32.0))
    image = cv2.addWeighted(first.image, share, second.image, 1 - share, 0)
    image = image.reshape(first.image.shape)
    return first.with_(image, join_shapes([first.shapes, second.shapes]))


def paste_shapes(
    target: Sample, source: Sample, probability: float, rng: np.random.Generator
) -> Sample:
    """Copy outlined objects of a source into a target of the same size (Ghiasi et al. 2021).

    Each object that covers less than a third of every object of the target is pasted with the given
    probability; what it covers of them is taken off their pixels but not their outlines.
    """
    import cv2

    candidates = source.shapes.select(source.shapes.counts >= 3)
    overlaps = _overlap(candidates.boxes, target.shapes.boxes).max(1, initial=0.0)
    chosen = (overlaps < _MAX_COVERED) & (rng.random(len(candidates)) < probability)
    if not chosen.any():
        return target
    pasted: Shapes = candidates.select(chosen)
    mask = np.zeros(target.size, dtype=np.uint8)
    for segment in pasted.segments:
        cv2.fillPoly(mask, [np.rint((segment - 0.5) * 16).astype(np.int32)], 1, shift=4)
    image = target.image.copy()
    cv2.copyTo(source.image, mask, image)
    return target.with_(image, join_shapes([target.shapes, pasted]))


def mirrored(sample: Sample) -> Sample:
    """Return a sample seen in a mirror, left and right swapped."""
    width = sample.size[1]
    shapes = sample.shapes.moved((-1, 1), (width, 0))
    return sample.with_(np.ascontiguousarray(sample.image[:, ::-1]), shapes)


def _overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which share of each other box (m, 4) the boxes (n, 4) cover, (n, m)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    sides = others[:, 2:] - others[:, :2]
    return np.clip(high - low, 0, None).prod(2) / np.maximum(sides.prod(1), 1e-9)
