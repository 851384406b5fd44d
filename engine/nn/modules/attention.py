"""Attention over the cells of a map, and the block that applies it to half of the channels."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.nn.modules.conv import Conv


class Attention(nn.Module):
    """Multi-head attention between all cells of a map, with a depth-wise convolution for position."""

    def __init__(self, dim: int, num_heads: int = 8, attn_ratio: float = 0.5) -> None:
        """Make the block.

        Args:
            dim: Channels in and out.
            num_heads: Heads; they share the channels evenly.
            attn_ratio: Channels of a query or key, as a part of those of a value.
        """
        super().__init__()
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        self.key_dim = int(self.head_dim * attn_ratio)
        self.scale = self.key_dim**-0.5
        self.qkv = Conv(dim, dim + 2 * self.key_dim * num_heads, act=False)
        self.proj = Conv(dim, dim, act=False)
        self.pe = Conv(dim, dim, 3, g=dim, act=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, dim, H, W) to the same shape."""
        batch, channels, height, width = x.shape
        qkv = self.qkv(x).reshape(batch, self.num_heads, -1, height * width)
        query, key, value = qkv.split((self.key_dim, self.key_dim, self.head_dim), 2)
        # (B, heads, N, N); written out because the fused kernels want queries as wide as values
        weight = ((query.transpose(-2, -1) @ key) * self.scale).softmax(-1)
        seen = (value @ weight.transpose(-2, -1)).reshape(batch, channels, height, width)
        return self.proj(seen + self.pe(value.reshape(batch, channels, height, width)))


class PSABlock(nn.Module):
    """Attention, then two 1 x 1 convolutions, each added to its input."""

    def __init__(self, c: int, attn_ratio: float = 0.5, num_heads: int = 4) -> None:
        super().__init__()
        self.attn = Attention(c, num_heads, attn_ratio)
        self.ffn = nn.Sequential(Conv(c, 2 * c), Conv(2 * c, c, act=False))

    def forward(self, x: Tensor) -> Tensor:
        """(B, c, H, W) to the same shape."""
        x = x + self.attn(x)
        return x + self.ffn(x)


class C2PSA(nn.Module):
    """Cross-stage partial block with ``n`` attention blocks on half of the channels."""

    def __init__(self, c1: int, c2: int, n: int = 1, e: float = 0.5) -> None:
        super().__init__()
        if c1 != c2:
            raise ValueError(f"expected as many channels out as in ({c1}), received {c2}")
        self.c = int(c1 * e)
        self.cv1 = Conv(c1, 2 * self.c)
        self.cv2 = Conv(2 * self.c, c1)
        self.m = nn.Sequential(
            *(PSABlock(self.c, num_heads=max(self.c // 64, 1)) for _ in range(n))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to the same shape."""
        plain, attended = self.cv1(x).split((self.c, self.c), 1)
        return self.cv2(torch.cat((plain, self.m(attended)), 1))
