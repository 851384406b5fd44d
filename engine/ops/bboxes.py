"""A set of upright boxes that knows in which order its numbers are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.ops.boxes import ltwh2xywh, ltwh2xyxy, xywh2ltwh, xywh2xyxy, xyxy2ltwh, xyxy2xywh

_CONVERSIONS: dict[tuple[str, str], Callable[[np.ndarray], np.ndarray]] = {
    ("xyxy", "xywh"): xyxy2xywh,
    ("xyxy", "ltwh"): xyxy2ltwh,
    ("xywh", "xyxy"): xywh2xyxy,
    ("xywh", "ltwh"): xywh2ltwh,
    ("ltwh", "xyxy"): ltwh2xyxy,
    ("ltwh", "xywh"): ltwh2xywh,
}
FORMATS = ("xyxy", "xywh", "ltwh")


class Bboxes:
    """Boxes (n, 4) as ``xyxy`` (corners), ``xywh`` (centre and size) or ``ltwh`` (top-left and size).

    Attributes:
        bboxes: The numbers, (n, 4).
        format: Their order.
    """

    def __init__(self, bboxes: np.ndarray, format: str = "xyxy") -> None:
        """Take boxes (n, 4), or one box (4,), in the order that ``format`` names."""
        self.format = _checked_format(format)
        bboxes = np.atleast_2d(np.asarray(bboxes))
        if bboxes.ndim != 2 or bboxes.shape[1] != 4:
            raise ValueError(f"expected boxes of shape (n, 4), received {bboxes.shape}")
        self.bboxes = bboxes

    def convert(self, format: str) -> None:
        """Change the order of the numbers in place."""
        if _checked_format(format) != self.format:
            self.bboxes = _CONVERSIONS[self.format, format](self.bboxes)
            self.format = format

    def areas(self) -> np.ndarray:
        """Return the area of each box (n,)."""
        if self.format == "xyxy":
            return (self.bboxes[:, 2] - self.bboxes[:, 0]) * (self.bboxes[:, 3] - self.bboxes[:, 1])
        return self.bboxes[:, 2] * self.bboxes[:, 3]

    def mul(self, scale: float | Sequence[float]) -> None:
        """Multiply in place by one factor, or by one for each of the four columns."""
        self.bboxes = self.bboxes * self._four(scale)

    def add(self, offset: float | Sequence[float]) -> None:
        """Add in place one number, or one for each of the four columns (0 for sizes is up to the caller)."""
        self.bboxes = self.bboxes + self._four(offset)

    def __len__(self) -> int:
        return len(self.bboxes)

    def __getitem__(self, index: int | slice | np.ndarray) -> Bboxes:
        """Return the chosen boxes; one index gives a set of one."""
        return Bboxes(self.bboxes[index].reshape(-1, 4), self.format)

    @classmethod
    def concatenate(cls, boxes_list: Sequence[Bboxes], axis: int = 0) -> Bboxes:
        """Join sets of one format; no sets give an empty ``xyxy`` set."""
        if not boxes_list:
            return cls(np.empty((0, 4)))
        formats = {boxes.format for boxes in boxes_list}
        if len(formats) > 1:
            raise ValueError(f"expected boxes of one format, received {sorted(formats)}")
        return cls(np.concatenate([b.bboxes for b in boxes_list], axis=axis), boxes_list[0].format)

    @staticmethod
    def _four(value: float | Sequence[float]) -> np.ndarray:
        """Return one number a column."""
        four = np.asarray(value, dtype=np.float64)
        if four.size not in (1, 4):
            raise ValueError(f"expected one number or four, received {value!r}")
        return np.broadcast_to(four.reshape(-1), (4,))


def _checked_format(format: str) -> str:
    if format not in FORMATS:
        raise ValueError(f"expected one of {', '.join(FORMATS)}, received {format!r}")
    return format
