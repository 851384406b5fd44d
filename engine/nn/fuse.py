"""Folding batch normalisation into the convolution before it, for inference and export."""

from __future__ import annotations

import torch
from torch import nn

from engine.nn.modules.conv import Conv


def fuse(model: nn.Module) -> nn.Module:
    """Fold every batch normalisation of a model in place; the outputs stay the same up to rounding.

    Activations become in-place: a fused model is for inference, where no gradient needs their input.

    Returns:
        The same model, in eval mode.
    """
    model.eval()
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
    fused = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
        bias=True,
        device=conv.weight.device,
        dtype=conv.weight.dtype,
    )
    scale = bn.weight / torch.sqrt(bn.running_var + bn.eps)  # (c2,)
    bias = 0.0 if conv.bias is None else conv.bias
    fused.weight.copy_(conv.weight * scale.view(-1, 1, 1, 1))
    fused.bias.copy_((bias - bn.running_mean) * scale + bn.bias)
    return fused.requires_grad_(conv.weight.requires_grad)
