from __future__ import annotations

import copy
import math

import torch
from torch import nn

from engine.training.ema import ModelEMA


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def test_update_follows_the_formula_for_weights_and_statistics():
    model = _model()
    ema = ModelEMA(model, decay=0.9, tau=10)
    before = copy.deepcopy(ema.ema.state_dict())
    with torch.no_grad():
        model[0].weight.add_(1)
        model[1].running_mean.add_(2)
        model[1].num_batches_tracked.add_(5)
    ema.update(model)
    decay = 0.9 * (1 - math.exp(-1 / 10))
    after = ema.ema.state_dict()
    for name in ("0.weight", "1.running_mean"):
        expected = before[name] * decay + model.state_dict()[name] * (1 - decay)
        torch.testing.assert_close(after[name], expected)
    assert after["1.num_batches_tracked"] == 5
    assert ema.updates == 1


def test_average_converges_to_a_model_that_stands_still():
    model = _model()
    ema = ModelEMA(model, decay=0.9, tau=1)
    with torch.no_grad():
        model[0].weight.fill_(3)
    for _ in range(200):
        ema.update(model)
    torch.testing.assert_close(ema.ema[0].weight, model[0].weight)


def test_average_is_in_eval_mode_and_takes_no_gradients():
    ema = ModelEMA(_model()).ema
    assert not ema.training
    assert not any(p.requires_grad for p in ema.parameters())


def test_saved_state_continues_the_same_average():
    model = _model()
    one, two = ModelEMA(model), ModelEMA(model)
    with torch.no_grad():
        model[0].weight.add_(1)
    for _ in range(3):
        one.update(model)
    two.load({k: v.clone() for k, v in one.ema.state_dict().items()}, one.updates)
    one.update(model)
    two.update(model)
    assert torch.equal(one.ema[0].weight, two.ema[0].weight)
