"""HOTA, MOTA and IDF1 on videos small enough to count by hand, and beside a package that counts two of them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.metrics.tracking import ALPHAS, measure_tracks
from engine.runtime.errors import ConfigError

BOX = np.array([[10.0, 10, 30, 30]])
FAR = np.array([[110.0, 10, 130, 30]])
NOTHING = ([], np.zeros((0, 4)))


def test_what_is_followed_without_a_mistake_scores_one():
    video = [([1, 2], np.concatenate((BOX + i, FAR))) for i in range(5)]
    renamed = [([9, 4], boxes) for _, boxes in video]
    found = measure_tracks(video, renamed)
    for name in ("hota", "deta", "assa", "loca", "mota", "idf1"):
        assert found.results_dict[name] == pytest.approx(1)
    assert (found.misses, found.inventions, found.switches, found.objects) == (0, 0, 0, 10)


def test_a_number_that_changes_halfway():
    found = measure_tracks([([1], BOX)] * 4, [([5], BOX)] * 2 + [([6], BOX)] * 2)
    assert found.deta == pytest.approx(1)
    # each of four matches: 2 frames the same, 2 of the object's with the other number
    assert found.assa == pytest.approx(0.5)
    assert found.hota == pytest.approx(0.5**0.5)
    assert found.mota == pytest.approx(1 - 1 / 4)
    assert found.idf1 == pytest.approx(2 * 2 / 8)
    assert found.switches == 1


def test_an_object_seen_half_of_the_time_and_something_that_is_not_there():
    results = [([5], BOX), ([5], BOX), NOTHING, ([6], FAR)]
    found = measure_tracks([([1], BOX)] * 4, results)
    assert found.deta == pytest.approx(2 / (2 + 2 + 1))
    assert found.assa == pytest.approx(2 / (2 + 2))
    assert found.hota == pytest.approx((0.4 * 0.5) ** 0.5)
    assert (found.misses, found.inventions, found.switches) == (2, 1, 0)
    assert found.mota == pytest.approx(1 - 3 / 4)
    assert found.idf1 == pytest.approx(2 * 2 / (4 + 3))


def test_two_that_exchange_their_numbers():
    both = np.concatenate((BOX, FAR))
    found = measure_tracks([([1, 2], both)] * 4, [([1, 2], both)] * 3 + [([2, 1], both)])
    # six matches go 3 : 1 : 1 (the same, only the object's, only the track's), two go 1 : 3 : 3
    assert found.assa == pytest.approx((6 * 3 / 5 + 2 * 1 / 7) / 8)
    assert found.switches == 2
    assert found.idf1 == pytest.approx(6 / 8)


def test_boxes_that_are_loose_count_at_the_looser_thresholds_only():
    loose = np.array([[10.0, 10, 30, 22]])  # 0.6 of it
    found = measure_tracks([([1], BOX)] * 3, [([1], loose)] * 3)
    assert found.hota_by_overlap == pytest.approx(np.where(ALPHAS < 0.61, 1.0, 0.0))
    assert found.hota == pytest.approx(12 / 19)
    assert found.loca == pytest.approx(0.6)
    assert found.mota == 1


def test_who_was_matched_before_stays_so_though_another_is_nearer():
    shifted = BOX + np.array([4, 0, 4, 0])
    results = [([5], BOX), ([5, 6], np.concatenate((shifted, BOX)))]
    assert measure_tracks([([1], BOX)] * 2, results).switches == 0


def test_nothing_to_do_and_nothing_done():
    assert measure_tracks([NOTHING], [NOTHING]).results_dict["hota"] == 1
    unseen = measure_tracks([([1], BOX)], [NOTHING])
    assert (unseen.hota, unseen.mota, unseen.idf1) == (0, 0, 0)
    invented = measure_tracks([NOTHING], [([1], BOX)])
    assert (invented.hota, invented.mota, invented.idf1) == (0, 0, 0)
    assert measure_tracks([], []).hota == 1


def test_what_does_not_fit_together_is_said():
    with pytest.raises(ConfigError, match="as many frames of results as of truth") as error:
        measure_tracks([([1], BOX)], [])
    assert "empty frame" in error.value.remedy
    with pytest.raises(ConfigError, match="frame 0 has 2 boxes with the numbers \\[1, 1\\]"):
        measure_tracks([([1, 1], np.concatenate((BOX, FAR)))], [NOTHING])


@pytest.mark.parametrize("seed", range(6))
def test_mota_and_idf1_are_those_of_another_program(seed):
    motmetrics = pytest.importorskip("motmetrics", reason="in the extra for tests")
    rng = np.random.default_rng(seed)
    truth, results = wandering(rng)
    counted = motmetrics.MOTAccumulator(auto_id=True)
    for (numbers, boxes), (names, seen) in zip(truth, results, strict=True):
        distance = np.array([[1 - iou(a, b) for b in seen] for a in boxes])
        distance[distance > 0.5] = np.nan
        counted.update(numbers, names, distance)
    wanted = ["mota", "idf1", "num_switches", "num_misses", "num_false_positives"]
    theirs = motmetrics.metrics.create().compute(counted, metrics=wanted).iloc[0].tolist()
    ours = measure_tracks(truth, results)
    assert ours.switches > 0
    figures = [ours.mota, ours.idf1, ours.switches, ours.misses, ours.inventions]
    assert figures == pytest.approx(theirs)


def wandering(rng):
    """Tracks of five objects apart from each other, and results with misses, inventions and new numbers."""
    truth, results = [], []
    numbers = np.arange(5)
    for _ in range(30):
        boxes = np.array([[100.0 * i, 0, 100.0 * i + 40, 40] for i in range(5)])
        there = rng.random(5) < 0.9
        seen = there & (rng.random(5) < 0.8)
        if rng.random() < 0.3:
            numbers = numbers.copy()
            numbers[rng.integers(5)] = 10 + numbers.max()
        moved = boxes[seen] + rng.uniform(-6, 6, (int(seen.sum()), 1))
        invented = [[700.0, 0, 740, 40]] if rng.random() < 0.2 else np.zeros((0, 4))
        names = [*numbers[seen].tolist(), *([900] * len(invented))]
        truth.append((np.flatnonzero(there), boxes[there]))
        results.append((names, np.concatenate((moved, invented))))
    return truth, results


def iou(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = np.prod(np.maximum(sides, 0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)
