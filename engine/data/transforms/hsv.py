"""Random colour: hue, saturation and brightness."""

from __future__ import annotations

import threading
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
        """Change the sample's picture in place.

        A grey picture has only brightness; channels of other meaning are left as they are.
        """
        import cv2

        if not (self.hgain or self.sgain or self.vgain):
            return sample
        hue, saturation, value = rng.uniform(-1, 1, 3) * (self.hgain, self.sgain, self.vgain)
        image = sample.image
        if image.shape[2] == 1:
            cv2.convertScaleAbs(image, dst=image, alpha=1 + value)
        if image.shape[2] != 3:
            return sample
        space, planes = _scratch(image.shape[:2])
        cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL, dst=space)
        cv2.split(space, planes)
        # The full circle has 256 steps: bytes wrap around as hues do.
        np.add(planes[0], np.uint8(round(256 * hue) % 256), out=planes[0])
        cv2.convertScaleAbs(planes[1], dst=planes[1], alpha=1 + saturation)
        cv2.convertScaleAbs(planes[2], dst=planes[2], alpha=1 + value)
        cv2.merge(planes, dst=space)
        cv2.cvtColor(space, cv2.COLOR_HSV2BGR_FULL, dst=image)
        return sample


_buffers = threading.local()


def _scratch(size: tuple[int, int]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a picture and its three planes to work in, the same ones for every call of a thread."""
    found: tuple[np.ndarray, list[np.ndarray]] | None = getattr(_buffers, "scratch", None)
    if found is None or found[0].shape[:2] != size:
        found = np.empty((*size, 3), np.uint8), [np.empty(size, np.uint8) for _ in range(3)]
        _buffers.scratch = found
    return found
