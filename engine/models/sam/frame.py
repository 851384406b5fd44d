"""How a picture lies in a network's square input: its longer side fills it, the rest is at the right or the bottom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from engine.ops.mask_windows import MaskWindow

# Cells beside one above the threshold that enlarging it looks at
_BESIDE = 2


@dataclass(frozen=True)
class Frame:
    """Sizes of a picture, outside and inside of a network.

    Attributes:
        size_hw: (height, width) of the picture in pixels.
        side: Side of the network's square input; 0 where masks come in the picture's own size.
    """

    size_hw: tuple[int, int]
    side: int

    @property
    def inner_hw(self) -> tuple[int, int]:
        """(height, width) of the picture inside the square."""
        if not self.side:
            return self.size_hw
        scale = self.side / max(self.size_hw)
        height, width = (max(int(n * scale + 0.5), 1) for n in self.size_hw)
        return height, width

    def shrink(self, image: np.ndarray) -> np.ndarray:
        """Return a picture (H, W, 3) uint8 in the size that it has inside the square."""
        height, width = self.inner_hw
        if (height, width) == image.shape[:2]:
            return image
        # as the published models were trained: Pillow's bilinear, which averages where it makes smaller
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))

    def to_square(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 2) x, y in pixels of the picture in those of the square."""
        (height, width), (inner_h, inner_w) = self.size_hw, self.inner_hw
        return points * np.array([inner_w / width, inner_h / height])

    def enlarge(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits (h, w) of a mask, over the whole square, in the picture's size, (H, W) float32."""
        if not self.side:
            return logits
        whole = cv2.resize(logits, (self.side, self.side), interpolation=cv2.INTER_LINEAR)
        inner_h, inner_w = self.inner_hw
        size = (self.size_hw[1], self.size_hw[0])
        return cv2.resize(whole[:inner_h, :inner_w], size, interpolation=cv2.INTER_LINEAR)

    def cut(self, logits: np.ndarray, threshold: float) -> MaskWindow:
        """Return the mask of `enlarge` above a threshold, enlarged where it lies alone.

        Objects are small beside a photograph of 12 megapixels, and enlarging all of it takes longer than a
        network's decoder. A pixel whose logit is the threshold to a few thousandths may come out otherwise.

        Args:
            logits: (h, w) of a mask, over the whole square.
            threshold: What is above it belongs to the mask.
        """
        above = logits > threshold
        rows, columns = np.flatnonzero(above.any(1)), np.flatnonzero(above.any(0))
        if not len(rows):
            return MaskWindow(0, 0, np.zeros((0, 0), bool))
        if not self.side:
            part = above[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            return MaskWindow(int(columns[0]), int(rows[0]), part)
        (height, width), (inner_h, inner_w) = self.size_hw, self.inner_hw
        finer = self.side // logits.shape[0]  # a cell has a whole number of the square's pixels
        y = _reach(rows, logits.shape[0], finer, inner_h, height)
        x = _reach(columns, logits.shape[1], finer, inner_w, width)
        cells = logits[y.cells, x.cells]
        square = cv2.resize(cells, (cells.shape[1] * finer, cells.shape[0] * finer))
        square = square[: inner_h - y.cells.start * finer, : inner_w - x.cells.start * finer]
        pixels = cv2.warpAffine(
            square,
            np.array([[x.scale, 0, x.shift], [0, y.scale, y.shift]]),
            (x.stop - x.start, y.stop - y.start),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return MaskWindow(x.start, y.start, pixels > threshold)


class _Reach(NamedTuple):
    """How far a mask reaches along one axis.

    Attributes:
        cells: Of its logits, all that its pixels are made of.
        start: Its first pixel in the picture.
        stop: The pixel after its last.
        scale: Pixels of the square to one of the picture.
        shift: Where the middle of the first pixel lies in the square, from the middle of the cells' first.
    """

    cells: slice
    start: int
    stop: int
    scale: float
    shift: float


def _reach(above: np.ndarray, cells: int, finer: int, inner: int, size: int) -> _Reach:
    """Return the reach of a mask from the cells above its threshold.

    Args:
        above: Numbers of these cells, in order.
        cells: Cells of the square.
        finer: Pixels of the square to a cell.
        inner: Pixels of the square that the picture fills.
        size: Pixels of the picture.
    """
    last = (inner - 1) // finer  # cell of the picture
    low = min(max(int(above[0]) - _BESIDE, 0), last)
    high = max(min(int(above[-1]) + 1 + _BESIDE, cells, last + 2), low + 1)
    scale = inner / size
    start = int(low * finer / scale)
    stop = max(min(math.ceil(min(high * finer, inner) / scale), size), start + 1)
    return _Reach(slice(low, high), start, stop, scale, (start + 0.5) * scale - 0.5 - low * finer)
