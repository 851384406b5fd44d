"""How a picture lies in a network's square input: its longer side fills it, the rest is at the right or the bottom."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Frame:
    """Sizes of a picture, outside and inside of a network.

    Attributes:
        size_hw: (height, width) of the picture in pixels.
        side: Side of the network's square input; 0 where masks come in the picture's own size.
    """

    size_hw: tuple[int, int]
    side: int

    @property
    def inner_hw(self) -> tuple[int, int]:
        """(height, width) of the picture inside the square."""
        if not self.side:
            return self.size_hw
        scale = self.side / max(self.size_hw)
        height, width = (max(int(n * scale + 0.5), 1) for n in self.size_hw)
        return height, width

    def shrink(self, image: np.ndarray) -> np.ndarray:
        """Return a picture (H, W, 3) uint8 in the size that it has inside the square."""
        height, width = self.inner_hw
        if (height, width) == image.shape[:2]:
            return image
        # as the published models were trained: Pillow's bilinear, which averages where it makes smaller
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))

    def to_square(self, points: np.ndarray) -> np.ndarray:
        """Return points (..., 2) x, y in pixels of the picture in those of the square."""
        (height, width), (inner_h, inner_w) = self.size_hw, self.inner_hw
        return points * np.array([inner_w / width, inner_h / height])

    def enlarge(self, logits: np.ndarray) -> np.ndarray:
        """Return the logits (h, w) of a mask, over the whole square, in the picture's size, (H, W) float32."""
        if not self.side:
            return logits
        whole = cv2.resize(logits, (self.side, self.side), interpolation=cv2.INTER_LINEAR)
        inner_h, inner_w = self.inner_hw
        size = (self.size_hw[1], self.size_hw[0])
        return cv2.resize(whole[:inner_h, :inner_w], size, interpolation=cv2.INTER_LINEAR)
