"""A number that looks alike for pictures that look alike, and which of many are near one another.

The hash is the sign of the lowest frequencies of the picture's cosine transform (Zauner: Implementation
and Benchmarking of Perceptual Image Hash Functions, 2010): it bears another size, another compression and
small changes of brightness, not a crop or a turn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

_SIDE = 32  # pixels of the picture that is transformed
_LOW = 8  # frequencies that are kept along each side
BITS = _LOW * _LOW
_ONES = np.array(
    [value.bit_count() for value in range(1 << 16)], np.uint8
)  # NumPy counts bits from 2.0 on
_FLAT = 2.0  # grey levels of deviation below which a picture has nothing to compare


def perceptual_hash(picture: np.ndarray) -> int | None:
    """Return the hash of a picture, or None for one that shows nothing (a single colour).

    Args:
        picture: (H, W) or (H, W, 3) uint8, values in [0, 255], BGR.

    Returns:
        64 bits as an int in [0, 2**64).
    """
    import cv2

    gray = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture
    small = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if float(small.std()) < _FLAT:
        return None
    low = cv2.dct(small)[:_LOW, :_LOW].ravel()
    bits = low > np.median(low[1:])  # the first one is only the brightness
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def near_pairs(hashes: Sequence[int], distance: int) -> list[tuple[int, int]]:
    """Return the pairs of places whose hashes differ in at most ``distance`` bits.

    Two hashes that differ in d bits agree in at least one of d + 1 bands of their bits, so only hashes
    that share a band are compared: seconds instead of minutes for 100,000.

    Args:
        hashes: Different numbers in [0, 2**64).
        distance: 0..15.
    """
    values = np.array(hashes, dtype=np.uint64)
    found: set[tuple[int, int]] = set()
    for start, stop in _bands(distance + 1):
        mask = np.uint64(((1 << (stop - start)) - 1) << start)
        for members in _buckets(values & mask):
            found.update(_close(values, members, distance))
    return sorted(found)


def groups_of(pairs: Sequence[tuple[int, int]], count: int) -> list[list[int]]:
    """Return the places 0..count - 1 that pairs join, directly or through others, in groups of two or more."""
    parent = list(range(count))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place

    for one, other in pairs:
        parent[root(other)] = root(one)
    groups: Mapping[int, list[int]] = defaultdict(list)
    for place in range(count):
        groups[root(place)].append(place)
    return [members for members in groups.values() if len(members) > 1]


def _bands(count: int) -> list[tuple[int, int]]:
    edges = [round(BITS * n / count) for n in range(count + 1)]
    return list(pairwise(edges))


def _buckets(keys: np.ndarray) -> list[np.ndarray]:
    """Return the places of equal keys, those of two or more."""
    order = np.argsort(keys, kind="stable")
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    return [part for part in np.split(order, cuts) if len(part) > 1]


def _close(values: np.ndarray, members: np.ndarray, distance: int) -> list[tuple[int, int]]:
    """Return the close pairs among members, compared row by row so that a large bucket needs little memory."""
    pairs = []
    own = values[members]
    for place in range(len(members) - 1):
        differing = _ones(own[place + 1 :] ^ own[place])
        for other in np.flatnonzero(differing <= distance):
            one, two = int(members[place]), int(members[place + 1 + other])
            pairs.append((min(one, two), max(one, two)))
    return pairs


def _ones(values: np.ndarray) -> np.ndarray:
    """Return the number of bits that are set in each uint64."""
    return _ONES[values.view(np.uint16).reshape(-1, 4)].sum(axis=1)
