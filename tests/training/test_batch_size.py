from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest
import torch
from torch import nn

from engine.training.batch_size import (
    DEFAULT_BATCH,
    batch_for_steps,
    choose_batch,
    fit_batch,
    kept_bytes,
)


def _memory(monkeypatch, available):
    monkeypatch.setattr(
        psutil, "virtual_memory", lambda: SimpleNamespace(available=available, total=available)
    )


def test_a_count_is_taken_as_it_is():
    assert choose_batch(nn.Conv2d(3, 1, 1), torch.device("cpu"), 64, 12, None) == 12


def test_a_processor_fills_a_share_of_its_memory_up_to_the_default(monkeypatch):
    model, cpu = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 8, 1)), "cpu"
    image = kept_bytes(model, torch.zeros(2, 3, 64, 64)) - kept_bytes(
        model, torch.zeros(1, 3, 64, 64)
    )
    assert image == 64 * 64 * 4 * (3 + 8)  # the input of each convolution; the ReLU's output is one
    found = []
    for available in (100 * image, 10 * image, 1):
        _memory(monkeypatch, available)
        found.append([choose_batch(model, torch.device(cpu), 64, w, None) for w in (-1, 0.9)])
    assert found[0] == [DEFAULT_BATCH, DEFAULT_BATCH]
    assert 1 < found[1][0] < found[1][1] < 10
    assert found[2] == [1, 1]


def test_pictures_of_a_single_cell_are_tried_in_pairs(monkeypatch):
    model = nn.Sequential(nn.Conv2d(3, 8, 32, 32), nn.BatchNorm2d(8))
    _memory(monkeypatch, 10**9)
    assert choose_batch(model, torch.device("cpu"), 32, -1, None) == DEFAULT_BATCH


def test_no_batch_is_larger_than_the_data(make_trainer):
    trainer = make_trainer(batch=-1, epochs=1)
    trainer.train()
    assert trainer.batch_size == 4


def test_the_line_through_the_measurements_is_extended_to_the_room():
    assert fit_batch([(1, 200), (2, 300), (4, 500)], room=1000) == 9
    assert fit_batch([(1, 200), (2, 300)], room=100) == 1
    assert fit_batch([(1, 200)], room=1000) == 1
    assert fit_batch([], room=1000) == 1


def test_little_data_is_given_smaller_batches():
    assert batch_for_steps(60, 60, 16) == 4
    assert batch_for_steps(205, 60, 16) == 8
    assert batch_for_steps(4000, 60, 16) == 16
    assert batch_for_steps(4, 1, 2) == 2


@pytest.mark.parametrize(("given", "expected"), [({}, 4), ({"batch": 16}, 16)])
def test_a_number_that_was_said_wins_even_where_it_is_the_usual_one(
    make_trainer, arguments, given, expected
):
    del arguments["batch"]
    trainer = make_trainer(epochs=1, **given)
    trainer.train()
    assert trainer.batch_size == expected
    lines = (trainer.save_dir / "events.jsonl").read_text(encoding="utf-8")
    assert ("batch=4: with 16 images a batch" in lines) == (not given)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_filled_to_its_share():
    device = torch.device("cuda:0")
    model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3)).to(device)
    small = choose_batch(model, device, 320, 0.1, None)
    large = choose_batch(model, device, 320, 0.5, None)
    assert 1 <= small < large
