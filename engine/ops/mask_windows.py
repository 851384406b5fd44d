"""Masks as small windows of an image: what measuring needs, without pixels where nothing is.

Polygons become pixels by COCO's rule (``pycocotools``), which measures are published by: five times finer than
the pixels, along the outline. Predicted masks are enlarged from the prototypes straight to the image's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.ops.boxes import RatioPad, letterbox_frame
from engine.ops.masks import masks2segments
from engine.ops.run_lengths import run_lengths as run_lengths

# COCO's rule follows the outline in steps of a fifth of a pixel
_FINER = 5
# Cells that one cell above 0 can fill with a mask
_REACH = 4


@dataclass(frozen=True)
class MaskWindow:
    """The part of a mask where anything may be.

    Attributes:
        x: Column of the window's first pixel in the image.
        y: Its row.
        pixels: (h, w) bool, True inside the mask.
    """

    x: int
    y: int
    pixels: np.ndarray

    @cached_property
    def area(self) -> int:
        """Number of pixels inside."""
        return int(np.count_nonzero(self.pixels))

    def shared(self, other: MaskWindow) -> int:
        """Return the number of pixels inside both."""
        (height, width), (other_height, other_width) = self.pixels.shape, other.pixels.shape
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + width, other.x + other_width)
        bottom = min(self.y + height, other.y + other_height)
        if left >= right or top >= bottom:
            return 0
        mine = self.pixels[top - self.y : bottom - self.y, left - self.x : right - self.x]
        its = other.pixels[top - other.y : bottom - other.y, left - other.x : right - other.x]
        return int(np.count_nonzero(mine & its))

    def whole(self, size_hw: tuple[int, int]) -> np.ndarray:
        """Return the mask over an image of (height, width), bool."""
        mask = np.zeros(size_hw, bool)
        rows, columns = self.pixels.shape
        mask[self.y : self.y + rows, self.x : self.x + columns] = self.pixels
        return mask

    def outline(self) -> np.ndarray:
        """Return the outline (k, 2) in pixels of the image; (0, 2) for an empty mask."""
        segment = masks2segments(self.pixels[None])[0]
        return segment + np.array([self.x, self.y], dtype=np.float32) if len(segment) else segment

    def encode(self, size_hw: tuple[int, int]) -> dict[str, Any]:
        """Return the mask in an image of (height, width) as COCO's compressed run lengths, as text."""
        from pycocotools import mask as coco_mask

        height, width = size_hw
        rows, columns = self.pixels.shape
        # Down the columns: a run begins where a pixel differs from the one above, and ends with its column.
        padded = np.zeros((columns, rows + 2), dtype=np.int8)
        padded[:, 1:-1] = self.pixels.T
        column, row = np.nonzero(np.diff(padded, axis=1))
        at = (self.x + column) * height + self.y + row
        goes_on = np.flatnonzero(np.diff(at) == 0)  # at the top of the next column
        at = np.delete(at, np.concatenate((goes_on, goes_on + 1)))
        runs = np.diff(at, prepend=0, append=height * width).tolist()
        encoded = coco_mask.frPyObjects({"size": [height, width], "counts": runs}, height, width)
        return {"size": [height, width], "counts": encoded["counts"].decode("ascii")}


def polygon_windows(polygons: Sequence[np.ndarray], size_hw: tuple[int, int]) -> list[MaskWindow]:
    """Turn polygons (k, 2), in pixels of an image of (height, width), into masks by COCO's rule."""
    from pycocotools import mask as coco_mask

    windows = []
    for polygon in polygons:
        if len(polygon) < 3:
            windows.append(MaskWindow(0, 0, np.zeros((0, 0), dtype=bool)))
            continue
        # The rule begins by rounding to fifths of a pixel: done here, it does not depend on the window.
        points = np.floor(np.asarray(polygon, dtype=np.float64) * _FINER + 0.5) / _FINER
        low = np.clip(np.floor(points.min(0)) - 1, 0, None)
        high = np.clip(np.ceil(points.max(0)) + 1, None, (size_hw[1], size_hw[0]))
        width, height = np.maximum(high - low, 0).astype(int).tolist()
        if not width or not height:
            windows.append(MaskWindow(0, 0, np.zeros((0, 0), dtype=bool)))
            continue
        encoded = coco_mask.frPyObjects([(points - low).reshape(-1).tolist()], height, width)[0]
        pixels = decode_counts(run_lengths(encoded["counts"]), (height, width))
        windows.append(MaskWindow(int(low[0]), int(low[1]), pixels))
    return windows


def rle_window(encoded: dict[str, Any]) -> MaskWindow:
    """Turn COCO's compressed run lengths into a mask."""
    counts = encoded["counts"]
    counts = counts.encode("ascii") if isinstance(counts, str) else counts
    height, width = encoded["size"]
    pixels = decode_counts(run_lengths(counts), (height, width))
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not len(rows):
        return MaskWindow(0, 0, np.zeros((0, 0), dtype=bool))
    inside = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return MaskWindow(int(columns[0]), int(rows[0]), np.ascontiguousarray(inside))


def decode_counts(runs: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return runs down the columns as pixels (height, width) bool."""
    inside = np.zeros(len(runs), dtype=bool)
    inside[1::2] = True
    flat = np.repeat(inside, runs)
    return flat.reshape(size_hw[1], size_hw[0]).T


class Enlarger:
    """Makes the predicted masks of one image at the image's size, as windows.

    Prototypes are read where the pixels' centres fall, bilinear, without the letterbox's border; where that
    ends between whole prototype cells the numbers are those of :func:`engine.ops.masks.process_mask_native`.
    """

    def __init__(
        self,
        protos: Any,
        coefficients: Any,
        boxes: np.ndarray,
        size_hw: tuple[int, int],
        input_hw: tuple[int, int],
        ratio_pad: RatioPad | None = None,
    ) -> None:
        """Take what the masks are made of.

        Args:
            protos: Tensor (nm, h, w) of the image.
            coefficients: Tensor (N, nm).
            boxes: Corners (N, 4) in pixels of the original image; nothing outside belongs to a mask.
            size_hw: (height, width) of the original image.
            input_hw: (height, width) of the network's letterboxed input.
            ratio_pad: What the letterbox recorded.
        """
        nm, h, w = protos.shape
        logits = coefficients.to(protos.device).float() @ protos.float().reshape(nm, -1)
        self.planes = logits.view(-1, h, w).cpu().numpy()
        height, width = size_hw
        ends = np.array([width, height, width, height])
        self.pixels = np.clip(np.ceil(boxes), 0, ends).astype(np.int64).tolist()
        gain_x, gain_y, pad_x, pad_y = letterbox_frame(input_hw, size_hw, ratio_pad)
        cell_x, cell_y = input_hw[1] / w, input_hw[0] / h
        self._columns = _places(width, w, gain_x / cell_x, pad_x / cell_x)
        self._rows = _places(height, h, gain_y / cell_y, pad_y / cell_y)
        self._cell_area = cell_x * cell_y / (gain_x * gain_y)

    def rough_area(self, i: int) -> tuple[float, int, float]:
        """Return what the prototypes' cells say of the i-th mask.

        Returns:
            About how many pixels it has, in how many cells of its box, and how many pixels it can have at most:
            a cell above 0 reaches as far as the centres of its neighbours.
        """
        x1, y1, x2, y2 = self.pixels[i]
        if x1 >= x2 or y1 >= y2:
            return 0.0, 0, 0.0
        (top, bottom), (left, right) = _inside(self._rows, y1, y2), _inside(self._columns, x1, x2)
        first_row, first_column = max(top - 1, 0), max(left - 1, 0)
        near = self.planes[i, first_row : bottom + 1, first_column : right + 1] > 0
        inside = near[
            top - first_row : bottom - first_row, left - first_column : right - first_column
        ]
        cells = int(np.count_nonzero(inside))
        most = _REACH * int(np.count_nonzero(near)) * self._cell_area
        return cells * self._cell_area, cells, most

    def window(self, i: int) -> MaskWindow:
        """Make the i-th mask."""
        x1, y1, x2, y2 = self.pixels[i]
        if x1 >= x2 or y1 >= y2:
            return MaskWindow(0, 0, np.zeros((0, 0), dtype=bool))
        low, high = self._columns[0][x1], self._columns[0][x2 - 1] + 2
        plane = _between(self.planes[i, :, low:high], self._rows, slice(y1, y2), 0)
        inside = _between(np.ascontiguousarray(plane.T), self._columns, slice(x1, x2), low) > 0
        return MaskWindow(x1, y1, inside.T)


def _places(pixels: int, cells: int, scale: float, pad: float) -> tuple[np.ndarray, np.ndarray]:
    """Return for each pixel the cell before its centre and the share of the next (pixels, 1) float32.

    Args:
        pixels: Along an axis of the original image.
        cells: Along it in the prototypes.
        scale: Cells to a pixel.
        pad: Width of the letterbox's border in cells; cells whose centres lie there are not read.
    """
    at = (np.arange(pixels) + 0.5) * scale + pad - 0.5
    first, last = np.ceil(pad - 0.5), np.floor(pad + pixels * scale - 0.5)
    at = at.clip(min(first, cells - 1), max(min(last, cells - 1), 0)).clip(0)
    low = np.minimum(np.floor(at).astype(np.int64), max(cells - 2, 0))
    return low, (at - low).astype(np.float32)[:, None]


def _inside(places: tuple[np.ndarray, np.ndarray], first: int, last: int) -> tuple[int, int]:
    """Return the first cell, and the one after the last, whose centres lie among some pixels."""
    low, share = places
    return int(low[first]) + int(share[first, 0] > 0), int(low[last - 1]) + 1


def _between(
    plane: np.ndarray, places: tuple[np.ndarray, np.ndarray], part: slice, start: int
) -> np.ndarray:
    """Return rows of a plane, whose first one is number ``start``, at fractional places, bilinear."""
    low, share = places[0][part] - start, places[1][part]
    first = plane[low]
    between = plane[np.minimum(low + 1, len(plane) - 1)]
    between -= first
    between *= share
    between += first
    return between
