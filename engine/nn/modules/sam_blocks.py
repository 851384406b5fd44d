"""Small blocks that the promptable segmenters share, under the names of their published weights."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LayerNorm2d(nn.Module):
    """Layer normalisation over the channels of each cell of a map."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        shape = (self.weight.shape[0],)
        last = F.layer_norm(x.permute(0, 2, 3, 1), shape, self.weight, self.bias, self.eps)
        return last.permute(0, 3, 1, 2)


class MLPBlock(nn.Module):
    """Two linear layers with an activation between them."""

    def __init__(self, dim: int, hidden: int, act: type[nn.Module] = nn.GELU) -> None:
        super().__init__()
        self.lin1 = nn.Linear(dim, hidden)
        self.lin2 = nn.Linear(hidden, dim)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) to the same shape."""
        return self.lin2(self.act(self.lin1(x)))


class MLP(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, dim: int, hidden: int, out: int, depth: int) -> None:
        super().__init__()
        widths = [dim, *[hidden] * (depth - 1), out]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) to (..., out)."""
        *inner, last = self.layers
        for layer in inner:
            x = F.relu(layer(x))
        return last(x)


def neck(channels: int, out: int) -> nn.Sequential:
    """Make what brings an encoder's map to the channels of the prompts: 1 x 1, then 3 x 3, both normalised."""
    return nn.Sequential(
        nn.Conv2d(channels, out, 1, bias=False),
        LayerNorm2d(out),
        nn.Conv2d(out, out, 3, padding=1, bias=False),
        LayerNorm2d(out),
    )


def to_windows(x: Tensor, size: int) -> tuple[Tensor, tuple[int, int]]:
    """Cut maps (B, H, W, C) into windows (B * n, size, size, C), zeros added at the right and the bottom.

    Returns:
        The windows, and the (height, width) with what was added.
    """
    batch, height, width, channels = x.shape
    pad_h, pad_w = (size - height % size) % size, (size - width % size) % size
    if pad_h or pad_w:
        x = F.pad(x, (0, 0, 0, pad_w, 0, pad_h))
    padded = height + pad_h, width + pad_w
    x = x.view(batch, padded[0] // size, size, padded[1] // size, size, channels)
    return x.transpose(2, 3).reshape(-1, size, size, channels), padded


def from_windows(
    windows: Tensor, size: int, padded: tuple[int, int], shape: tuple[int, int]
) -> Tensor:
    """Put windows together again, the way back from :func:`to_windows`: (B, H, W, C)."""
    rows, columns = padded[0] // size, padded[1] // size
    x = windows.view(-1, rows, columns, size, size, windows.shape[-1]).transpose(2, 3)
    return x.reshape(x.shape[0], *padded, -1)[:, : shape[0], : shape[1]].contiguous()
