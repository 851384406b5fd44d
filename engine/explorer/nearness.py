"""Distances between vectors: nearest ones, and how many lie near each. Pure functions on arrays.

The distance is ``1 - cosine``: 0 for the same direction, 1 for unrelated ones, 2 for opposite ones.
"""

from __future__ import annotations

import numpy as np

# Rows compared with all others at once: 100,000 distances each stay under half a gigabyte.
_BLOCK = 1024


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (..., D) float32 of length 1; zeros stay zeros."""
    vectors = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def nearest(vectors: np.ndarray, query: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers and distances of the ``limit`` vectors nearest to a query, the nearest first.

    Args:
        vectors: (N, D) of length 1.
        query: (D,) of length 1.
        limit: How many at most.
    """
    distances = np.maximum(1 - vectors @ query, 0)
    limit = min(max(limit, 0), len(distances))
    if limit < len(distances):
        found = np.argpartition(distances, limit)[:limit]
    else:
        found = np.arange(len(distances))
    # Equal ones in the order of the table, whatever the partition did.
    order = np.lexsort((found, distances[found]))
    return found[order], distances[found][order]


def near_each(
    vectors: np.ndarray, max_dist: float, most: int | None = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return how many others lie within ``max_dist`` of each vector, and which, the nearest first.

    Args:
        vectors: (N, D) of length 1.
        max_dist: Largest distance, 0..2.
        most: Only so many of the nearest count; None counts all.

    Returns:
        Counts (N,) and for each vector the numbers of those that count.
    """
    count = len(vectors)
    counts, others = np.zeros(count, dtype=np.int64), []
    for start in range(0, count, _BLOCK):
        distances = 1 - vectors[start : start + _BLOCK] @ vectors.T
        for row, line in enumerate(distances):
            line[start + row] = np.inf  # itself
            near = np.flatnonzero(line <= max_dist)
            near = near[np.argsort(line[near], kind="stable")][:most]
            counts[start + row] = len(near)
            others.append(near)
    return counts, others
