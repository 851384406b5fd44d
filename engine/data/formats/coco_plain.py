"""The annotations that nearly all of a large COCO file are: one outline, a box, nothing odd; read many at a time.

Each of these is checked exactly as :mod:`engine.data.formats.coco_shapes` checks one by one, but by a few calls for all
shapes of an image, which is five times as fast. What is not plainly good is left to that module, which also says
what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import msgspec
import numpy as np

from engine.data.formats.shape_checks import FARTHEST, OVERHANG

_FLAT = 1e-6  # of the squared diagonal, a point: what rounding may make of an outline without area


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    """The fields of a plain annotation; any other field, or one of another type, makes it an odd one."""

    id: int
    image_id: int
    category_id: int
    segmentation: list[list[float]]
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0
    area: msgspec.Raw = msgspec.Raw(b"0")


_DECODER = msgspec.json.Decoder(_Row)


@dataclass(frozen=True, slots=True)
class PlainShape:
    """One outline that needs no remark.

    Attributes:
        number: Its id in the file.
        category: Its category_id.
        points: Its ring, (2n,) float64 x and y in turns, pixels of the picture.
    """

    number: int
    category: int
    points: np.ndarray


def plain_shapes(rows: Sequence[object], size_wh: tuple[int, int]) -> list[PlainShape | None]:
    """Return the plain ones of an image's annotations, None in the place of each other one.

    Args:
        rows: The annotations' texts as the file holds them; what is no text is not plain.
        size_wh: Size of the picture; (0, 0) where it is not known.
    """
    found: list[_Row | None] = [_plain_row(row) for row in rows]
    told = [row for row in found if row is not None]
    if not told:
        return [None] * len(rows)
    rings = [row.segmentation[0] for row in told]
    values = np.array([*chain.from_iterable(rings)])
    good = iter(_good(values, [len(ring) for ring in rings], size_wh))
    return [None if row is None else _shape(row, next(good)) for row in found]


def _plain_row(text: object) -> _Row | None:
    if not isinstance(text, msgspec.Raw):
        return None
    try:
        row = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    x, y, w, h = row.bbox
    has_box = 0 < w <= FARTHEST and 0 < h <= FARTHEST and abs(x) <= FARTHEST and abs(y) <= FARTHEST
    is_ring = len(row.segmentation) == 1 and _is_ring(row.segmentation[0])
    return row if has_box and is_ring and not row.iscrowd else None


def _is_ring(values: list[float]) -> bool:
    return len(values) >= 6 and len(values) % 2 == 0


def _shape(row: _Row, points: np.ndarray | None) -> PlainShape | None:
    return None if points is None else PlainShape(row.id, row.category_id, points)


def _good(
    values: np.ndarray, lengths: list[int], size_wh: tuple[int, int]
) -> list[np.ndarray | None]:
    """Return the rings, None in the place of each that is not beyond doubt.

    Args:
        values: x and y of all points in turns.
        lengths: Numbers of each ring.
        size_wh: Size of the picture.
    """
    import shapely

    ends = np.cumsum(lengths)
    if not (np.abs(values) <= FARTHEST).all():
        return [None] * len(lengths)
    points = values.reshape(-1, 2)
    starts: np.ndarray = (ends - lengths) // 2
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    good = np.ones(len(lengths), bool)
    if size_wh[0] and size_wh[1]:
        good &= (low >= -OVERHANG).all(1) & (high <= np.array(size_wh) + OVERHANG).all(1)
    counts = np.asarray(lengths) // 2
    diagonal = ((high - low) ** 2).sum(1)
    good &= np.abs(_twice_area(points, starts, counts)) > 2 * _FLAT * counts * diagonal
    rings = shapely.linearrings(points, indices=np.repeat(np.arange(len(lengths)), counts))
    good &= shapely.is_simple(rings)
    begins = ends - lengths
    return [
        values[begin:end] if fine else None
        for begin, end, fine in zip(begins.tolist(), ends.tolist(), good.tolist(), strict=True)
    ]


def _twice_area(points: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return twice the signed area of each ring, from its first point: far from the origin digits would be lost."""
    offset = points - np.repeat(points[starts], counts, axis=0)
    after = np.roll(offset, -1, axis=0)
    after[starts + counts - 1] = 0.0  # a ring ends where it began
    cross = offset[:, 0] * after[:, 1] - offset[:, 1] * after[:, 0]
    return np.add.reduceat(cross, starts)
