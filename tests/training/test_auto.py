from __future__ import annotations

import pytest

from engine.training.auto import WARMUP_SHARE, plan_optimizer


def test_short_run_from_random_weights_gets_steps_and_a_rate_that_learns():
    plan = plan_optimizer(
        batches=400, batch_size=8, nominal_batch=64, pretrained=False, warmup_batches=24
    )
    assert plan.name == "AdamW"
    assert plan.accumulate == 1  # the nominal batch would leave 50 steps
    assert plan.lr == pytest.approx(0.004)
    assert "400" in plan.reason
    assert "random weights" in plan.reason


def test_warm_up_never_eats_a_short_run():
    plan = plan_optimizer(20, 8, 64, False, warmup_batches=100)
    assert plan.warmup == 20 * WARMUP_SHARE


def test_only_random_biases_start_at_a_high_rate():
    assert plan_optimizer(400, 8, 64, False, 24).warmup_bias_lr == 0.1
    assert plan_optimizer(400, 8, 64, True, 24).warmup_bias_lr == 0


def test_fine_tuning_moves_slower_than_a_start_from_nothing():
    scratch = plan_optimizer(1000, 16, 64, False, 0)
    tuned = plan_optimizer(1000, 16, 64, True, 0)
    assert tuned.lr < scratch.lr


def test_long_run_gathers_the_nominal_batch():
    long = plan_optimizer(100_000, 16, 64, False, 300)
    assert (long.name, long.accumulate, long.warmup) == ("SGD", 4, 300)
    middle = plan_optimizer(9_000, 16, 64, False, 300)
    assert (middle.name, middle.accumulate) == ("AdamW", 2)


@pytest.mark.parametrize("batch", [1, 4, 8, 64, 512])
@pytest.mark.parametrize("batches", [0, 10, 500, 19_000])
def test_rate_grows_with_the_batch_within_bounds(batch, batches):
    lr = plan_optimizer(batches, batch, 64, False, 0).lr
    assert 0.001 < lr < 0.012


def test_a_run_with_few_steps_hurries():
    rates = [plan_optimizer(n, 8, 64, False, 0).lr for n in (100, 500, 1_000, 2_000, 4_000)]
    assert rates == [0.004, 0.004, pytest.approx(0.002 * 2**0.5, rel=1e-3), 0.002, 0.002]
