from __future__ import annotations

import pytest
import torch

from engine.training.schedule import Schedule, cosine_factor, keep_rates, linear_factor


def _optimizer() -> torch.optim.Optimizer:
    groups = [
        {"params": [torch.nn.Parameter(torch.zeros(1))], "param_group": name}
        for name in ("weight", "bn", "bias")
    ]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def _schedule(**changes: object) -> Schedule:
    values = {
        "lr": 0.01,
        "lrf": 0.1,
        "cosine": False,
        "momentum": 0.937,
        "warmup": 10,
        "warmup_momentum": 0.8,
        "warmup_bias_lr": 0.1,
        "accumulate": 8,
    }
    return Schedule(**(values | changes))


@pytest.mark.parametrize("factor", [linear_factor, cosine_factor])
def test_factor_goes_from_one_to_lrf_and_stays_there(factor):
    assert factor(0, 0.01) == pytest.approx(1)
    assert factor(1, 0.01) == pytest.approx(0.01)
    assert factor(1.5, 0.01) == pytest.approx(0.01)
    values = [factor(i / 20, 0.01) for i in range(21)]
    assert values == sorted(values, reverse=True)


def test_halfway_both_curves_meet():
    assert linear_factor(0.5, 0.2) == pytest.approx(cosine_factor(0.5, 0.2))
    assert cosine_factor(0.25, 0.0) > linear_factor(0.25, 0.0)


def test_first_batch_already_moves_the_weights_and_biases_start_high():
    optimizer, schedule = _optimizer(), _schedule()
    schedule.apply(optimizer, batch=0, progress=0.0)
    weight, bn, bias = (g["lr"] for g in optimizer.param_groups)
    assert weight == bn == pytest.approx(0.001)
    assert bias == pytest.approx(0.1 - 0.09 * 0.1)
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.8 + 0.137 * 0.1)


def test_after_the_warm_up_all_groups_follow_the_curve():
    optimizer, schedule = _optimizer(), _schedule()
    for batch in range(11):
        schedule.apply(optimizer, batch, progress=batch / 100)
    assert {g["lr"] for g in optimizer.param_groups} == {0.01 * linear_factor(0.1, 0.1)}
    assert optimizer.param_groups[2]["momentum"] == pytest.approx(0.937)


def test_groups_keep_the_rates_that_they_were_made_with():
    optimizer, schedule = _optimizer(), _schedule(warmup=0)
    for group, rate in zip(optimizer.param_groups, (0.01, 0.0001, 0.02), strict=True):
        group["lr"] = rate
    keep_rates(optimizer, 0.01)
    for progress in (0.0, 0.5):
        schedule.apply(optimizer, 0, progress)
        factor = linear_factor(progress, 0.1)
        rates = [g["lr"] / factor for g in optimizer.param_groups]
        assert rates == pytest.approx([0.01, 0.0001, 0.02])


def test_a_rate_that_somebody_changed_counts_and_follows_the_curve_from_there():
    optimizer, schedule = _optimizer(), _schedule()
    for group in optimizer.param_groups:
        group["lr"] = 0.01
    keep_rates(optimizer, 0.01)
    optimizer.param_groups[0]["lr"] = 1e-9  # before the first batch
    for batch in range(3):
        schedule.apply(optimizer, batch, batch / 100)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.3e-9, rel=0.05)  # it is warmed up to
    for batch in range(3, 20):
        schedule.apply(optimizer, batch, batch / 100)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-9 * linear_factor(0.19, 0.1))
    optimizer.param_groups[2]["lr"] = 0.5
    schedule.apply(optimizer, 20, 0.2)
    assert optimizer.param_groups[2]["lr"] == pytest.approx(0.5)
    schedule.apply(optimizer, 21, 0.6)
    wanted = 0.5 * linear_factor(0.6, 0.1) / linear_factor(0.2, 0.1)
    assert optimizer.param_groups[2]["lr"] == pytest.approx(wanted)
    assert optimizer.param_groups[1]["lr"] == pytest.approx(0.01 * linear_factor(0.6, 0.1))


def test_accumulation_grows_from_one_step_a_batch():
    schedule = _schedule()
    steps = [schedule.accumulation(b) for b in range(12)]
    assert steps[0] == 2  # 1 + 7 * 0.1, rounded
    assert steps == sorted(steps)
    assert steps[-1] == 8


def test_no_warm_up_is_full_speed_at_once():
    optimizer, schedule = _optimizer(), _schedule(warmup=0)
    schedule.apply(optimizer, batch=0, progress=0.0, scale=0.5)
    assert {g["lr"] for g in optimizer.param_groups} == {0.005}
    assert schedule.accumulation(0) == 8


def test_adam_momentum_is_its_first_beta():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([{"params": [parameter], "param_group": "weight"}])
    _schedule().apply(optimizer, batch=9, progress=0.0)
    assert optimizer.param_groups[0]["betas"] == (pytest.approx(0.937), 0.999)
