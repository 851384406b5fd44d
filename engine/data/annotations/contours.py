"""Masks to outlines along the pixel edges, so that outline and mask agree to the last pixel. Numpy only.

A pixel (column i, row j) covers i..i+1, j..j+1; contour finders that return pixel centres lose half a
pixel on each side, which costs a 20-pixel object a tenth of its area.
"""

from __future__ import annotations

import numpy as np

Corner = tuple[int, int]


def mask_to_rings(mask: np.ndarray) -> list[np.ndarray]:
    """Trace all borders of a mask.

    Pixels that touch only at a corner belong to different objects (4-connectivity).

    Args:
        mask: (H, W), not zero inside.

    Returns:
        (k, 2) int64 rings of corners x, y. Outer rings run clockwise on screen (positive shoelace area),
        holes the other way; no three corners in a row lie on one line.
    """
    inside = np.pad(np.asarray(mask) != 0, 1)
    rows, columns = _edges(inside), _edges(np.ascontiguousarray(inside.T))
    # The object lies right of the walking direction: along its top edge it walks right, along its left
    # edge up. Transposing swaps x and y and with them the sense of rotation.
    across = {(x0, y): (x1, y) for y, x0, x1, below in rows if below}
    back = {(x1, y): (x0, y) for y, x0, x1, below in rows if not below}
    up = {(x, y1): (x, y0) for x, y0, y1, right in columns if right}
    down = {(x, y0): (x, y1) for x, y0, y1, right in columns if not right}
    # At each corner prefer the turn to the right: it keeps objects that touch at a corner apart.
    turns = {id(across): (down, up), id(down): (back, across)}
    turns |= {id(back): (up, down), id(up): (across, back)}
    rings = []
    while across:
        start = next(iter(across))
        rings.append(_walk(start, across, turns))
    return rings


def _edges(inside: np.ndarray) -> list[tuple[int, int, int, bool]]:
    """Return the runs of border between neighbouring rows: (row line, start, stop, object is below).

    Args:
        inside: (H + 2, W + 2) bool with an empty border, so that no run goes on into the next line.
    """
    width = inside.shape[1]
    marks = np.flatnonzero(inside[1:] != inside[:-1])
    if not len(marks):
        return []
    below = inside.ravel()[marks + width]
    first = np.flatnonzero((np.diff(marks, prepend=-2) != 1) | (np.diff(below, prepend=~below[:1])))
    lengths = np.diff(first, append=len(marks))
    lines, starts = np.divmod(marks[first], width)
    # The padding of one pixel moved everything by one, the row difference moved lines back.
    return [
        (y, x - 1, x - 1 + length, under)
        for y, x, length, under in zip(
            lines.tolist(), starts.tolist(), lengths.tolist(), below[first].tolist(), strict=True
        )
    ]


def _walk(
    start: Corner,
    first: dict[Corner, Corner],
    turns: dict[int, tuple[dict[Corner, Corner], dict[Corner, Corner]]],
) -> np.ndarray:
    """Follow one border from ``start`` until it closes, taking its edges out of the tables."""
    ring, here, table = [], start, first
    while True:
        ring.append(here)
        here = table.pop(here)
        right, left = turns[id(table)]
        table = right if here in right or (here == start and right is first) else left
        if here == start and table is first:
            return np.array(ring, dtype=np.int64)
