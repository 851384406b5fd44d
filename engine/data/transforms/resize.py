"""The one way in which pictures are made smaller or larger, for training, measuring and predicting alike. Loads no torch."""

from __future__ import annotations

import numpy as np


def resized(image: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
    """Return a picture in another size.

    It is halved by averaging as often as that leaves it larger than asked for, and brought to the size by
    bilinear interpolation, which down to half the size averages too. Interpolation alone looks at four pixels however many a new pixel covers: from three times the
    size on, fine structures turn into noise. A JPEG decoded at a fraction of its size is averaged in the same way, so
    that a training that reads pictures so sees what is measured afterwards.

    Args:
        image: (H, W, C) uint8; it comes back as it is where it has the size.
        size_hw: (height, width), each at least 1.

    Returns:
        (h, w, C) uint8.
    """
    import cv2

    channels = image.shape[2]
    divisor = 1
    height, width = image.shape[:2]
    while 2 * divisor * max(size_hw) < max(height, width):
        divisor *= 2
    if divisor > 1:
        halved = max(-(-width // divisor), size_hw[1]), max(-(-height // divisor), size_hw[0])
        image = cv2.resize(image, halved, interpolation=cv2.INTER_AREA)
    if image.shape[:2] != size_hw:
        image = cv2.resize(image, size_hw[::-1], interpolation=cv2.INTER_LINEAR)
    return image.reshape(*size_hw, channels)  # OpenCV drops the axis of a single channel
