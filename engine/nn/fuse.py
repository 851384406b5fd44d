"""Folding batch normalisation into the convolution before it, for inference and export."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, TypeVar

import torch
from torch import nn

from engine.nn.modules.conv import Conv

Model = TypeVar("Model", bound=nn.Module)


def fuse(model: Model) -> Model:
    """Fold every batch normalisation of a model in place; the outputs stay the same up to rounding.

    A head takes away what does not answer: the unused one of two branches, and what only training needs.

    Activations become in-place: a fused model is for inference, where no gradient needs their input.

    Returns:
        The same model, in eval mode.
    """
    model.eval()
    head: Any = getattr(model, "head", None)
    if hasattr(head, "fuse"):
        head.fuse()
    for module in model.modules():
        if isinstance(module, Conv) and module.bn is not None:
            module.conv = fuse_conv_and_bn(module.conv, module.bn)
            module.bn = None
            if isinstance(module.act, nn.SiLU):
                module.act.inplace = True
    return model


def is_fused(model: nn.Module) -> bool:
    """Tell whether no batch normalisation is left to fold."""
    return not any(isinstance(m, Conv) and m.bn is not None for m in model.modules())


@torch.no_grad()
def fuse_conv_and_bn(conv: nn.Conv2d, bn: nn.BatchNorm2d) -> nn.Conv2d:
    """Return one convolution that does what ``conv`` and then ``bn`` do in eval mode."""
    mean, variance = bn.running_mean, bn.running_var
    if mean is None or variance is None:
        raise ValueError("expected a batch normalisation that keeps statistics")
    fused = deepcopy(conv)
    scale = bn.weight / torch.sqrt(variance + bn.eps)  # (c2,)
    bias = torch.zeros_like(mean) if conv.bias is None else conv.bias
    trainable = conv.weight.requires_grad
    fused.weight = nn.Parameter(conv.weight * scale.view(-1, 1, 1, 1), trainable)
    fused.bias = nn.Parameter((bias - mean) * scale + bn.bias, trainable)
    return fused
