from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.metrics.matching import (
    THRESHOLDS,
    Matches,
    match_indices,
    match_objects,
    match_predictions,
)


def _slowly(iou, pred_cls, target_cls, thresholds):
    """COCO's words: by score, each prediction takes the free object of its class it overlaps most."""
    found = np.full((len(pred_cls), len(thresholds)), -1)
    for k, limit in enumerate(thresholds):
        free = set(range(len(target_cls)))
        for p, label in enumerate(pred_cls):
            best = [(iou[t, p], t) for t in free if target_cls[t] == label and iou[t, p] >= limit]
            if best:
                found[p, k] = max(best)[1]
                free.remove(found[p, k])
    return found


@pytest.mark.parametrize("seed", range(20))
def test_matches_as_coco_does(seed):
    random = np.random.default_rng(seed)
    targets, predictions = random.integers(1, 9), random.integers(1, 30)
    iou = random.random((targets, predictions)) ** 0.3
    iou[random.random(iou.shape) < 0.2] = 0.75  # ties, and exactly on a threshold
    pred_cls, target_cls = random.integers(0, 2, predictions), random.integers(0, 2, targets)
    expected = _slowly(iou, pred_cls, target_cls, THRESHOLDS)
    np.testing.assert_array_equal(match_indices(iou, pred_cls, target_cls), expected)
    tensors = (torch.from_numpy(x) for x in (iou, pred_cls, target_cls))
    np.testing.assert_array_equal(match_predictions(*tensors), expected >= 0)


def test_a_perfect_overlap_passes_a_threshold_of_one():
    one = np.ones((1, 1))
    assert match_predictions(one, [0], [0], np.array([1.0])).all()
    assert not match_predictions(one, [0], [1]).any()


def test_an_object_is_found_once():
    iou = np.array([[0.9, 0.99]])
    found = match_predictions(iou, [0, 0], [0])
    assert found[0].tolist() == [True] * 9 + [False]  # the better score has 0.9
    assert found[1].tolist() == [False] * 9 + [True]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_match(shape):
    found = match_predictions(np.zeros(shape), np.zeros(shape[1]), np.zeros(shape[0]))
    assert found.shape == (shape[1], 10)
    assert not found.any()


def test_objects_that_do_not_count_excuse_their_finders():
    """A large object is ignored among the small; a crowd is found by many; strays of other sizes are ignored."""
    iou = np.array([[0.9, 0.0, 0.0, 0.0], [0.0, 0.8, 0.8, 0.0]])
    areas = np.array([10_000.0, 500, 500, 500])
    found = match_objects(iou, [0] * 4, [0, 0], areas, np.array([10_000.0, 9_999]), [False, True])
    assert found.tp[:, 0].tolist() == [True, False, False, False]
    assert found.counted.tolist() == [[True, False, False, True], [False] * 4]
    ignored = found.ignored[:, None] >> np.arange(40) & 1
    assert ignored[:, 0].tolist() == [0, 1, 1, 0]  # all sizes, IoU 0.5: the crowd's two
    assert ignored[:, 9].tolist() == [0, 0, 0, 0]  # at 0.95 they find nothing
    assert ignored[:, 10].tolist() == [1, 1, 1, 0]  # small: the first is large and finds the large
    assert ignored[:, 39].tolist() == [0, 1, 1, 1]  # large: the others are small


def test_a_plain_table_counts_everything():
    table = np.array([[True] * 3 + [False] * 7, [False] * 10])
    found = Matches.of_table(table, 4)
    np.testing.assert_array_equal(found.tp, table)
    assert not found.ignored.any()
    assert found.counted.shape == (4, 1)
