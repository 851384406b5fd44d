from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.explorer.nearness import near_each, nearest, unit


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(0, 50), st.integers(0, 9999))
def test_the_nearest_are_those_of_a_full_sort(count, limit, seed):
    generator = np.random.default_rng(seed)
    vectors = unit(generator.integers(-2, 3, (count, 3)))
    query = unit(generator.normal(size=3))
    numbers, distances = nearest(vectors, query, limit)
    every = np.maximum(1 - vectors @ query, 0)
    assert len(numbers) == min(limit, count)
    assert distances.tolist() == np.sort(every)[: len(numbers)].tolist()
    assert every[numbers].tolist() == distances.tolist()
    assert len(set(numbers.tolist())) == len(numbers)


def test_no_vectors_and_zeros():
    numbers, distances = nearest(np.zeros((0, 4), np.float32), np.ones(4, np.float32), 5)
    assert len(numbers) == len(distances) == 0
    assert unit(np.zeros(3)).tolist() == [0, 0, 0]
    counts, others = near_each(np.zeros((0, 4), np.float32), 0.5)
    assert len(counts) == len(others) == 0


@pytest.mark.parametrize("most", [None, 2])
def test_neighbours_over_several_blocks(monkeypatch, most):
    monkeypatch.setattr("engine.explorer.nearness._BLOCK", 4)
    vectors = unit(np.random.default_rng(0).normal(size=(11, 5)))
    counts, others = near_each(vectors, 0.8, most)
    distances = 1 - vectors @ vectors.T
    for i in range(11):
        near = [j for j in np.argsort(distances[i]) if j != i and distances[i, j] <= 0.8]
        assert others[i].tolist() == near[:most]
        assert counts[i] == len(near[:most])
    assert counts.max() > (1 if most else 2)
