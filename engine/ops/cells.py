"""Which cells of a network's feature map boxes cover. Numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def cells_of_boxes(boxes: np.ndarray, input_hw: Sequence[int], stride: int) -> np.ndarray:
    """Return the cells whose top-left corner lies in a box; a box too small for that gets its centre's cell.

    Args:
        boxes: Corners (N, 4), pixels of the input.
        input_hw: Height and width of the input.
        stride: Pixels to a cell.

    Returns:
        (N, h / stride, w / stride) bool.
    """
    x1, y1, x2, y2 = (np.asarray(boxes).reshape(-1, 4) / stride).T[..., None]  # each (N, 1)
    columns = np.arange(input_hw[1] // stride)
    rows = np.arange(input_hw[0] // stride)
    across = _or_centre((columns >= x1) & (columns < x2), x1, x2)
    down = _or_centre((rows >= y1) & (rows < y2), y1, y2)
    return down[:, :, None] & across[:, None, :]


def _or_centre(covered: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Give rows (N, cells) that cover nothing the cell of their interval's middle."""
    last = covered.shape[1] - 1
    middle = np.clip((low + high) // 2, 0, last).astype(int)
    return np.where(covered.any(1, keepdims=True), covered, np.arange(last + 1) == middle)
