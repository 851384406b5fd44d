"""A random map of the whole picture: turn, scale, shear, perspective, move and mirror in one step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.data.transforms.montage import Tile, montage
from engine.data.transforms.sample import FILL, Sample


@dataclass(frozen=True)
class RandomPerspective:
    """Draws a map for each picture and applies it once, so pixels are interpolated only once.

    Attributes:
        imgsz: Side of the result.
        degrees: Turn by up to this many degrees either way.
        translate: Move by up to this part of the side.
        scale: Scale by 1 - scale to 1 + scale.
        shear: Shear by up to this many degrees.
        perspective: Tilt by up to this, as in the third row of the map.
        flipud: Probability of mirroring top and bottom.
        fliplr: Probability of mirroring left and right.
    """

    imgsz: int
    degrees: float = 0.0
    translate: float = 0.1
    scale: float = 0.5
    shear: float = 0.0
    perspective: float = 0.0
    flipud: float = 0.0
    fliplr: float = 0.5

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Return a new picture of ``imgsz`` x ``imgsz``.

        Objects may reach over the border of the given picture; what the picture does not show is cut off.
        """
        matrix = self.draw(sample.size, rng)
        if self.is_upright:
            return montage([Tile(sample, 0, 0)], matrix, self.imgsz)
        return warped(sample, matrix, self.imgsz)

    @property
    def is_upright(self) -> bool:
        """Whether every map only scales, mirrors and moves."""
        return self.degrees == self.shear == self.perspective == 0

    def draw(self, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
        """Return a random (3, 3) map from a picture of (height, width) to the result."""
        (height, width), side = size, self.imgsz
        *tilts, angle, size_of, lean_x, lean_y, x, y, up, left = rng.random(10).tolist()
        low = max(1 - self.scale, 0.05)
        gain = low + (1 + self.scale - low) * size_of
        x = side * (0.5 + _spread(x, self.translate))
        y = side * (0.5 + _spread(y, self.translate))
        if self.is_upright:
            moves = x - gain * width / 2, y - gain * height / 2
            matrix = np.array(((gain, 0, moves[0]), (0, gain, moves[1]), (0, 0, 1)))
        else:
            lean, tilt, turn = np.eye(3), np.eye(3), np.eye(3)
            tilt[2, :2] = [_spread(t, self.perspective) for t in tilts]
            radians = np.radians(_spread(angle, self.degrees))
            cos, sin = gain * np.cos(radians), gain * np.sin(radians)
            turn[:2, :2] = (cos, sin), (-sin, cos)
            lean[0, 1] = np.tan(np.radians(_spread(lean_x, self.shear)))
            lean[1, 0] = np.tan(np.radians(_spread(lean_y, self.shear)))
            back = _translation(-width / 2, -height / 2)
            matrix = _translation(x, y) @ lean @ turn @ tilt @ back
        if up < self.flipud:
            matrix[1] = side * matrix[2] - matrix[1]
        if left < self.fliplr:
            matrix[0] = side * matrix[2] - matrix[0]
        return matrix


def warped(sample: Sample, matrix: np.ndarray, side: int) -> Sample:
    """Apply any (3, 3) map to a picture; the result is ``side`` x ``side``."""
    import cv2

    # OpenCV counts from pixel centres, our frame from corners: half a pixel there and back.
    centred = _translation(-0.5, -0.5) @ matrix @ _translation(0.5, 0.5)
    flat = not (matrix[2, 0] or matrix[2, 1])
    warp = cv2.warpAffine if flat else cv2.warpPerspective
    image = warp(
        sample.image,
        centred[:2] if flat else centred,
        (side, side),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(FILL,) * 4,
    ).reshape(side, side, sample.image.shape[2])
    height, width = sample.size
    seen = sample.shapes.clipped((0, 0, width, height))
    return sample.with_(image, seen.mapped(matrix).clipped((0, 0, side, side)))


def _spread(share: float, limit: float) -> float:
    """Bring a number of 0..1 to -limit..limit."""
    return (2 * share - 1) * limit


def _translation(x: float, y: float) -> np.ndarray:
    return np.array(((1, 0, x), (0, 1, y), (0, 0, 1)), dtype=np.float64)
