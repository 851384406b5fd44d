"""Polygons to masks: exact, all polygons of an image at once. Loads no torch.

A pixel belongs to a polygon when its centre lies inside by the even-odd rule, so masks neither grow nor
shrink against the outline, neighbours that share an edge share no pixel, and the parts of a polygon
joined by edges walked there and back come out as they should.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_COLUMNS = 8  # of one byte each in an integer of 64 bits


def polygons2masks(
    imgsz: tuple[int, int],
    polygons: Sequence[np.ndarray],
    color: int = 1,
    downsample_ratio: int = 1,
) -> np.ndarray:
    """Rasterise each polygon into its own mask.

    Args:
        imgsz: (height, width) of the image the points are pixels of.
        polygons: Arrays of points, (n, 2) or flat x, y, x, y ...
        color: Value inside, 1..255.
        downsample_ratio: Image pixels to a mask pixel, along each axis.

    Returns:
        (len, height / ratio, width / ratio) uint8, 0 outside.

    Raises:
        ValueError: A polygon has an x without its y.
    """
    for polygon in polygons:
        if np.size(polygon) % 2:
            raise ValueError(
                f"expected x, y, x, y ... of a polygon, received {np.size(polygon)} numbers"
            )
    height, width = imgsz[0] // downsample_ratio, imgsz[1] // downsample_ratio
    masks = _parity(polygons, height, width, downsample_ratio)
    return masks * np.uint8(color) if color != 1 else masks


def polygon2mask(
    imgsz: tuple[int, int],
    polygons: Sequence[np.ndarray],
    color: int = 1,
    downsample_ratio: int = 1,
) -> np.ndarray:
    """Rasterise polygons into one mask, (height / ratio, width / ratio) uint8: ``color`` inside any of them."""
    masks = polygons2masks(imgsz, polygons, color, downsample_ratio)
    return masks.max(0) if len(masks) else np.zeros(masks.shape[1:], dtype=np.uint8)


def polygons2masks_overlap(
    imgsz: tuple[int, int], segments: Sequence[np.ndarray], downsample_ratio: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Rasterise polygons into one index image in which smaller objects lie on top of larger ones.

    Args:
        imgsz: (height, width) of the image the points are pixels of.
        segments: Polygons, (n, 2) each.
        downsample_ratio: Image pixels to a mask pixel.

    Returns:
        The index image (h, w), 0 for background and i + 1 for the i-th polygon in the order of the second
        value; uint8 up to 255 polygons, else int32. And that order: indices by area, largest first.
    """
    masks = polygons2masks(imgsz, segments, downsample_ratio=downsample_ratio).view(bool)
    order = np.argsort([-np.count_nonzero(mask) for mask in masks], kind="stable")
    labels = np.zeros(masks.shape[1:], dtype=np.uint8 if len(masks) <= 255 else np.int32)
    for number, index in enumerate(order, 1):
        np.copyto(labels, labels.dtype.type(number), where=masks[index])
    return labels, order.astype(np.int64, copy=False)


def _parity(polygons: Sequence[np.ndarray], height: int, width: int, ratio: int) -> np.ndarray:
    """Return (len, height, width) uint8 with 1 where a pixel centre is inside, by crossings above it.

    Each pair (edge, pixel column whose centre line it crosses) flips all pixels of that column from the
    crossing down: flips are counted at the crossing and summed down the columns modulo 2, which are the lowest
    bits of exclusive ors, for eight columns at once.
    """
    rings = [np.asarray(p, dtype=np.float64).reshape(-1, 2) for p in polygons]
    wide = -(-width // _COLUMNS) * _COLUMNS
    flips = np.zeros((len(rings), height + 1, wide), dtype=np.uint8)
    counts = np.array([len(r) for r in rings], dtype=np.int64)
    if not counts.sum() or not height or not width:
        return flips[:, :height, :width]
    points = np.concatenate(rings) / ratio
    owner = np.repeat(np.arange(len(rings)), counts)
    following = np.arange(len(points)) + 1
    ends = np.cumsum(counts)
    full = counts > 0
    following[ends[full] - 1] = ends[full] - counts[full]
    (x0, y0), (x1, y1) = points.T, points[following].T

    # Columns c with min(x) <= c + 0.5 < max(x): half-open, so a corner on a centre line counts once.
    column0 = np.clip(np.ceil(np.minimum(x0, x1) - 0.5), 0, width).astype(np.int64)
    column1 = np.clip(np.ceil(np.maximum(x0, x1) - 0.5), 0, width).astype(np.int64)
    spans = column1 - column0
    edge = np.repeat(np.arange(len(points)), spans)
    column = np.arange(len(edge)) - np.repeat(np.cumsum(spans) - spans, spans) + column0[edge]
    across = (column + 0.5 - x0[edge]) * (y1[edge] - y0[edge])
    y = y0[edge] + across / (x1[edge] - x0[edge])
    row = np.clip(np.ceil(y - 0.5), 0, height).astype(np.int64)
    np.add.at(flips.reshape(-1), (owner[edge] * (height + 1) + row) * wide + column, np.uint8(1))
    eights = flips.view(np.uint64)
    np.bitwise_xor.accumulate(eights, axis=1, out=eights)
    inside = flips[:, :height, :width]
    inside &= 1
    return inside
