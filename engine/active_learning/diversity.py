"""Images that differ from one another and from what is labelled: farthest first, weighted by uncertainty.

The greedy choice of k centres that Sener and Savarese use, Active Learning for Convolutional Neural Networks: A
Core-Set Approach (2018, arXiv:1708.00489); that it takes uncertainty into account follows Ash et al., Deep Batch
Active Learning by Diverse, Uncertain Gradient Lower Bounds (2020, arXiv:1906.03671), by a plain weighted sum.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_BLOCK = 1024  # rows compared with all others at once: memory stays flat


@dataclass(frozen=True, slots=True)
class Chosen:
    """One chosen vector.

    Attributes:
        index: Its number.
        novelty: How far it was from everything covered when it was chosen, 0 to 1; 1 is as far as any was at first.
        nearest: The number of the nearest covered or chosen one: below 0 for a covered one, ``-1 - number``; None
            where there was nothing yet.
    """

    index: int
    novelty: float
    nearest: int | None


def farthest_first(
    vectors: np.ndarray,
    count: int,
    uncertainty: np.ndarray | None = None,
    covered: np.ndarray | None = None,
    diversity: float = 0.5,
    check: Callable[[], object] | None = None,
) -> list[Chosen]:
    """Choose vectors one after the other, each the best of those left: uncertain, and far from what is there.

    Args:
        vectors: (N, D) of length 1.
        count: How many to choose; all where there are fewer.
        uncertainty: (N,) in 0..1; None for none.
        covered: (M, D) of length 1: what is labelled already.
        diversity: What distance counts against uncertainty: 0 sorts by uncertainty alone, 1 is the plain greedy
            choice of k centres.
        check: Called between steps; an exception that it raises ends the work.

    Returns:
        The chosen ones, the best first. Equal ones come in the order of their numbers.
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    total = len(vectors)
    doubt = np.zeros(total) if uncertainty is None else np.asarray(uncertainty, dtype=float)
    check = check or (lambda: None)
    distance, nearest = _to_covered(vectors, covered, check)
    scale = float(distance.max()) if total and np.isfinite(distance).all() else 0.0
    left = np.ones(total, bool)
    chosen: list[Chosen] = []
    for _ in range(min(max(count, 0), total)):
        check()
        novelty = _as_share(distance, scale)
        worth = np.where(left, (1 - diversity) * doubt + diversity * novelty, -np.inf)
        best = int(np.argmax(worth))
        place = int(nearest[best])
        known = None if not np.isfinite(distance[best]) else place
        chosen.append(Chosen(best, float(novelty[best]), known))
        left[best] = False
        away = np.maximum(1 - vectors @ vectors[best], 0)
        closer = away < distance
        distance, nearest = np.where(closer, away, distance), np.where(closer, best, nearest)
        if not scale:  # nothing was covered: the first one chosen gives the measure
            scale = float(distance.max())
    return chosen


def _as_share(distance: np.ndarray, scale: float) -> np.ndarray:
    """Return distances as shares of the largest at first; 1 where there is nothing to be far from."""
    if not np.isfinite(distance).all():
        return np.ones(len(distance))
    return np.minimum(distance / scale, 1.0) if scale > 0 else np.zeros(len(distance))


def _to_covered(
    vectors: np.ndarray, covered: np.ndarray | None, check: Callable[[], object]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to the nearest covered vector (N,), infinite without any, and ``-1 - number`` of it."""
    total = len(vectors)
    if covered is None or not len(covered):
        return np.full(total, np.inf), np.zeros(total, np.int64)
    known = np.asarray(covered, dtype=np.float32)
    distance, nearest = np.empty(total), np.empty(total, np.int64)
    for start in range(0, total, _BLOCK):
        check()
        likeness = vectors[start : start + _BLOCK] @ known.T
        place = likeness.argmax(1)
        distance[start : start + _BLOCK] = np.maximum(1 - likeness.max(1), 0)
        nearest[start : start + _BLOCK] = -1 - place
    return distance, nearest
