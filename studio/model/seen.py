"""What a validation saw on one image: objects, the class of the image, or a class for every pixel."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

# The thresholds of the confusion matrix: the field's usual ones, the same as in the engine's.
CONFUSION_SCORE = 0.25
CONFUSION_IOU = 0.45
IGNORED = 255  # of a class map: nobody knows what is there

Box = tuple[float, float, float, float]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class SeenObject:
    """A label or a prediction on an image, in pixels of the upright image.

    Attributes:
        class_id: The model's class number.
        box: x1, y1, x2, y2; around a rotated box the upright one.
        polygon: Its outline, empty for a box.
        matched: Whether a label and a prediction of its class belong together here.
        score: Confidence in 0..1; None for a label.
        corners: Of a rotated box, empty for others.
        keypoints: x, y and visibility (0, 1, 2; of a prediction 0..1) of each point, empty without.
    """

    class_id: int
    box: Box
    polygon: tuple[Point, ...]
    matched: bool
    score: float | None = None
    corners: tuple[Point, ...] = ()
    keypoints: tuple[tuple[float, float, float], ...] = ()

    @property
    def ring(self) -> tuple[Point, ...]:
        """Return the outline to draw: polygon, rotated box, or upright box."""
        x1, y1, x2, y2 = self.box
        return self.polygon or self.corners or ((x1, y1), (x2, y1), (x2, y2), (x1, y2))

    @property
    def shown_keypoints(self) -> tuple[Point, ...]:
        """Return the points that are labelled, or that a model is more sure of than not."""
        least = 0.5 if self.score is not None else 1.0
        return tuple((x, y) for x, y, visibility in self.keypoints if visibility >= least)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a classifier said of an image: its classes with their probabilities, the likeliest first."""

    truth: int
    top: tuple[tuple[int, float], ...]

    @property
    def said(self) -> int:
        """Return the class that it holds for the likeliest."""
        return self.top[0][0]

    @property
    def is_right(self) -> bool:
        """Whether that is what the image shows."""
        return self.said == self.truth


@dataclass(frozen=True)
class ClassMaps:
    """A class for every pixel, as labelled and as predicted.

    Attributes:
        truth_png: The labels as a grey PNG in base 64, smaller than the image; 255: nobody knows.
        predicted_png: The prediction, of the same size.
        right: Share of the known pixels that were told rightly, 0..1.
    """

    truth_png: str
    predicted_png: str
    right: float

    @property
    def truth(self) -> np.ndarray:
        """Return the labels, (H, W) uint8."""
        return _decoded(self.truth_png)

    @property
    def predicted(self) -> np.ndarray:
        """Return the prediction, (H, W) uint8."""
        return _decoded(self.predicted_png)

    @cached_property
    def pixels(self) -> dict[tuple[int, int], int]:
        """Return how many pixels of the small maps are of each ``(predicted, true)`` pair."""
        truth, predicted = self.truth, self.predicted
        known = truth != IGNORED
        counts = np.bincount(predicted[known].astype(np.int64) * 256 + truth[known], minlength=1)
        return {divmod(int(pair), 256): int(counts[pair]) for pair in np.flatnonzero(counts)}


@dataclass(frozen=True, slots=True)
class SeenImage:
    """One validation image with its labels and predictions.

    Attributes:
        file: The image.
        width: Pixels, upright.
        height: Pixels, upright.
        truth: Labelled objects.
        predictions: Predicted objects.
        answer: What a classifier said, None for other tasks.
        maps: A class for every pixel, None for other tasks.
    """

    file: Path
    width: int
    height: int
    truth: tuple[SeenObject, ...]
    predictions: tuple[SeenObject, ...]
    answer: Answer | None = None
    maps: ClassMaps | None = None

    @property
    def mistakes(self) -> float:
        """Return how much is wrong: objects missed or wrong, one wrong class, or the share of wrong pixels."""
        if self.answer is not None:
            return float(not self.answer.is_right)
        if self.maps is not None:
            return 1 - self.maps.right
        missed = sum(not label.matched for label in self.truth)
        return missed + sum(
            not found.matched and (found.score or 0) >= CONFUSION_SCORE
            for found in self.predictions
        )

    @property
    def classes(self) -> frozenset[int]:
        """Return the classes that are on it or that were seen on it."""
        if self.answer is not None:
            return frozenset((self.answer.truth, self.answer.said))
        if self.maps is not None:
            return frozenset(number for pair in self.maps.pixels for number in pair)
        return frozenset(seen.class_id for seen in (*self.truth, *self.predictions))


def _decoded(png: str) -> np.ndarray:
    data = np.frombuffer(base64.b64decode(png), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return np.asarray(pixels, dtype=np.uint8) if pixels is not None else np.zeros((0, 0), np.uint8)
