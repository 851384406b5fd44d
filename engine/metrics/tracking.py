"""How well objects were followed through frames: HOTA, MOTA and IDF1.

HOTA asks at once whether objects were found and whether each kept its number: Luiten et al., "HOTA: A Higher
Order Metric for Evaluating Multi-Object Tracking", IJCV 2021. MOTA counts mistakes frame by frame: Bernardin and
Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008. IDF1 asks for how
many frames an object had the number that suits it best: Ristani et al., "Performance Measures and a Data Set for
Multi-Target, Multi-Camera Tracking", 2016.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.metrics.overlaps import box_overlaps
from engine.runtime.errors import ConfigError

# Overlaps at which HOTA is taken, and that at which MOTA and IDF1 call a pair a match
ALPHAS = np.arange(1, 20) / 20
MATCHED = 0.5
# An overlap that should be exactly a threshold may be a rounding below it
_ROUNDING = 1e-9

# the numbers of the objects of a frame (N,) and their corners in pixels (N, 4)
Frame = tuple[Sequence[int] | np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TrackingMeasures:
    """What the tracks of one video score; 0..1 but for the counts and ``mota``, which mistakes can make negative.

    Attributes:
        hota: Mean over :data:`ALPHAS` of the geometric mean of detection and association.
        deta: Its part for detection: found objects among found, missed and invented ones.
        assa: Its part for association: how much of two matched tracks is the same, over all matches.
        loca: Mean overlap of matched boxes, over the thresholds at which there are any.
        mota: One less the share of misses, inventions and switches among the true boxes.
        idf1: F1 of boxes that have the number which suits their object best.
        misses: True boxes without a match at :data:`MATCHED`.
        inventions: Found boxes without one.
        switches: How often an object took another number than the last one it had.
        objects: True boxes in all.
        hota_by_overlap: ``hota`` at each of :data:`ALPHAS` (19,).
    """

    hota: float
    deta: float
    assa: float
    loca: float
    mota: float
    idf1: float
    misses: int
    inventions: int
    switches: int
    objects: int
    hota_by_overlap: np.ndarray

    @property
    def results_dict(self) -> dict[str, float]:
        """The figures by name, without the curve."""
        return {n: float(v) for n, v in vars(self).items() if n != "hota_by_overlap"}


@dataclass(frozen=True)
class _Pairs:
    """One frame: rows of the true objects, columns of the found ones, and their overlaps (T, P)."""

    truth: np.ndarray
    found: np.ndarray
    overlaps: np.ndarray


def measure_tracks(truth: Iterable[Frame], found: Iterable[Frame]) -> TrackingMeasures:
    """Compare the tracks of a video with the true ones.

    Args:
        truth: For each frame the numbers and boxes of the objects that are there.
        found: For each frame, in the same order, those of a tracker, as ``boxes.id`` and ``boxes.xyxy`` of
            its results give them; of several classes, one class at a time.

    Returns:
        The measures; where there is neither an object nor a track they are 1.

    Raises:
        ConfigError: There are not as many frames, numbers or boxes on both sides, or a number comes twice
            in a frame.
    """
    frames, sizes = _numbered(list(truth), list(found))
    objects = sum(len(f.truth) for f in frames)
    results = sum(len(f.found) for f in frames)
    hota, deta, assa, loca = _hota(frames, sizes)
    misses, inventions, switches = _mistakes(frames)
    kept = _best_numbers(frames, sizes)
    return TrackingMeasures(
        hota=float(hota.mean()),
        deta=float(deta.mean()),
        assa=float(assa.mean()),
        loca=float(loca.mean()),
        mota=1 - (misses + inventions + switches) / objects if objects else float(not results),
        idf1=2 * kept / (objects + results) if objects + results else 1.0,
        misses=misses,
        inventions=inventions,
        switches=switches,
        objects=objects,
        hota_by_overlap=hota,
    )


def _numbered(truth: list[Frame], found: list[Frame]) -> tuple[list[_Pairs], tuple[int, int]]:
    """Return the frames with numbers from 0, and how many tracks each side has."""
    if len(truth) != len(found):
        raise ConfigError(
            f"expected as many frames of results as of truth, received {len(found)} and {len(truth)}.",
            value=len(found),
            remedy="Give an empty frame where nothing was found: ([], numpy.zeros((0, 4))).",
        )
    sides = [[_checked(i, frame) for i, frame in enumerate(side)] for side in (truth, found)]
    numbers = [
        np.unique(np.concatenate([np.zeros(0, np.int64), *(n for n, _ in side)])) for side in sides
    ]
    frames = []
    for (ids, boxes), (names, seen) in zip(*sides, strict=True):
        rows, columns = np.searchsorted(numbers[0], ids), np.searchsorted(numbers[1], names)
        frames.append(_Pairs(rows, columns, box_overlaps(boxes, seen)))
    return frames, (len(numbers[0]), len(numbers[1]))


def _checked(index: int, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.asarray(frame[0], dtype=np.int64).reshape(-1)
    boxes = np.asarray(frame[1], dtype=np.float64).reshape(-1, 4)
    if len(numbers) != len(boxes) or len(np.unique(numbers)) != len(numbers):
        raise ConfigError(
            f"frame {index} has {len(boxes)} boxes with the numbers {numbers.tolist()}.",
            value=numbers.tolist(),
            remedy="Each box of a frame has a number of its own.",
        )
    return numbers, boxes


def _hota(frames: list[_Pairs], sizes: tuple[int, int]) -> tuple[np.ndarray, ...]:
    """Return HOTA, DetA, AssA and LocA at each of the thresholds, (19,) each.

    A frame is matched once, by overlap times how well two tracks go together over the whole video; at each
    threshold those pairs count that overlap enough. So do the authors' own program and the rankings made
    with it.
    """
    lengths = [
        _lengths(frames, side, size) for side, size in zip(("truth", "found"), sizes, strict=True)
    ]
    together = _alignment(frames, lengths)
    matched = np.zeros((len(ALPHAS), *sizes))
    overlap = np.zeros(len(ALPHAS))
    for frame in frames:
        cells = np.ix_(frame.truth, frame.found)
        rows, columns = _assigned(together[cells] * frame.overlaps)
        values = frame.overlaps[rows, columns]
        for i, alpha in enumerate(ALPHAS):
            good = values >= alpha - _ROUNDING
            matched[i, frame.truth[rows[good]], frame.found[columns[good]]] += 1
            overlap[i] += values[good].sum()
    pairs = matched.sum((1, 2))
    either = lengths[0].sum() + lengths[1].sum() - pairs
    union = np.maximum(lengths[0][:, None] + lengths[1] - matched, 1)
    association = _share((matched * matched / union).sum((1, 2)), pairs, either)
    detection = _share(pairs, either, either)
    near = overlap[pairs > 0] / pairs[pairs > 0] if pairs.any() else _share(overlap, pairs, either)
    return np.sqrt(detection * association), detection, association, near


def _share(part: np.ndarray, whole: np.ndarray, anything: np.ndarray) -> np.ndarray:
    """Return ``part / whole``, 0 where there is no whole, but 1 where there was nothing to do."""
    shares = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return np.where(anything > 0, shares, 1.0)


def _alignment(frames: list[_Pairs], lengths: list[np.ndarray]) -> np.ndarray:
    """Return how much of each true and each found track may belong together, 0..1, (true, found)."""
    shared = np.zeros((len(lengths[0]), len(lengths[1])))
    for frame in frames:
        overlaps = frame.overlaps
        around = overlaps.sum(0) + overlaps.sum(1, keepdims=True) - overlaps
        shares = np.divide(overlaps, around, out=np.zeros_like(overlaps), where=around > _ROUNDING)
        shared[np.ix_(frame.truth, frame.found)] += shares
    return shared / np.maximum(lengths[0][:, None] + lengths[1] - shared, _ROUNDING)


def _mistakes(frames: list[_Pairs]) -> tuple[int, int, int]:
    """Return misses, inventions and switches: who was matched before stays so while the boxes overlap."""
    last: dict[int, int] = {}
    misses = inventions = switches = 0
    for frame in frames:
        before = np.array([last.get(int(n), -1) for n in frame.truth])
        many = (
            len(before) + 1
        )  # staying counts more than any number of matches, these more than nearness
        stays = many**2 * (before[:, None] == frame.found[None])
        good = frame.overlaps >= MATCHED - _ROUNDING
        rows, columns = _assigned(good * (frame.overlaps + many + stays))
        numbers = frame.found[columns]
        switches += int(((before[rows] >= 0) & (before[rows] != numbers)).sum())
        last.update(zip(frame.truth[rows].tolist(), numbers.tolist(), strict=True))
        misses += len(frame.truth) - len(rows)
        inventions += len(frame.found) - len(rows)
    return misses, inventions, switches


def _best_numbers(frames: list[_Pairs], sizes: tuple[int, int]) -> int:
    """Return in how many boxes the tracks agree, each true track paired with at most one found one."""
    agree = np.zeros(sizes)
    for frame in frames:
        agree[np.ix_(frame.truth, frame.found)] += frame.overlaps >= MATCHED - _ROUNDING
    rows, columns = _assigned(agree)
    return int(agree[rows, columns].sum())


def _lengths(frames: list[_Pairs], side: str, size: int) -> np.ndarray:
    """Return in how many frames each track of a side is."""
    return sum((np.bincount(getattr(f, side), minlength=size) for f in frames), np.zeros(size))


def _assigned(worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of the pairs of largest worth together; worthless ones are left out."""
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(worth, maximize=True)
    kept = worth[rows, columns] > 0
    return rows[kept], columns[kept]
