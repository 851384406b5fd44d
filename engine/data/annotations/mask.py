"""The run-length mask: the one geometry that is exact to the pixel. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

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
        flat = (np.asarray(array) != 0).ravel(order="F")
        changes = np.flatnonzero(np.diff(flat)) + 1
        edges = np.concatenate(([0], changes, [flat.size]))
        counts = np.diff(edges).tolist()
        if flat.size and flat[0]:
            counts.insert(0, 0)
        return cls(tuple(counts), *np.shape(array))

    def to_array(self) -> np.ndarray:
        """Return (H, W) uint8, 1 inside."""
        values = np.arange(len(self.counts)) % 2
        flat = np.repeat(values.astype(np.uint8), self.counts)
        return flat.reshape((self.height, self.width), order="F")

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the corners (x1, y1, x2, y2) of the box around the object; zeros when it is empty."""
        ends = np.cumsum(self.counts)
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
