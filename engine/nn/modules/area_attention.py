"""Attention within areas of a map, and the block made of it (YOLO12, Tian et al. 2025)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.nn.modules.block import C3k
from engine.nn.modules.conv import Conv

HEAD_CHANNELS = 32
RESIDUAL_START = 0.01


class AAttn(nn.Module):
    """Multi-head attention among the cells of an area, with a depth-wise convolution for position.

    Attributes:
        area: Number of horizontal strips that a map is cut into; cells see those of their own.
    """

    def __init__(self, dim: int, num_heads: int, area: int = 1) -> None:
        """Make the block.

        Args:
            dim: Channels in and out.
            num_heads: Heads; they share the channels evenly.
            area: Number of areas; the number of cells must be a multiple of it.
        """
        super().__init__()
        self.area = area
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        inside = self.head_dim * num_heads
        self.qkv = Conv(dim, inside * 3, act=False)
        self.proj = Conv(inside, dim, act=False)
        self.pe = Conv(inside, dim, 7, g=dim, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, dim, H, W) to the same shape."""
        batch, _, height, width = x.shape
        cells = height * width // self.area
        # (B, heads, 3 * channels of a head, areas, cells) -> (B, areas, heads, channels, cells)
        qkv = self.qkv(x).view(batch, self.num_heads, -1, self.area, cells).permute(0, 3, 1, 2, 4)
        query, key, value = qkv.split((self.head_dim,) * 3, 3)
        weight = ((query.transpose(-2, -1) @ key) * self.head_dim**-0.5).softmax(-1)
        seen = self._map(value @ weight.transpose(-2, -1), height, width)
        return self.proj(seen + self.pe(self._map(value, height, width)))

    def _map(self, parts: Tensor, height: int, width: int) -> Tensor:
        """(B, areas, heads, channels, cells) to (B, C, H, W)."""
        joined = parts.permute(0, 2, 3, 1, 4)
        return joined.reshape(parts.shape[0], -1, height, width)


class ABlock(nn.Module):
    """Area attention, then two 1 x 1 convolutions, each added to its input."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float = 1.2, area: int = 1) -> None:
        super().__init__()
        hidden = int(dim * mlp_ratio)
        self.attn = AAttn(dim, num_heads, area)
        self.mlp = nn.Sequential(Conv(dim, hidden), Conv(hidden, dim, act=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, dim, H, W) to the same shape."""
        x = x + self.attn(x)
        return x + self.mlp(x)


class A2C2f(nn.Module):
    """Residual efficient layer aggregation around area attention, or around :class:`C3k`.

    Attributes:
        gamma: (c2,) weight of the block where the input is added to it; None where it is not.
    """

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        a2: bool = True,
        area: int = 1,
        residual: bool = False,
        mlp_ratio: float = 2.0,
        e: float = 0.5,
        g: int = 1,
        shortcut: bool = True,
    ) -> None:
        """Make the block.

        Args:
            c1: Channels in.
            c2: Channels out.
            n: Number of inner blocks.
            a2: Take two attention blocks as the inner block, otherwise a :class:`C3k`.
            area: Areas of the attention.
            residual: Add the input; needs ``a2`` and ``c1 == c2``.
            mlp_ratio: Channels inside the attention blocks' convolutions, as a part of theirs.
            e: Channels inside, as a part of ``c2``.
            g: Groups of the inner convolutions.
            shortcut: Add the input inside the inner blocks.
        """
        super().__init__()
        hidden = int(c2 * e)
        heads = hidden // HEAD_CHANNELS
        if a2 and hidden % HEAD_CHANNELS:
            raise ValueError(f"expected inner channels in multiples of {HEAD_CHANNELS}: {hidden}")
        self.cv1 = Conv(c1, hidden)
        self.cv2 = Conv((1 + n) * hidden, c2)
        start = torch.full((c2,), RESIDUAL_START)
        self.gamma = nn.Parameter(start) if a2 and residual else None
        self.m = nn.ModuleList(
            nn.Sequential(*(ABlock(hidden, heads, mlp_ratio, area) for _ in range(2)))
            if a2
            else C3k(hidden, hidden, 2, shortcut, g)
            for _ in range(n)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H, W)."""
        kept = [self.cv1(x)]
        for block in self.m:
            kept.append(block(kept[-1]))
        y = self.cv2(torch.cat(kept, 1))
        return y if self.gamma is None else x + self.gamma.view(1, -1, 1, 1) * y
