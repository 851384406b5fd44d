"""A rectangle of one picture replaced by that of another, and the objects of both cut to what is still seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.data.clip import clip_polygons
from engine.data.transforms.sample import Sample, Shapes, join_shapes

# An object of which less than this part of its box is left uncovered is dropped.
_MIN_SEEN = 0.1
Rectangle = tuple[int, int, int, int]


def cutmix(first: Sample, second: Sample, rng: np.random.Generator) -> Sample:
    """Replace a random rectangle of a sample by that of another of its size (Yun et al. 2019).

    The area of the rectangle is drawn evenly from none to all of the picture, as the paper's Beta(1, 1), its
    middle anywhere. Objects of the second sample are cut at the rectangle, those of the first lose what it
    covers.
    """
    bounds = draw_rectangle(first.size, rng)
    x0, y0, x1, y1 = bounds
    if x1 <= x0 or y1 <= y0:
        return first
    image = first.image.copy()
    image[y0:y1, x0:x1] = second.image[y0:y1, x0:x1]
    shapes = join_shapes([uncovered(first.shapes, bounds), second.shapes.clipped(bounds)])
    height, width = first.size
    return first.with_(image, shapes.clipped((0, 0, width, height)))


def draw_rectangle(size: tuple[int, int], rng: np.random.Generator) -> Rectangle:
    """Return corners x0, y0, x1, y1 in whole pixels of a rectangle in a picture of (height, width)."""
    height, width = size
    half = np.sqrt(rng.uniform()) / 2 * np.array((width, height))
    middle = rng.uniform(size=2) * (width, height)
    low, high = (np.clip(np.rint(c), 0, (width, height)) for c in (middle - half, middle + half))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def uncovered(shapes: Shapes, bounds: Rectangle) -> Shapes:
    """Return what is left of objects when a rectangle covers them; keypoints under it lose visibility."""
    shares = _seen_shares(shapes.boxes, bounds)
    touched = shares < 1
    if not touched.any():
        return shapes
    cut = _cut_out(shapes.select(touched & (shares > _MIN_SEEN)), bounds)
    return join_shapes([shapes.select(~touched), cut])


def _seen_shares(boxes: np.ndarray, bounds: Rectangle) -> np.ndarray:
    """Return which part of each box (n, 4) lies outside the rectangle, (n,)."""
    low, high = np.array(bounds[:2], np.float32), np.array(bounds[2:], np.float32)
    overlap = np.minimum(boxes[:, 2:], high) - np.maximum(boxes[:, :2], low)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    shares: np.ndarray = 1 - np.clip(overlap, 0, None).prod(1) / np.maximum(areas, 1e-9)
    return shares


def _cut_out(shapes: Shapes, bounds: Rectangle) -> Shapes:
    """Take the rectangle out of objects that overlap it."""
    has = shapes.counts > 0
    outlined, plain = shapes.select(has), shapes.select(~has)
    cut = join_shapes([_around_box(plain, bounds), _around_outline(outlined, bounds)])
    xy, keypoints = cut.keypoints[..., :2], cut.keypoints.copy()
    hidden = ((xy >= np.array(bounds[:2])) & (xy < np.array(bounds[2:]))).all(-1)
    keypoints[hidden, 2] = 0
    return replace(cut, keypoints=keypoints)


def _around_box(shapes: Shapes, bounds: Rectangle) -> Shapes:
    """Shrink boxes to the smallest that hold what is outside the rectangle."""
    x0, y0, x1, y1 = bounds
    left, top, right, bottom = shapes.boxes.T.copy()
    wide, tall = (left >= x0) & (right <= x1), (top >= y0) & (bottom <= y1)
    # Only a rectangle that reaches over a whole side moves that side.
    cut_left, cut_right = tall & (left >= x0), tall & (right <= x1)
    cut_top, cut_bottom = wide & (top >= y0), wide & (bottom <= y1)
    boxes = np.stack(
        (
            np.where(cut_left, x1, left),
            np.where(cut_top, y1, top),
            np.where(cut_right, x0, right),
            np.where(cut_bottom, y0, bottom),
        ),
        axis=1,
    )
    return replace(shapes, boxes=boxes.astype(np.float32))


def _around_outline(shapes: Shapes, bounds: Rectangle) -> Shapes:
    """Cut outlines into what is left of, right of, above and below the rectangle, joined by bridges."""
    if not len(shapes):
        return shapes
    x0, y0, x1, y1 = bounds
    big = float(np.abs(shapes.points).max()) + max(bounds) + 1
    regions = ((-big, -big, x0, big), (x1, -big, big, big), (x0, -big, x1, y0), (x0, y1, x1, big))
    pieces = [_clipped_rings(shapes, region) for region in regions]
    rings = [_bridged([ring for ring in own if len(ring)]) for own in zip(*pieces, strict=True)]
    kept = np.array([len(ring) > 0 for ring in rings])
    rings = [ring for ring in rings if len(ring)]
    if not rings:
        return shapes.select(kept)
    boxes = [np.concatenate((ring.min(0), ring.max(0))) for ring in rings]
    left = shapes.select(kept)
    return replace(
        left,
        boxes=np.array(boxes, np.float32),
        points=np.concatenate(rings),
        counts=np.array([len(ring) for ring in rings], np.int64),
    )


def _clipped_rings(shapes: Shapes, region: tuple[float, float, float, float]) -> list[np.ndarray]:
    points, counts = clip_polygons(shapes.points, shapes.counts, region)
    return np.split(points, np.cumsum(counts)[:-1])


def _bridged(rings: Sequence[np.ndarray]) -> np.ndarray:
    """Join rings (n, 2) into one by edges walked there and back, which enclose no area."""
    if not rings:
        return np.zeros((0, 2), np.float32)
    start = rings[0][:1]
    # Closing a ring before leaving it makes each bridge run between two first points.
    rest = [np.concatenate((ring, ring[:1], start)) for ring in rings[1:]]
    first = [rings[0], start] if rest else [rings[0]]
    return np.concatenate([*first, *rest])
