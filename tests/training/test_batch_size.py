from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.training.batch_size import DEFAULT_BATCH, choose_batch, fit_batch


def test_a_count_is_taken_as_it_is_and_a_cpu_gets_the_default():
    model, cpu = nn.Conv2d(3, 1, 1), torch.device("cpu")
    assert choose_batch(model, cpu, 64, 12, None) == 12
    assert choose_batch(model, cpu, 64, -1, None) == DEFAULT_BATCH
    assert choose_batch(model, cpu, 64, 0.7, None) == DEFAULT_BATCH


def test_the_line_through_the_measurements_is_extended_to_the_room():
    assert fit_batch([(1, 200), (2, 300), (4, 500)], room=1000) == 9
    assert fit_batch([(1, 200), (2, 300)], room=100) == 1
    assert fit_batch([(1, 200)], room=1000) == 1
    assert fit_batch([], room=1000) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_filled_to_its_share():
    device = torch.device("cuda:0")
    model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3)).to(device)
    small = choose_batch(model, device, 320, 0.1, None)
    large = choose_batch(model, device, 320, 0.5, None)
    assert 1 <= small < large
