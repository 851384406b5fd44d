"""Which pixels are alike: flood fill from one of them, or all of the picture's. OpenCV, no events."""

from __future__ import annotations

import cv2
import numpy as np

from studio.tools.base import Pixels


def colour_distance(pixels: Pixels, colour: Pixels) -> Pixels:
    """Return how far each pixel's colour is from another one: the largest difference of a channel, (h, w) uint8.

    Args:
        pixels: (h, w, 3) uint8.
        colour: (3,) uint8.
    """
    seed = tuple(float(value) for value in colour)
    red, green, blue = cv2.split(cv2.absdiff(pixels, np.array([*seed, 0.0])))
    return np.asarray(cv2.max(cv2.max(red, green), blue), np.uint8)


def alike(distance: Pixels, x: int, y: int, tolerance: int, *, contiguous: bool) -> Pixels:
    """Return the pixels whose distance is at most ``tolerance``, (h, w) uint8, 1 inside.

    Args:
        distance: What :func:`colour_distance` gave.
        x: Column of the clicked pixel.
        y: Row of the clicked pixel.
        tolerance: 0 to 255.
        contiguous: Only those that hang together with the clicked one over their sides.
    """
    if not contiguous:
        return (distance <= tolerance).astype(np.uint8)
    region = np.zeros((distance.shape[0] + 2, distance.shape[1] + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    cv2.floodFill(distance, region, (x, y), 0, 0, tolerance, flags)
    return region[1:-1, 1:-1]
