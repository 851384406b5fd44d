"""Which predicted masks overlap which labels, making no mask whose overlap cannot count.

A barely trained model finds hundreds of things in every image; nearly all are of another class, place or size
than any label. Bounds that cost next to nothing leave a few dozen of which masks are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from engine.metrics.matching import SIZES, THRESHOLDS
from engine.metrics.overlaps import shared_areas
from engine.ops.mask_windows import Enlarger, MaskWindow

# A mask of so many prototype cells or more has two thirds to one and a half times the area that these say.
_SURE_CELLS = 24
_ROUGH = 1.5
# The area of a prediction decides which range of sizes it belongs to; where the cells along its outline, of
# which there are about four times the root of all, could decide that, it is counted exactly.
_ALONG = 4.0
# Sums of fractions round either way
_JUST_BELOW = 1 - 1e-9
_LIMITS = np.array([SIZES["medium"][0], SIZES["large"][0]])


class PredictedMasks:
    """The masks of an image's predictions, each made when it is first asked for."""

    def __init__(
        self,
        protos: torch.Tensor,
        coefficients: torch.Tensor,
        boxes: np.ndarray,
        labels: Mapping[str, Any],
    ) -> None:
        """Take what they are made of.

        Args:
            protos: (nm, h, w) of the image, on any device.
            coefficients: (P, nm).
            boxes: Corners (P, 4) in pixels of the original image.
            labels: Has ``ori_shape``, ``input_shape`` and ``ratio_pad``.
        """
        self.boxes = boxes
        self._parts = (protos, coefficients)
        self._frame = (labels["ori_shape"], labels["input_shape"], labels["ratio_pad"])
        self._enlarger: Any = None  # until prepare() is called
        self._place: dict[int, int] = {}
        self._made: dict[int, MaskWindow] = {}

    def prepare(self, rows: np.ndarray) -> None:
        """Mix the prototypes of these predictions, all at once."""
        protos, coefficients = self._parts
        self._place = {row: k for k, row in enumerate(rows.tolist())}
        index = torch.from_numpy(rows)
        self._enlarger = Enlarger(protos, coefficients[index], self.boxes[rows], *self._frame)

    def rough_area(self, row: int) -> tuple[float, int, float]:
        """Return about how many pixels one mask has, in how many prototype cells, and how many at most."""
        return self._mixed(row).rough_area(self._place[row])

    def window(self, row: int) -> MaskWindow:
        """Return one mask."""
        if row not in self._made:
            self._made[row] = self._mixed(row).window(self._place[row])
        return self._made[row]

    def areas(self) -> np.ndarray:
        """Return the areas of all masks (P,) in pixels: exact near the limits of COCO's ranges of sizes."""
        count = len(self.boxes)
        if len(self._place) < count:
            self.prepare(np.arange(count))
        rough = np.array([self.rough_area(row) for row in range(count)]).reshape(-1, 3)
        areas, cells = rough[:, 0].copy(), rough[:, 1]
        spread = _ALONG * np.divide(areas, np.sqrt(cells), out=np.zeros(count), where=cells > 0)
        near = (np.abs(areas[:, None] - _LIMITS) <= spread[:, None]).any(1)
        for row in range(count):
            if near[row] or row in self._made:
                areas[row] = self.window(row).area
        return areas

    def _mixed(self, row: int) -> Enlarger:
        """Return what makes this mask; who was not prepared for is seldom alone, so all are made ready."""
        if row not in self._place:
            self.prepare(np.arange(len(self.boxes)))
        return self._enlarger


def sparse_overlaps(
    labels: Mapping[str, Any], classes: np.ndarray, masks: PredictedMasks
) -> np.ndarray:
    """Return the overlap of labels with predictions where it can count (T, P) float64, 0 elsewhere.

    Args:
        labels: Has ``cls`` (T,), ``masks`` (T) and ``crowd`` (T,); of a crowd the overlap is the share of the
            prediction that lies in it.
        classes: Of the predictions (P,).
        masks: Of the predictions.
    """
    truth, crowd = labels["masks"], labels["crowd"]
    overlaps = np.zeros((len(truth), len(classes)))
    if not overlaps.size:
        return overlaps
    areas = np.array([mask.area for mask in truth], dtype=np.float64)
    possible = labels["cls"][:, None] == classes[None]
    shared = shared_areas(_frames(truth), masks.boxes)  # no mask shares more than the boxes around
    possible &= may_match(shared, areas[:, None], areas[:, None] / 2, crowd[:, None])
    columns = np.flatnonzero(possible.any(0))
    if not len(columns):
        return overlaps
    masks.prepare(columns)
    rough, cells, most = np.array([masks.rough_area(column) for column in columns.tolist()]).T
    least = np.where(cells >= _SURE_CELLS, rough / _ROUGH, 0)
    most = np.where(cells >= _SURE_CELLS, rough * _ROUGH, most)
    alike = may_match(shared[:, columns], areas[:, None], least[None], crowd[:, None])
    alike &= (areas[:, None] / 2 <= most[None]) | crowd[:, None]
    possible[:, columns] &= alike
    for column in columns.tolist():
        if possible[:, column].any():
            found = masks.window(column)
            fits = possible[:, column] & may_match(shared[:, column], areas, found.area, crowd)
            rows = np.flatnonzero(fits)
            overlaps[rows, column] = [_overlap(truth[i], found, bool(crowd[i])) for i in rows]
    return overlaps


def may_match(shared: Any, area: Any, found: Any, crowd: Any) -> np.ndarray:
    """Say where a label and a prediction may overlap by half.

    That is where they share a third of both areas together; of a crowd the prediction's share counts.

    Args:
        shared: Pixels that they may share at most.
        area: Of the label.
        found: Least area of the prediction.
        crowd: Whether the label is a crowd.
    """
    lowest = THRESHOLDS[0] / (1 + THRESHOLDS[0])
    enough: np.ndarray = np.where(
        crowd, shared > 0, shared >= lowest * (area + found) * _JUST_BELOW
    )
    return enough


def _overlap(label: MaskWindow, found: MaskWindow, crowd: bool) -> float:
    """Return the IoU of a label and a prediction; of a crowd the share of the prediction inside."""
    shared = label.shared(found)
    union = found.area if crowd else label.area + found.area - shared
    return shared / union if union else 0.0


def _frames(masks: Sequence[MaskWindow]) -> np.ndarray:
    """Return the corners of the windows (N, 4)."""
    corners = [(m.x, m.y, m.x + m.pixels.shape[1], m.y + m.pixels.shape[0]) for m in masks]
    return np.array(corners, dtype=np.float64).reshape(-1, 4)
