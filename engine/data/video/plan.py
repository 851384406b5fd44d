"""Which frames of a video to take: every n-th, or those that look other than the last one taken."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine.runtime.errors import ConfigError

SUFFIXES = ("jpg", "png")
_BINS = 8  # of each colour: enough to tell scenes apart, few enough to overlook noise
_SIDE = 96  # colours are counted in a picture of this width


@dataclass(frozen=True)
class FramePlan:
    """Which frames of a video become pictures.

    Attributes:
        every: Look at every n-th frame, from the first; 1 or more.
        scene: Of these take only those whose colours differ from the last taken frame's by more than this share,
            0..1 (:func:`colour_distance`); None takes all.
        start_s: Begin here, seconds.
        end_s: End here, seconds; None for the end of the video.
        suffix: ``jpg`` (quality 95) or ``png``.

    Raises:
        ConfigError: A value is out of its range.
    """

    every: int = 1
    scene: float | None = None
    start_s: float = 0.0
    end_s: float | None = None
    suffix: str = "jpg"

    def __post_init__(self) -> None:
        checks = (
            ("every", self.every >= 1, "1 or more"),
            ("scene", self.scene is None or 0 < self.scene < 1, "between 0 and 1, or None"),
            ("start_s", self.start_s >= 0, "0 or more"),
            ("end_s", self.end_s is None or self.end_s > self.start_s, "more than start_s"),
            ("suffix", self.suffix in SUFFIXES, " or ".join(SUFFIXES)),
        )
        for name, fits, expected in checks:
            if not fits:
                value = getattr(self, name)
                raise ConfigError(f"{name} expects {expected}, received {value!r}.", value=value)

    def count_in(self, frames: int, fps: float) -> int:
        """Return how many frames of a video are looked at: all of them are taken unless ``scene`` is given."""
        first = math.ceil(self.start_s * fps)
        last = (
            frames
            if self.end_s is None or not fps
            else min(frames, math.floor(self.end_s * fps) + 1)
        )
        return max(0, -(-(last - first) // self.every))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


class SceneChange:
    """Says of each frame whether it looks other than the last one that was taken.

    Args:
        plan: How much other.
        last: The last one taken, (H, W, 3) uint8 BGR; None for none.
    """

    def __init__(self, plan: FramePlan, last: np.ndarray | None = None) -> None:
        self._least = plan.scene
        self._last = None if last is None or plan.scene is None else colours(last)

    def is_new(self, frame: np.ndarray) -> bool:
        """Tell whether to take a frame, (H, W, 3) uint8 BGR; one that is taken is what the next is compared with."""
        if self._least is None:
            return True
        now = colours(frame)
        if self._last is not None and colour_distance(self._last, now) <= self._least:
            return False
        self._last = now
        return True


def colours(frame: np.ndarray) -> np.ndarray:
    """Return the share of each of 512 colours in a frame, (512,) float32 with the sum 1."""
    import cv2

    scale = min(1.0, _SIDE / frame.shape[1])
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    counts = cv2.calcHist([small], [0, 1, 2], None, [_BINS] * 3, [0, 256] * 3)
    return counts.ravel() / max(float(counts.sum()), 1.0)


def colour_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Return Hellinger's distance of two :func:`colours`: 0 for the same, 1 without a colour in common.

    Colours do not care where things are: a car that crosses the picture is no new scene.
    """
    shared = float(np.sqrt(first * second).sum())
    return float(np.sqrt(max(0.0, 1.0 - shared)))
