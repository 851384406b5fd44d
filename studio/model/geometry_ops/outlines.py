"""The outlines of a mask that a segmenter found, as a person keeps them."""

from __future__ import annotations

import numpy as np

from engine.data.annotations import Mask, Polygon
from engine.ops.outlines import trace_outlines

_CRUMB = 0.05  # of the mask: less is noise at its rim, not a part of the object


def outlined(mask: Mask, tolerance: float) -> tuple[Polygon, ...]:
    """Return a mask's outlines, largest first, within about ``tolerance`` pixels of the pixels' edges; holes are kept.

    Parts and holes smaller than a twentieth of the mask are left out.

    Args:
        mask: What was found.
        tolerance: Pixels of the image, 0 or more.
    """
    window, (x, y) = mask.window()
    if not window.size:
        return ()
    found = trace_outlines(window, tolerance, _CRUMB)
    return tuple(
        Polygon.of(_points(part.exterior, x, y), [_points(hole, x, y) for hole in part.holes])
        for part in found
    )


def _points(ring: np.ndarray, x: int, y: int) -> list[list[float]]:
    """Return a (k, 2) ring of a window at ``(x, y)`` in the image's pixels, to a tenth."""
    points: list[list[float]] = np.round(ring + np.array([x, y]), 1).tolist()
    return points
