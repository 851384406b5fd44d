"""Fewer vertices for a line that a hand has drawn. OpenCV, no shapely: it runs with every movement of the mouse."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from engine.data.annotations import Point
from studio.tools.base import rounded


def simplified(points: Sequence[Point], tolerance: float, *, closed: bool = False) -> list[Point]:
    """Return some of the points, so that the line through them leaves no other by more than ``tolerance`` pixels.

    Douglas and Peucker, "Algorithms for the reduction of the number of points required to represent a digitized line"
    (1973). An open line keeps its two ends.
    """
    if tolerance <= 0 or len(points) < 3:
        return list(points)
    x0, y0 = points[0]
    # Single precision is all that OpenCV takes: near the origin it keeps a thousandth of a pixel.
    local = (np.array(points, np.float64) - (x0, y0)).astype(np.float32)
    kept = cv2.approxPolyDP(local[:, None], tolerance, closed)[:, 0]
    return [(rounded(float(x) + x0), rounded(float(y) + y0)) for x, y in kept]
