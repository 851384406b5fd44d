"""Convolution blocks: one convolution with its normalisation and activation, and the joining of maps.

Blocks made of several convolutions are in ``block.py`` and ``attention.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

BN_EPS = 1e-3
BN_MOMENTUM = 0.03


class Conv(nn.Module):
    """Convolution without bias, batch normalisation, activation.

    Attributes:
        conv: The convolution; after :func:`engine.nn.fuse.fuse` it has a bias.
        bn: The normalisation; None after fusing.
        act: The activation, ``nn.Identity`` where there is none.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        k: int = 1,
        s: int = 1,
        p: int | None = None,
        g: int = 1,
        d: int = 1,
        act: bool | nn.Module = True,
    ) -> None:
        """Make the block.

        Args:
            c1: Channels in.
            c2: Channels out.
            k: Kernel size.
            s: Stride.
            p: Padding; None keeps height and width at stride 1.
            g: Groups.
            d: Dilation.
            act: True for SiLU, False for none, or a module.
        """
        super().__init__()
        padding = same_padding(k, d) if p is None else p
        self.conv = nn.Conv2d(c1, c2, k, s, padding, groups=g, dilation=d, bias=False)
        self.bn: nn.BatchNorm2d | None = nn.BatchNorm2d(c2, eps=BN_EPS, momentum=BN_MOMENTUM)
        self.act = _activation(act)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H / s, W / s)."""
        x = self.conv(x)
        return self.act(x if self.bn is None else self.bn(x))


class DWConv(Conv):
    """Depth-wise convolution: as many groups as both channel counts share."""

    def __init__(
        self, c1: int, c2: int, k: int = 1, s: int = 1, d: int = 1, act: bool | nn.Module = True
    ) -> None:
        super().__init__(c1, c2, k, s, g=math.gcd(c1, c2), d=d, act=act)


class Concat(nn.Module):
    """Join maps of equal height and width along one dimension."""

    def __init__(self, dimension: int = 1) -> None:
        super().__init__()
        self.d = dimension

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """[(B, C1, H, W), (B, C2, H, W), ...] to (B, C1 + C2 + ..., H, W)."""
        return torch.cat(tuple(maps), self.d)


def same_padding(kernel: int, dilation: int = 1) -> int:
    """Return the padding with which an odd kernel keeps the size of a map at stride 1."""
    return dilation * (kernel - 1) // 2


def _activation(act: bool | nn.Module) -> nn.Module:
    if isinstance(act, nn.Module):
        return act
    return nn.SiLU() if act else nn.Identity()
