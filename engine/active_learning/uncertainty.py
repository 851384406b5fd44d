"""How unsure a model is of an image, from what it answered. Pure functions on arrays.

Every object is judged by the smaller of two margins: between being there and being nothing, and between its class
and the next one at the same place. The margin between the two likeliest answers is that of Brust et al., Active
Learning for Deep Object Detection (2019, arXiv:1809.09875), after Joshi et al., Multi-Class Active Learning for
Image Classification (2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.metrics.overlaps import box_overlaps

Kind = Literal["nothing", "sure", "unsure", "torn", "wavering"]
SAME_PLACE = 0.5  # IoU from which two boxes are answers about one object
UNSURE = 0.5  # an object of more is one that the model is unsure of
_HALF = 0.5  # the most doubtful object counts half, the next a quarter, ...


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """How unsure a model is of one image, and why.

    Attributes:
        value: 0 (sure of everything) to 1.
        kind: ``nothing``: it found nothing; ``sure``: it is sure of all that it found; ``unsure``: it doubts that
            an object is there; ``torn``: it doubts which of two classes something is; ``wavering``: its answer
            changes with the image mirrored.
        objects: How many objects it is unsure of.
        classes: Class numbers of the most doubtful answer: one, or the two between which it is torn.
        scores: Their confidences 0..1; for ``wavering`` the share of pixels that change.
    """

    value: float
    kind: Kind
    objects: int = 0
    classes: tuple[int, ...] = ()
    scores: tuple[float, ...] = ()


def of_objects(boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> Uncertainty:
    """Return how unsure a detector is of an image.

    Ask it for objects down to a low confidence, such as 0.05: an object that it half believes in is what makes
    an image worth labelling.

    Args:
        boxes: (N, 4) corners in pixels; around rotated objects the upright boxes.
        classes: (N,) class numbers.
        scores: (N,) confidences 0..1.
    """
    if not len(scores):
        return Uncertainty(0.0, "nothing")
    boxes, scores = np.asarray(boxes, float).reshape(-1, 4), np.asarray(scores, float)
    order = np.argsort(-scores, kind="stable")
    same = box_overlaps(boxes, boxes) >= SAME_PLACE
    doubts: list[tuple[float, int, int]] = []  # value, the object's best answer, its rival or -1
    taken = np.zeros(len(scores), bool)
    for best in order.tolist():
        if taken[best]:
            continue
        about_it = same[best] & ~taken
        taken |= about_it
        rivals = [i for i in order.tolist() if about_it[i] and classes[i] != classes[best]]
        doubts.append(_doubt(best, rivals[0] if rivals else -1, scores))
    doubts.sort(key=lambda doubt: -doubt[0])
    _, best, rival = doubts[0]
    count = sum(doubt[0] > UNSURE for doubt in doubts)
    kind: Kind = "sure" if not count else "unsure" if rival < 0 else "torn"
    chosen = [best] if rival < 0 else [best, rival]
    return Uncertainty(
        value=weigh([doubt[0] for doubt in doubts]),
        kind=kind,
        objects=count,
        classes=tuple(int(classes[i]) for i in chosen),
        scores=tuple(round(float(scores[i]), 4) for i in chosen),
    )


def of_probabilities(probabilities: np.ndarray) -> Uncertainty:
    """Return how unsure a classifier is of an image, from the probabilities (C,) of its classes."""
    found = np.asarray(probabilities, float)
    order = np.argsort(-found, kind="stable")[:2]
    if len(order) < 2:
        return Uncertainty(0.0, "sure", 0, tuple(order.tolist()), tuple(found.tolist()))
    value = float(np.clip(1 - (found[order[0]] - found[order[1]]), 0, 1))
    kind: Kind = "torn" if value > UNSURE else "sure"
    shown = order if kind == "torn" else order[:1]
    scores = tuple(round(float(found[i]), 4) for i in shown)
    return Uncertainty(value, kind, int(kind == "torn"), tuple(int(i) for i in shown), scores)


def of_maps(classes: np.ndarray, mirrored: np.ndarray) -> Uncertainty:
    """Return how unsure a model of pixels is of an image: how many pixels change when the image is mirrored.

    After Gao et al., Consistency-Based Semi-Supervised Active Learning (2020, arXiv:1910.07153).

    Args:
        classes: Class of every pixel (H, W).
        mirrored: The same for the mirrored image, mirrored back.
    """
    share = float(np.mean(np.asarray(classes) != np.asarray(mirrored))) if classes.size else 0.0
    # half of the pixels is all that can be expected of an answer by chance between two classes
    value = min(1.0, 2 * share)
    return Uncertainty(value, "wavering" if share > 0.01 else "sure", 0, (), (round(share, 4),))


def weigh(doubts: list[float]) -> float:
    """Return one number for an image: the greatest doubt counts half, the next a quarter, and so on.

    Unlike the mean it is not watered down by many sure objects, and unlike the sum an image with many objects
    does not come first for their number alone.

    >>> weigh([1.0, 1.0]), weigh([1.0, 0.0, 0.0])
    (0.75, 0.5)
    """
    ordered = sorted(doubts, reverse=True)
    return float(sum(doubt * _HALF ** (rank + 1) for rank, doubt in enumerate(ordered)))


def _doubt(best: int, rival: int, scores: np.ndarray) -> tuple[float, int, int]:
    """Return the greater of the two doubts about an object, and between whom it is."""
    there = 1 - abs(2 * scores[best] - 1)
    if rival < 0:
        return float(there), best, -1
    # below one half it is the object itself that is in doubt, not its class
    which = scores[rival] / max(scores[best], 0.5)
    return (float(which), best, rival) if which >= there else (float(there), best, -1)
