"""From a run's arguments to its optimizer plan and schedule."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine.cfg.arguments import Arguments
from engine.training.auto import OptimizerPlan, plan_given, plan_optimizer
from engine.training.optimizer import canonical_name, is_adam
from engine.training.schedule import Schedule

# With the default close_mosaic=10, a run of 12 epochs would hardly see a mosaic.
CLOSE_MOSAIC_SHARE = 4


def make_plan(
    args: Arguments,
    chosen: Collection[str],
    batches_per_epoch: int,
    epochs: int,
    batch_size: int,
    pretrained: bool,
) -> OptimizerPlan:
    """Plan the optimizer of a run.

    Args:
        args: The run's arguments.
        chosen: Names of the arguments that a person set away from their defaults.
        batches_per_epoch: Length of the training loader.
        epochs: Epochs of the run.
        batch_size: Images per batch.
        pretrained: Whether the run starts from trained weights.
    """
    batches = batches_per_epoch * epochs
    warmup = round(args.warmup_epochs * batches_per_epoch)
    gather = max(round(args.nbs / batch_size), 1)
    name = canonical_name(args.optimizer)
    if name != "auto":
        # Adam moves every bias by up to the rate a step. From random weights that finds the rarity of each class at
        # once (tiny nuclei, 30 epochs: mAP50 0.40 instead of 0.24); trained biases would be thrown away.
        gentle = is_adam(name) and pretrained and "warmup_bias_lr" not in chosen
        bias_lr = 0.0 if gentle else args.warmup_bias_lr
        return plan_given(name, args.lr0, args.momentum, bias_lr, batches, gather, warmup)
    plan = plan_optimizer(batches, batch_size, args.nbs, pretrained, warmup)
    own = {
        "lr0": {"lr": args.lr0},
        "momentum": {"momentum": args.momentum},
        "nbs": {"accumulate": gather},
        "warmup_epochs": {"warmup": warmup},
        "warmup_bias_lr": {"warmup_bias_lr": args.warmup_bias_lr},
    }
    for key, change in own.items():
        if key in chosen:
            plan = replace(plan, **change)
    return plan


def make_schedule(args: Arguments, plan: OptimizerPlan) -> Schedule:
    """Give the schedule that belongs to a plan."""
    return Schedule(
        lr=plan.lr,
        lrf=args.lrf,
        cosine=args.cos_lr,
        momentum=plan.momentum,
        warmup=plan.warmup,
        warmup_momentum=min(args.warmup_momentum, plan.momentum),
        warmup_bias_lr=plan.warmup_bias_lr,
        accumulate=plan.accumulate,
    )


def mosaic_epochs(args: Arguments, chosen: Collection[str], epochs: int) -> int:
    """Give the first 0-based epoch without mosaics."""
    closing = args.close_mosaic
    if "close_mosaic" not in chosen:
        closing = min(closing, epochs // CLOSE_MOSAIC_SHARE)
    return max(epochs - closing, 0) if closing else epochs
