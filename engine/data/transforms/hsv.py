"""Random colour: hue, saturation and brightness through one table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.data.transforms.sample import Sample


@dataclass(frozen=True)
class RandomHSV:
    """Shifts the hue and scales saturation and brightness.

    Attributes:
        hgain: Shift the hue by up to this part of the colour wheel either way.
        sgain: Scale the saturation by 1 - sgain to 1 + sgain.
        vgain: Scale the brightness by 1 - vgain to 1 + vgain.
    """

    hgain: float = 0.015
    sgain: float = 0.7
    vgain: float = 0.4

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Change the sample's picture in place."""
        import cv2

        if not (self.hgain or self.sgain or self.vgain):
            return sample
        hue, saturation, value = rng.uniform(-1, 1, 3) * (self.hgain, self.sgain, self.vgain)
        levels = np.arange(256, dtype=np.float64)
        tables = (
            (levels + 180 * hue) % 180,  # OpenCV's hue has 180 steps
            np.clip(levels * (1 + saturation), 0, 255),
            np.clip(levels * (1 + value), 0, 255),
        )
        image = sample.image
        channels = cv2.split(cv2.cvtColor(image, cv2.COLOR_BGR2HSV))
        for channel, table in zip(channels, tables, strict=True):
            cv2.LUT(channel, table.astype(np.uint8), dst=channel)
        cv2.cvtColor(cv2.merge(channels), cv2.COLOR_HSV2BGR, dst=image)
        return sample
