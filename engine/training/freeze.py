"""Layers that a training leaves as they are."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from engine.runtime.errors import ConfigError
from engine.runtime.log import LOGGER

# The fixed integral of the distribution focal loss: weights 0..15 that mean bin numbers.
ALWAYS_FROZEN = (".dfl",)

_NORM = nn.modules.batchnorm._NormBase  # noqa: SLF001 (the only common base of the batch norms)


def frozen_layers(freeze: int | Sequence[int] | None, layers: int) -> tuple[int, ...]:
    """Turn the argument ``freeze`` (a count of first layers, or their numbers) into layer numbers.

    Raises:
        ConfigError: A number is not a layer of the model.
    """
    if freeze is None:
        return ()
    numbers = tuple(range(freeze)) if isinstance(freeze, int) else tuple(int(i) for i in freeze)
    wrong = [i for i in numbers if not 0 <= i < layers]
    if wrong:
        raise ConfigError(
            f"expected freeze to name layers 0 to {layers - 1}, received {wrong[0]}.", value=freeze
        )
    return numbers


def freeze_layers(
    model: nn.Module, numbers: Sequence[int], only: Sequence[str] | None = None
) -> list[str]:
    """Stop the gradients of the layers ``model.N``; give the prefixes of everything frozen.

    Args:
        model: The network.
        numbers: The layers.
        only: How the names of the parameters begin that learn; None for all of the other layers.
    """
    prefixes = [f"model.{i}." for i in numbers]
    if only is not None:
        prefixes += _beside(model, only)
    for name, parameter in model.named_parameters():
        fixed = any(part in name for part in ALWAYS_FROZEN)
        chosen = only is None or name.startswith(tuple(only))
        if fixed or not chosen or name.startswith(tuple(prefixes)):
            parameter.requires_grad_(False)
        elif not parameter.requires_grad and parameter.dtype.is_floating_point:
            LOGGER.info("%s was frozen in the model file; training it.", name)
            parameter.requires_grad_(True)
    return prefixes


def hold_statistics(model: nn.Module, prefixes: Sequence[str]) -> None:
    """Keep the batch statistics of frozen layers still while the rest is in train mode."""
    if not prefixes:
        return
    for name, module in model.named_modules():
        if f"{name}.".startswith(tuple(prefixes)) and isinstance(module, _NORM):
            module.eval()


def _beside(model: nn.Module, only: Sequence[str]) -> list[str]:
    """Name the modules without parts that are not among ``only``, nor part of them."""
    kept = tuple(only)
    return [
        f"{name}."
        for name, module in model.named_modules()
        if name and not any(module.children()) and not f"{name}.".startswith(kept)
    ]
