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
    """

    size_hw: tuple[int, int]

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the middle of a picture (H, W, 3) uint8, channels in any order."""
        height, width = image.shape[:2]
        out_h, out_w = self.size_hw
        size_h, size_w = self.resized(height, width)
        if (size_h, size_w) != (height, width):
            picture = Image.fromarray(image).resize((size_w, size_h), Image.Resampling.BILINEAR)
            image = np.asarray(picture)
        top, left = round((size_h - out_h) / 2), round((size_w - out_w) / 2)
        return image[top : top + out_h, left : left + out_w]

    def resized(self, height: int, width: int) -> tuple[int, int]:
        """Return (height, width) of the whole picture after resizing."""
        out_h, out_w = self.size_hw
        if out_h != out_w:
            return out_h, out_w
        if height <= width:
            return out_h, int(out_h * width / height)
        return int(out_w * height / width), out_w
