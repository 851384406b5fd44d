from __future__ import annotations

import pytest

from engine.core.given import chosen_arguments, resolve_arguments
from engine.core.plan import make_plan, make_schedule, mosaic_epochs


def _plan(batches: int = 10, epochs: int = 20, batch: int = 8, pretrained: bool = False, **given):
    args = resolve_arguments(given, "train", "detect")
    return args, make_plan(
        args, chosen_arguments(args, "train"), batches, epochs, batch, pretrained
    )


def test_auto_honours_what_a_person_chose():
    _, plan = _plan()
    assert (plan.name, plan.lr, plan.accumulate) == ("AdamW", pytest.approx(0.004), 1)
    _, plan = _plan(lr0=0.0007, momentum=0.8, nbs=32, warmup_epochs=5, warmup_bias_lr=0.02)
    assert (plan.lr, plan.momentum, plan.accumulate) == (0.0007, 0.8, 4)
    assert (plan.warmup, plan.warmup_bias_lr) == (50, 0.02)


def test_a_named_optimizer_takes_the_arguments_as_they_are():
    _, plan = _plan(optimizer="sgd", lr0=0.02)
    assert (plan.name, plan.lr, plan.momentum, plan.accumulate) == ("SGD", 0.02, 0.937, 8)
    assert (plan.warmup, plan.warmup_bias_lr) == (30, 0.1)


def test_adam_by_name_spares_only_trained_biases():
    adam = {"optimizer": "AdamW", "lr0": 0.001}
    assert _plan(**adam)[1].warmup_bias_lr == 0.1
    assert _plan(**adam, pretrained=True)[1].warmup_bias_lr == 0
    assert _plan(**adam, pretrained=True, warmup_bias_lr=0.05)[1].warmup_bias_lr == 0.05


def test_schedule_ends_at_lrf():
    args, plan = _plan(lrf=0.2, cos_lr=True)
    schedule = make_schedule(args, plan)
    assert schedule.cosine
    assert schedule.factor(1.0) == pytest.approx(0.2)
    assert schedule.warmup_momentum <= schedule.momentum


@pytest.mark.parametrize(
    ("epochs", "given", "first_without"),
    [
        (100, {}, 90),  # the default ten
        (20, {}, 15),  # a quarter of a short run
        (3, {}, 3),  # nothing of a very short one
        (20, {"close_mosaic": 12}, 8),  # what a person says holds
        (20, {"close_mosaic": 50}, 0),
        (20, {"close_mosaic": 0}, 20),
    ],
)
def test_mosaics_close_in_time_but_not_before_they_helped(epochs, given, first_without):
    args = resolve_arguments(given, "train", "detect")
    assert mosaic_epochs(args, chosen_arguments(args, "train"), epochs) == first_without
