from __future__ import annotations

import pytest
import torch
from torch import nn

from engine.runtime.errors import ConfigError
from engine.training.optimizer import (
    NAMES,
    build_optimizer,
    canonical_name,
    load_optimizer_state,
    split_parameters,
)


def _model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def test_groups_hold_every_parameter_once():
    model = _model()
    groups = split_parameters(model)
    assert [len(groups[k]) for k in ("weight", "bn", "bias")] == [2, 1, 3]
    ids = [id(p) for g in groups.values() for p in g]
    assert sorted(ids) == sorted(id(p) for p in model.parameters())


def test_frozen_parameters_are_left_out():
    model = _model()
    model[0].requires_grad_(False)
    assert sum(len(g) for g in split_parameters(model).values()) == 4


@pytest.mark.parametrize("name", NAMES)
def test_each_optimizer_lowers_the_loss_and_decays_only_weights(name):
    model = _model()
    optimizer = build_optimizer(model, name.lower(), lr=0.01, momentum=0.9, decay=0.05)
    assert [g["weight_decay"] for g in optimizer.param_groups] == [0.05, 0, 0]
    x, y = torch.ones(2, 3, 3, 3), torch.tensor([[1.0, -1.0]] * 2)
    model.eval()
    losses = []
    for _ in range(30):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="AdamW"):
        canonical_name("adamww")


def test_nothing_left_to_train_is_an_error():
    with pytest.raises(ConfigError, match="no parameter"):
        build_optimizer(_model().requires_grad_(False), "SGD", 0.1, 0.9, 0)


def test_loading_a_state_keeps_this_machines_kernels():
    first = build_optimizer(_model(), "AdamW", 0.01, 0.9, 0.01)
    state = first.state_dict()
    for group in state["param_groups"]:
        group["fused"] = None
        group["lr"] = 0.5
    second = build_optimizer(_model(), "AdamW", 0.01, 0.9, 0.01)
    load_optimizer_state(second, state)
    assert second.param_groups[0]["lr"] == 0.5
    assert second.param_groups[0]["fused"] is True
