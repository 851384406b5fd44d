"""Fitting a picture into the network's input without stretching it. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.data.transforms.resize import resized
from engine.data.transforms.sample import FILL, Sample


@dataclass(frozen=True)
class Placement:
    """Where a picture goes.

    Attributes:
        size_hw: Of the resized picture.
        top: Rows of border above it.
        left: Columns of border left of it.
        out_hw: Of the result.
    """

    size_hw: tuple[int, int]
    top: int
    left: int
    out_hw: tuple[int, int]


@dataclass(frozen=True)
class LetterBox:
    """Resizes a picture to fit, keeping its proportions, and fills the rest with grey.

    Attributes:
        new_shape: (height, width) of the result, or one number for both.
        auto: Only fill up to the next multiple of ``stride``, so that the result is as small as it can be.
        scaleup: Also enlarge small pictures.
        center: Put the picture in the middle instead of the top-left corner.
        stride: Of the network.
    """

    new_shape: int | tuple[int, int] = 640
    auto: bool = False
    scaleup: bool = True
    center: bool = True
    stride: int = 32

    def placement(self, height: int, width: int) -> Placement:
        """Return where a picture of this size goes."""
        shape = self.new_shape
        out_h, out_w = (shape, shape) if isinstance(shape, int) else shape
        gain = min(out_h / height, out_w / width)
        gain = gain if self.scaleup else min(gain, 1.0)
        new_h, new_w = max(round(height * gain), 1), max(round(width * gain), 1)
        spare_h, spare_w = out_h - new_h, out_w - new_w
        if self.auto:
            spare_h, spare_w = spare_h % self.stride, spare_w % self.stride
        # An odd border has its extra pixel right and below, as everywhere in the field.
        top, left = (round(spare_h / 2 - 0.1), round(spare_w / 2 - 0.1)) if self.center else (0, 0)
        return Placement((new_h, new_w), top, left, (new_h + spare_h, new_w + spare_w))

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return the picture (H, W, C) uint8 in its new frame."""
        return place(image, self.placement(*image.shape[:2]))

    def apply(self, sample: Sample) -> Sample:
        """Return a sample in its new frame, its ``ratio_pad`` brought up to date."""
        height, width = sample.size
        placed = self.placement(height, width)
        gain_y, gain_x = placed.size_hw[0] / height, placed.size_hw[1] / width
        (old_y, old_x), (old_left, old_top) = sample.ratio_pad
        out = sample.with_(
            place(sample.image, placed),
            sample.shapes.moved((gain_x, gain_y), (placed.left, placed.top)),
        )
        out.ratio_pad = (
            (old_y * gain_y, old_x * gain_x),
            (old_left * gain_x + placed.left, old_top * gain_y + placed.top),
        )
        return out


def place(image: np.ndarray, placed: Placement) -> np.ndarray:
    """Resize a picture and put it on grey."""
    image = resized(image, placed.size_hw)
    if placed.out_hw == placed.size_hw:
        return image
    out = np.full((*placed.out_hw, image.shape[2]), FILL, dtype=np.uint8)
    height, width = placed.size_hw
    out[placed.top : placed.top + height, placed.left : placed.left + width] = image
    return out
