"""Training samples of classification: a random cut-out, mirrored, recoloured, a part blanked. Loads no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from engine.data.transforms.center_crop import resized
from engine.data.transforms.hsv import RandomHSV
from engine.data.transforms.policies import POLICIES, Policy
from engine.data.transforms.sample import Sample, Shapes

# Proportions of cut-outs and of blanked parts, and how much of a picture is blanked (Zhong et al., 2020).
_CROP_RATIO, _ERASE_RATIO, _ERASE_AREA = (3 / 4, 4 / 3), (0.3, 3.3), (0.02, 1 / 3)
_TRIES = 10


@dataclass(frozen=True)
class RandomCrop:
    """Cuts out a random part of random proportions and resizes it to a square (Szegedy et al., 2015).

    Attributes:
        size: Side of the result in pixels.
        least_area: Smallest part of the picture's area that is cut out, above 0 and at most 1.
    """

    size: int
    least_area: float = 0.5

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return (size, size, C) pixels of a picture (H, W, C) uint8."""
        left, top, width, height = self.draw(image.shape[1], image.shape[0], rng)
        part = np.ascontiguousarray(image[top : top + height, left : left + width])
        return resized(part, (self.size, self.size))

    def draw(self, width: int, height: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Draw a part as (left, top, width, height); the middle where no draw fits into the picture."""
        low, high = np.log(_CROP_RATIO)
        for _ in range(_TRIES):
            area = width * height * rng.uniform(self.least_area, 1)
            ratio = math.exp(rng.uniform(low, high))
            w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if 0 < w <= width and 0 < h <= height:
                left, top = rng.integers(width - w + 1), rng.integers(height - h + 1)
                return int(left), int(top), w, h
        w = min(width, round(height * _CROP_RATIO[1]))
        h = min(height, round(width / _CROP_RATIO[0]))
        return (width - w) // 2, (height - h) // 2, w, h


@dataclass(frozen=True)
class ClassifyAugmentation:
    """Makes training samples of single pictures.

    Attributes:
        crop: The random cut-out.
        fliplr: Probability of mirroring left to right.
        flipud: Probability of turning upside down.
        policy: A ready-made policy; it has its own colour changes.
        colors: Colour changes where there is no policy.
        bgr: Probability of swapping the red and blue channels.
        erasing: Probability of blanking a rectangle.
    """

    crop: RandomCrop
    fliplr: float = 0.5
    flipud: float = 0.0
    policy: Policy | None = None
    colors: RandomHSV = field(default_factory=RandomHSV)
    bgr: float = 0.0
    erasing: float = 0.4

    @classmethod
    def from_arguments(cls, imgsz: int, args: Any) -> ClassifyAugmentation:
        """Build from training arguments; those that are missing take their usual values."""

        def given(name: str, default: float) -> float:
            value = getattr(args, name, None)
            return default if value is None else float(value)

        policy = getattr(args, "auto_augment", None)
        return cls(
            RandomCrop(imgsz, least_area(given("scale", 0.5))),
            given("fliplr", 0.5),
            given("flipud", 0.0),
            POLICIES[policy] if policy else None,
            RandomHSV(given("hsv_h", 0.015), given("hsv_s", 0.7), given("hsv_v", 0.4)),
            given("bgr", 0.0),
            given("erasing", 0.4),
        )

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Make a sample.

        Args:
            image: (H, W, C) uint8, BGR where C is 3; not changed. Policies know colours only, and change
                no picture of other channels.
            rng: Source of every random choice here.

        Returns:
            (size, size, C) uint8, RGB where C is 3.
        """
        made = self.crop(image, rng)
        if self.fliplr and rng.random() < self.fliplr:
            made = made[:, ::-1]
        if self.flipud and rng.random() < self.flipud:
            made = made[::-1]
        in_color = made.shape[2] == 3
        if self.policy is None:
            made = self._recolored(made, rng)
        elif in_color:
            picture = Image.fromarray(np.ascontiguousarray(made[..., ::-1]))
            made = np.asarray(self.policy(picture, rng))[..., ::-1]
        if in_color and not (self.bgr and rng.random() < self.bgr):
            made = made[..., ::-1]
        if self.erasing and rng.random() < self.erasing:
            made = erased(made, rng)
        return np.array(made, order="C")  # of its own: pixels of PIL may not be written to

    def _recolored(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change the colours of (H, W, C)."""
        sample = Sample(np.array(image, order="C"), Shapes(), 0, image.shape[:2])
        return self.colors(sample, rng).image


def least_area(scale: float) -> float:
    """Return the smallest part of a picture's area that the argument ``scale`` lets a cut-out have."""
    return min(max(1 - scale, 0.01), 1.0)


def erased(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a picture (H, W, C) with a random rectangle black (Zhong et al., 2020, arXiv:1708.04896)."""
    height, width = image.shape[:2]
    low, high = np.log(_ERASE_RATIO)
    for _ in range(_TRIES):
        area = height * width * rng.uniform(*_ERASE_AREA)
        ratio = math.exp(rng.uniform(low, high))
        h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < h < height and 0 < w < width:
            top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
            out = image.copy()
            out[top : top + h, left : left + w] = 0
            return out
    return image
