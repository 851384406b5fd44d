"""Cutting the middle out of a picture for a classifier. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class CenterCrop:
    """Resizes a picture so that its shorter side fits, and cuts out the middle.

    The resizing averages over what it shrinks (PIL's bilinear filter), as classifiers of the field are
    trained and measured.

    Attributes:
        size_hw: (height, width) of the result. For other than square ones the picture is stretched to it.
        fraction: Part of the picture's width and height, around the middle, that is looked at at all.
    """

    size_hw: tuple[int, int]
    fraction: float = 1.0

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the middle of a picture (H, W, C) uint8, channels in any order."""
        out_h, out_w = self.size_hw
        image = self.shrunk(self.middle(image))
        height, width = image.shape[:2]
        top, left = round((height - out_h) / 2), round((width - out_w) / 2)
        return image[top : top + out_h, left : left + out_w]

    def middle(self, image: np.ndarray) -> np.ndarray:
        """Return the part of a picture that is looked at, in its own pixels."""
        if self.fraction >= 1:
            return image
        height, width = image.shape[:2]
        part_h, part_w = (max(round(side * self.fraction), 1) for side in (height, width))
        top, left = (height - part_h) // 2, (width - part_w) // 2
        return image[top : top + part_h, left : left + part_w]

    def shrunk(self, image: np.ndarray) -> np.ndarray:
        """Return a picture resized, but not cut."""
        height, width = image.shape[:2]
        size_h, size_w = self.resized(height, width)
        if (size_h, size_w) == (height, width):
            return image
        return resized(image, (size_w, size_h))

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the whole picture after resizing."""
        out_h, out_w = self.size_hw
        if out_h != out_w:
            return out_h, out_w
        if height <= width:
            return out_h, int(out_h * width / height)
        return int(out_w * height / width), out_w


def resized(image: np.ndarray, size_wh: tuple[int, int]) -> np.ndarray:
    """Resize a picture (H, W, C) uint8 of any number of channels by PIL's bilinear filter."""
    if image.shape[2] == 3:
        return np.asarray(Image.fromarray(image).resize(size_wh, Image.Resampling.BILINEAR))
    planes = [Image.fromarray(np.ascontiguousarray(plane)) for plane in image.transpose(2, 0, 1)]
    made = [np.asarray(p.resize(size_wh, Image.Resampling.BILINEAR)) for p in planes]
    return np.stack(made, axis=2)
