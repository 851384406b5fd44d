"""How large a model would be, found before memory is taken for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from engine.runtime.errors import ModelError

if TYPE_CHECKING:
    from engine.nn.build import Layer

# Parameters; the largest published models have 0.1 billion
LARGEST_MODEL = 500_000_000
# What the rough estimate lets through unmeasured, above that of every published model
_SURELY_SMALL = 400_000_000


def check_size(layers: Sequence[Layer]) -> None:
    """Refuse planned layers that together would have too many parameters, or none.

    A rough estimate lets every usual model pass; only others are made once without memory and counted.

    Raises:
        ModelError: They would; says from which layer on. Or one would give no channels at all.
    """
    for number, layer in enumerate(layers[:-1]):
        if layer.channels < 1:
            raise ModelError(
                f"layer {number}: gives {layer.channels} channels, expected at least 1."
            )
    if sum(map(_estimate, layers)) <= _SURELY_SMALL:
        return
    total = 0
    for number, layer in enumerate(layers):
        try:
            with torch.device("meta"):
                total += sum(p.numel() for p in layer.make().parameters())
        except (TypeError, ValueError, RuntimeError, OverflowError, ArithmeticError) as error:
            raise ModelError(f"layer {number}: cannot be built ({str(error)[:200]}).") from error
        if total > LARGEST_MODEL:
            raise ModelError(
                f"layer {number}: the model would have more than {LARGEST_MODEL:,} parameters by here.",
                remedy="Look for a number that is too large among the channels and repeats.",
            )


def _estimate(layer: Layer) -> float:
    """Return a number that the parameters of a layer hardly exceed."""
    numbers = [float(abs(n)) for n in _flat(layer.args)]
    if not layer.channels:  # a head: each of its numbers may be channels
        return sum(numbers) ** 2 * 16
    inside = max([1.0, *numbers[2:]])
    channels = numbers[0] * numbers[1] if len(numbers) > 1 else 1.0
    return channels * inside**2 * layer.repeats


def _flat(values: Any) -> list[float]:
    if isinstance(values, list | tuple):
        return [number for value in values for number in _flat(value)]
    is_number = isinstance(values, int | float) and not isinstance(values, bool)
    return [values] if is_number else []
