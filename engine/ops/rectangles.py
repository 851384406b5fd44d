"""The smallest rotated rectangle around the points of an outline. Loads no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

_QUARTER = math.pi / 2
# Each rectangle can be told in two ways, a quarter turn apart; which one is taken changes at this angle. It
# must not lie where things usually do: at 0, where OpenCV has it, upright things turned by a hair either way
# would have their width and height exchanged.
LEAST_ANGLE = math.radians(-15)


def rectangles_around(outlines: Sequence[np.ndarray]) -> np.ndarray:
    """Return the rotated box of least area around each outline.

    Args:
        outlines: One (k, 2) array each, in pixels; the order of the points does not matter.

    Returns:
        (n, 5) float32 centre x, y, width, height in pixels and the angle in radians from the x axis to the
        width side, clockwise on screen, above -15 to 75 degrees; which of two neighbouring sides is called
        the width follows from it.
    """
    boxes = np.zeros((len(outlines), 5), dtype=np.float32)
    for row, outline in zip(boxes, outlines, strict=True):
        if len(outline):
            (x, y), (width, height), degrees = cv2.minAreaRect(np.asarray(outline, np.float32))
            row[:] = x, y, width, height, math.radians(degrees)
    return with_angles_from(boxes, LEAST_ANGLE)


def xyxyxyxy2xywhr(x: Any) -> Any:
    """Turn the four corners of rotated boxes, (n, 8) or (n, 4, 2), array or tensor, into (n, 5) of the same kind.

    See :func:`rectangles_around`; corners of no exact rectangle get the smallest one around them.
    """
    corners = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x, dtype=np.float32)
    if corners.size % 8 or corners.shape[-1] not in (2, 8):
        raise ValueError(f"expected corners (n, 8) or (n, 4, 2), received {corners.shape}")
    boxes = rectangles_around(list(corners.reshape(-1, 4, 2)))
    return x.new_tensor(boxes) if hasattr(x, "new_tensor") else boxes


def with_angles_from(boxes: np.ndarray, least: float) -> np.ndarray:
    """Return the same rotated boxes (n, 5) with angles above ``least``, at most a quarter turn more (radians)."""
    turns = np.ceil((boxes[:, 4] - least) / _QUARTER) - 1
    out = boxes.copy()
    out[:, 4] -= turns * _QUARTER
    odd = turns % 2 == 1
    out[odd, 2:4] = boxes[odd, 3:1:-1]
    return out
