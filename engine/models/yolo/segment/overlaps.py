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

# A mask of so many prototype cells or more has less than half and no more than one and a half times the area
# that these say. An overlap of half allows twice; together masks whose areas differ more cannot count.
_SURE_CELLS = 24
_ROUGH = 3.0
# The area of a prediction decides which range of sizes it belongs to; near a limit it is counted exactly.
_NEAR_A_LIMIT = 2.0
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

    def rough_area(self, row: int) -> tuple[float, int]:
        """Return about how many pixels one mask has, and how many prototype cells."""
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
        areas = np.zeros(count)
        for row in range(count):
            area = self._made[row].area if row in self._made else self.rough_area(row)[0]
            near = (area > _LIMITS / _NEAR_A_LIMIT) & (area < _LIMITS * _NEAR_A_LIMIT)
            areas[row] = self.window(row).area if near.any() else area
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
    shared = shared_areas(_frames(truth), masks.boxes)
    # At most what both boxes hold can be shared, and the union is no smaller than the label.
    possible &= np.where(crowd[:, None], shared > 0, shared >= THRESHOLDS[0] * areas[:, None])
    columns = np.flatnonzero(possible.any(0))
    if not len(columns):
        return overlaps
    masks.prepare(columns)
    for column in columns.tolist():
        area, cells = masks.rough_area(column)
        wanted = possible[:, column]
        if cells >= _SURE_CELLS:
            alike = (area <= _ROUGH * areas) & (areas <= _ROUGH * area)
            wanted = wanted & (alike | crowd)
        rows = np.flatnonzero(wanted)
        if len(rows):
            found = masks.window(column)
            overlaps[rows, column] = [_overlap(truth[i], found, bool(crowd[i])) for i in rows]
    return overlaps


def _overlap(label: MaskWindow, found: MaskWindow, crowd: bool) -> float:
    """Return the IoU of a label and a prediction; of a crowd the share of the prediction inside."""
    shared = label.shared(found)
    union = found.area if crowd else label.area + found.area - shared
    return shared / union if union else 0.0


def _frames(masks: Sequence[MaskWindow]) -> np.ndarray:
    """Return the corners of the windows (N, 4)."""
    corners = [(m.x, m.y, m.x + m.pixels.shape[1], m.y + m.pixels.shape[0]) for m in masks]
    return np.array(corners, dtype=np.float64).reshape(-1, 4)
