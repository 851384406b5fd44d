"""The outlines of a mask that a segmenter found, as a person keeps them."""

from __future__ import annotations

import numpy as np

from engine.data.annotations import Mask, Polygon
from studio.model.geometry_ops.simplify import traced

_CRUMB = 0.05  # of the largest part: less is noise at the mask's rim, not a part of the object
_LEAST = 4.0  # square pixels


def outlined(mask: Mask, tolerance: float) -> tuple[Polygon, ...]:
    """Return a mask's outlines, largest first, each within ``tolerance`` pixels of the pixels' edges; holes are kept.

    Parts and holes smaller than a twentieth of the largest part, or than four pixels, are left out.

    Args:
        mask: What was found.
        tolerance: Pixels of the image, 0 or more.
    """
    window, (x, y) = mask.window()
    if not window.size:
        return ()
    cleaned = _without_crumbs(np.ascontiguousarray(window, np.uint8))
    height, width = cleaned.shape
    parts = traced(Mask.from_window(cleaned, (0, 0), height, width), tolerance)
    return tuple(part.translated(x, y) for part in parts)


def _without_crumbs(window: np.ndarray) -> np.ndarray:
    """Return the (H, W) window without small parts and small holes."""
    import cv2

    for value in (1, 0):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(
            (window == value).astype(np.uint8), connectivity=4 if value else 8
        )
        if count < 3:  # the rest of the picture and one part
            continue
        areas = stats[:, cv2.CC_STAT_AREA].astype(float)
        largest = float(window.sum())
        small = np.flatnonzero(
            areas < max(_CRUMB * (areas[1:].max() if value else largest), _LEAST)
        )
        window = np.where(np.isin(labels, small[small > 0]), 1 - value, window).astype(np.uint8)
    return window
