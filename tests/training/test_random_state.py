from __future__ import annotations

import random

import numpy as np
import torch

from engine.training import random_state


def _draw():
    return random.random(), np.random.rand(), torch.rand(1).item(), random.gauss(0, 1)  # noqa: NPY002


def test_captured_states_repeat_the_same_draws(tmp_path):
    random_state.seed_epoch(3, 5)
    _draw()
    torch.save(random_state.capture(), tmp_path / "state.pt")
    first = [_draw() for _ in range(3)]
    random_state.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert [_draw() for _ in range(3)] == first


def test_each_epoch_and_seed_draws_its_own_numbers():
    draws = set()
    for seed in range(3):
        for epoch in range(3):
            random_state.seed_epoch(seed, epoch)
            draws.add(_draw())
    assert len(draws) == 9
