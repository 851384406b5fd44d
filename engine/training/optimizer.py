"""Optimizers by name, over three parameter groups. What to choose when nobody chose lives in `auto`."""

from __future__ import annotations

import torch
from torch import nn
from torch.optim import Optimizer

from engine.runtime.errors import ConfigError

# The classes that take betas (the first is "momentum" here) instead of a momentum.
ADAM_FAMILY: dict[str, type[Optimizer]] = {
    "Adam": torch.optim.Adam,
    "Adamax": torch.optim.Adamax,
    "AdamW": torch.optim.AdamW,
    "NAdam": torch.optim.NAdam,
    "RAdam": torch.optim.RAdam,
}
MOMENTUM_FAMILY: dict[str, type[Optimizer]] = {
    "SGD": torch.optim.SGD,
    "RMSProp": torch.optim.RMSprop,
}
NAMES: tuple[str, ...] = (*ADAM_FAMILY, *MOMENTUM_FAMILY)

# One kernel for the whole step: on two cores 2 to 4 times quicker than the loop over parameters.
_FUSED = ("Adam", "AdamW", "SGD")
_FUSED_DEVICES = ("cpu", "cuda", "mps")

_NORMS = (
    nn.modules.batchnorm._NormBase,  # noqa: SLF001 (the only common base of the batch norms)
    nn.LayerNorm,
    nn.GroupNorm,
)


def split_parameters(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Sort the trainable parameters into ``weight`` (decayed), ``bn`` and ``bias`` (neither decayed)."""
    groups: dict[str, list[nn.Parameter]] = {"weight": [], "bn": [], "bias": []}
    seen: set[int] = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad or id(parameter) in seen:
                continue
            seen.add(id(parameter))
            kind = "bias" if "bias" in name else "bn" if isinstance(module, _NORMS) else "weight"
            groups[kind].append(parameter)
    return groups


def canonical_name(name: str) -> str:
    """Give the table's spelling of an optimizer's name, whatever its case.

    Raises:
        ConfigError: The name is not in the table.
    """
    for known in (*NAMES, "auto"):
        if known.lower() == str(name).lower():
            return known
    raise ConfigError(
        f"expected optimizer to be one of auto, {', '.join(NAMES)}, received {name!r}.",
        value=name,
        remedy="Choose one of these names.",
    )


def is_adam(name: str) -> bool:
    """Say whether the optimizer scales its steps itself, so that learning rates near 0.001 fit."""
    return name in ADAM_FAMILY


def build_optimizer(
    model: nn.Module, name: str, lr: float, momentum: float, decay: float
) -> Optimizer:
    """Make an optimizer over the model's trainable parameters.

    Args:
        model: The network, already on its device and frozen where it should be.
        name: One of `NAMES`, any case.
        lr: Base learning rate.
        momentum: Momentum, or the first beta of the Adam family.
        decay: Weight decay of the group ``weight``; the others get none.

    Raises:
        ConfigError: The name is unknown or nothing is left to train.
    """
    name = canonical_name(name)
    groups = split_parameters(model)
    if not any(groups.values()):
        raise ConfigError("no parameter is left to train.", remedy="Lower freeze=.")
    options: dict = {"lr": lr}
    if is_adam(name):
        options["betas"] = (momentum, 0.999)
    else:
        options["momentum"] = momentum
    if name == "SGD":
        options["nesterov"] = momentum > 0
    if name in _FUSED and _device_type(groups) in _FUSED_DEVICES:
        options["fused"] = True
    kind = (ADAM_FAMILY | MOMENTUM_FAMILY)[name]
    return kind(
        [
            {
                "params": parameters,
                "weight_decay": decay if group == "weight" else 0.0,
                "param_group": group,
            }
            for group, parameters in groups.items()
        ],
        **options,
    )


def load_optimizer_state(optimizer: Optimizer, state: dict) -> None:
    """Restore moments and step counts, keeping this machine's choice of kernels."""
    kernels = [{k: g.get(k) for k in ("fused", "foreach")} for g in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, kernel in zip(optimizer.param_groups, kernels, strict=True):
        group.update(kernel)


def set_momentum(group: dict, momentum: float) -> None:
    """Set the momentum of one parameter group, whatever the optimizer calls it."""
    if "betas" in group:
        group["betas"] = (momentum, group["betas"][1])
    elif "momentum" in group:
        group["momentum"] = momentum


def _device_type(groups: dict[str, list[nn.Parameter]]) -> str:
    return next(p.device.type for parameters in groups.values() for p in parameters)
