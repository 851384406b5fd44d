"""predictions.json of oriented boxes: the rows of DOTA's users, one a prediction."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.coco_json import CocoPredictions
from engine.core.validation_record import Objects


class OrientedPredictions(CocoPredictions):
    """Collects predictions with ``rbox`` (centre, size, angle) and ``poly`` (four corners) for COCO's ``bbox``.

    Both in pixels of the original image, the angle in radians clockwise from the x axis to the width side.
    """

    def place(self, found: Objects, i: int, size_wh: tuple[int, int]) -> dict[str, Any]:
        """Give the place of the ``i``-th object."""
        if found.corners is None:
            raise ValueError("expected objects with corners, received upright boxes")
        corners = found.corners[i].astype(float)
        *place, angle = rectangle_of(corners).tolist()
        return {
            "rbox": [*(round(v, 3) for v in place), round(angle, 5)],
            "poly": np.round(corners.ravel(), 3).tolist(),
        }


def rectangle_of(corners: np.ndarray) -> np.ndarray:
    """Return centre, width, height and angle (5,) of four corners as :func:`engine.ops.rotated.xywhr2xyxyxyxy` gives them."""
    bottom_right, top_right, top_left, _ = corners
    along, across = top_right - top_left, bottom_right - top_right
    angle = np.arctan2(along[1], along[0])
    return np.array((*corners.mean(0), np.hypot(*along), np.hypot(*across), angle))
