"""The run-length mask: the one geometry that is exact to the pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np


@dataclass(frozen=True, slots=True)
class Mask:
    """Pixels of one object as run lengths, in the order and layout of the COCO format.

    Attributes:
        counts: Lengths of runs down the columns, one column after the other: background first (0 when the
            first pixel is inside), then object, then background ... They add up to height * width.
        height: Rows of the image.
        width: Columns of the image.
    """

    counts: tuple[int, ...]
    height: int
    width: int
    kind: ClassVar[str] = "mask"

    def __post_init__(self) -> None:
        total = sum(self.counts)
        if total != self.height * self.width or min(self.counts, default=0) < 0:
            raise ValueError(
                f"expected run lengths that add up to {self.height} x {self.width}, received {total}"
            )

    @classmethod
    def from_array(cls, array: np.ndarray) -> Mask:
        """Encode an (H, W) array; whatever is not zero belongs to the object."""
        inside = _as_flags(array)
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        if not len(rows):
            return cls((inside.size,), *inside.shape)
        y, x = int(rows[0]), int(columns[0])
        window = inside[y : rows[-1] + 1, x : columns[-1] + 1]
        return cls.from_window(window, (x, y), *inside.shape)

    @classmethod
    def from_window(
        cls, window: np.ndarray, corner: tuple[int, int], height: int, width: int
    ) -> Mask:
        """Encode a part of an image whose rest is background; the cost is that of the part.

        Args:
            window: (h, w), not zero inside the object.
            corner: Column and row of its top-left pixel in the image.
            height: Rows of the image.
            width: Columns of the image.

        Raises:
            ValueError: The part reaches beyond the image.
        """
        (rows, columns), (x, y) = np.shape(window), corner
        if x < 0 or y < 0 or x + columns > width or y + rows > height:
            raise ValueError(
                f"expected a part of {width} x {height}, received {columns} x {rows} at {x}, {y}"
            )
        if not columns or not rows:
            return cls((height * width,), height, width)
        inside = _as_flags(window)
        # Where a column comes from outside into the object or leaves it; above and below the part all is outside.
        crossed = np.empty((rows + 1, columns), bool)
        crossed[0], crossed[-1] = inside[0], inside[-1]
        np.not_equal(inside[1:], inside[:-1], out=crossed[1:-1])
        row, column = np.divmod(_marked(crossed.ravel()), columns)
        # Numbers of 16 bits are sorted stably in linear time; rows are in order already.
        narrow = column.astype(np.uint16) if columns < 1 << 16 else column
        order = np.argsort(narrow, kind="stable")
        starts, stops = row[order].reshape(-1, 2).T
        column = column[order[::2]]
        begin = (x + column) * height + y + starts
        edges = np.stack((begin, begin + stops - starts), 1).ravel()
        # Where the part is as high as the image, a run that ends with its column may go on in the next one.
        joined = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1
        edges = np.delete(edges, np.concatenate((joined, joined + 1)))
        counts = np.diff(np.concatenate(([0], edges, [height * width])))
        kept = counts if counts[-1] or len(counts) == 1 else counts[:-1]
        return cls(tuple(kept.tolist()), height, width)

    def to_array(self) -> np.ndarray:
        """Return (H, W) uint8, 1 inside."""
        values = np.arange(len(self.counts)) % 2
        flat = np.repeat(values.astype(np.uint8), self.counts)
        return flat.reshape((self.height, self.width), order="F")

    def window(self) -> tuple[np.ndarray, tuple[int, int]]:
        """Return the pixels within the bounds, (h, w) uint8, 1 inside, and the column and row of the first; (0, 0) when empty."""
        x1, y1, x2, y2 = map(int, self.bounds())
        ends = np.minimum(self._ends(), x2 * self.height) - x1 * self.height
        lengths = np.diff(np.maximum(ends, 0), prepend=0)
        values = (np.arange(len(lengths)) % 2).astype(np.uint8)
        columns = np.repeat(values, lengths).reshape((x2 - x1, self.height))[:, y1:y2]
        turned = cv2.transpose(columns) if columns.size else columns.T
        return np.asarray(turned, np.uint8), (x1, y1)

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the corners (x1, y1, x2, y2) of the box around the object; zeros when it is empty."""
        ends = self._ends()
        starts, stops = ends[:-1:2], ends[1::2]  # runs of the object
        full = stops > starts
        starts, stops = starts[full], stops[full] - 1
        if not len(starts):
            return 0.0, 0.0, 0.0, 0.0
        x1, x2 = starts // self.height, stops // self.height
        wraps = x2 > x1  # a run over a column's end covers the first and the last row
        y1 = np.where(wraps, 0, starts % self.height)
        y2 = np.where(wraps, self.height - 1, stops % self.height)
        return float(x1.min()), float(y1.min()), float(x2.max() + 1), float(y2.max() + 1)

    def _ends(self) -> np.ndarray:
        """Return where each run ends, counted down the columns; a tuple read one by one is twice as fast as through a list."""
        return np.cumsum(np.fromiter(self.counts, np.int64, len(self.counts)))

    def area(self) -> float:
        """Return the number of pixels of the object."""
        return float(sum(self.counts[1::2]))

    def translated(self, dx: float, dy: float) -> Mask:
        """Return the mask moved by whole pixels (rounded); what leaves the image is cut off."""
        array = self.to_array()
        dx, dy = round(dx), round(dy)
        moved = np.zeros_like(array)
        height, width = array.shape
        if abs(dx) < width and abs(dy) < height:
            source = array[max(0, -dy) : height - max(0, dy), max(0, -dx) : width - max(0, dx)]
            y, x = max(0, dy), max(0, dx)
            moved[y : y + source.shape[0], x : x + source.shape[1]] = source
        return Mask.from_array(moved)

    def scaled(self, sx: float, sy: float) -> Mask:
        """Return the mask in an image resized by the positive factors (sx, sy), nearest pixel."""
        array = self.to_array()
        height, width = max(1, round(self.height * sy)), max(1, round(self.width * sx))
        rows = np.minimum(((np.arange(height) + 0.5) / sy).astype(int), self.height - 1)
        columns = np.minimum(((np.arange(width) + 0.5) / sx).astype(int), self.width - 1)
        return Mask.from_array(array[rows[:, None], columns[None]])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind,
            "counts": list(self.counts),
            "height": self.height,
            "width": self.width,
        }


def _as_flags(pixels: np.ndarray) -> np.ndarray:
    """Return where an array is not zero; flags are taken as they are, without looking at millions of them."""
    array = np.asarray(pixels)
    return array if array.dtype == np.bool_ else array != 0


def _marked(flat: np.ndarray) -> np.ndarray:
    """Return where a long row of flags is set, as ``np.flatnonzero`` does; few flags are found eight at a time.

    Args:
        flat: (N,) bool.
    """
    words = len(flat) // 8
    head = flat[: words * 8]
    some = np.flatnonzero(head.view(np.uint64))
    if len(some) * 4 > words:
        return np.flatnonzero(flat)
    word, place = np.nonzero(head.reshape(-1, 8)[some])
    return np.concatenate((some[word] * 8 + place, np.flatnonzero(flat[words * 8 :]) + words * 8))
