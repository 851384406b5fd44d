"""TinyViT as the image encoder of MobileSAM: convolutions first, then attention in windows.

Wu et al., TinyViT: Fast Pretraining Distillation for Small Vision Transformers, 2022; Zhang et al., Faster
Segment Anything, 2023. State-dict names are those of the published weights, which bring along the head of
the classifier that the encoder was once trained as; nothing here uses it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.fuse import fuse_conv_and_bn
from engine.nn.modules.sam_blocks import from_windows, neck, to_windows

CLASSES = 1000  # of the classifier's head


class ConvBN(nn.Module):
    """A convolution without bias and its batch normalisation."""

    def __init__(self, c1: int, c2: int, k: int = 1, s: int = 1, p: int = 0, g: int = 1) -> None:
        super().__init__()
        self.c = nn.Conv2d(c1, c2, k, s, p, groups=g, bias=False)
        self.bn: nn.Module = nn.BatchNorm2d(c2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H / s, W / s)."""
        return self.bn(self.c(x))

    def fold(self) -> None:
        """Fold the normalisation into the convolution: for inference only."""
        if isinstance(self.bn, nn.BatchNorm2d):
            self.c, self.bn = fuse_conv_and_bn(self.c, self.bn), nn.Identity()


class PatchStem(nn.Module):
    """Two convolutions that make an image four times smaller."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(
            ConvBN(3, dim // 2, 3, 2, 1), nn.GELU(), ConvBN(dim // 2, dim, 3, 2, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, dim, H / 4, W / 4)."""
        return self.seq(x)


class MBConv(nn.Module):
    """Widen, look at the neighbours channel by channel, narrow, add to the input."""

    def __init__(self, dim: int, ratio: float = 4.0) -> None:
        super().__init__()
        hidden = int(dim * ratio)
        self.conv1 = ConvBN(dim, hidden)
        self.conv2 = ConvBN(hidden, hidden, 3, 1, 1, hidden)
        self.conv3 = ConvBN(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, dim, H, W) to the same shape."""
        inner = F.gelu(self.conv2(F.gelu(self.conv1(x))))
        return F.gelu(x + self.conv3(inner))


class PatchMerging(nn.Module):
    """Goes over to other channels, and to half the size where ``stride`` is 2."""

    def __init__(self, c1: int, c2: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvBN(c1, c2)
        self.conv2 = ConvBN(c2, c2, 3, stride, 1, c2)
        self.conv3 = ConvBN(c2, c2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H / stride, W / stride)."""
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class BiasedAttention(nn.Module):
    """Multi-head attention in a window, with a learnt number a head for each distance of two cells."""

    def __init__(self, dim: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
        distances, places = _distances(window)
        self.attention_biases = nn.Parameter(torch.zeros(heads, distances))
        self.register_buffer("places", places, persistent=False)
        self.places: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, C) to the same shape; N is the window's number of cells."""
        batch, cells, channels = x.shape
        qkv = self.qkv(self.norm(x)).view(batch, cells, self.heads, 3, -1)
        query, key, value = qkv.permute(3, 0, 2, 1, 4).unbind(0)
        bias = self.attention_biases[:, self.places]  # (heads, N, N)
        seen = F.scaled_dot_product_attention(query, key, value, bias[None])
        return self.proj(seen.transpose(1, 2).reshape(batch, cells, channels))


class Mlp(nn.Module):
    """Normalise, widen, narrow."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) to the same shape."""
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyViTBlock(nn.Module):
    """Attention in windows, a convolution between them, and two linear layers."""

    def __init__(self, dim: int, heads: int, window: int, ratio: float = 4.0) -> None:
        super().__init__()
        self.window = window
        self.attn = BiasedAttention(dim, heads, window)
        self.mlp = Mlp(dim, int(dim * ratio))
        self.local_conv = ConvBN(dim, dim, 3, 1, 1, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        last = x.permute(0, 2, 3, 1)
        shape = (x.shape[2], x.shape[3])
        windows, padded = to_windows(last, self.window)
        seen = self.attn(windows.flatten(1, 2))
        last = last + from_windows(seen, self.window, padded, shape)
        last = self.local_conv(last.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return (last + self.mlp(last)).permute(0, 3, 1, 2)


class Stage(nn.Module):
    """Blocks of one kind, and what leads to the next stage."""

    def __init__(self, blocks: Sequence[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the next stage's shape."""
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class TinyViT(nn.Module):
    """The encoder of MobileSAM.

    Attributes:
        img_size: Side of the square input in pixels.
        stride: Pixels to a cell of the embedding.
    """

    def __init__(
        self,
        img_size: int = 1024,
        dims: Sequence[int] = (64, 128, 160, 320),
        depths: Sequence[int] = (2, 2, 6, 2),
        heads: Sequence[int] = (2, 4, 5, 10),
        windows: Sequence[int] = (7, 7, 14, 7),
        strides: Sequence[int] = (2, 2, 1),
        out: int = 256,
    ) -> None:
        """Make the encoder.

        Args:
            img_size: Side of the square input in pixels.
            dims: Channels of each stage; the first one has convolutions only.
            depths: Blocks of each.
            heads: Heads of each; the first counts for nothing.
            windows: Side of each one's windows in cells; the first counts for nothing.
            strides: Between the stages: 2 halves the map.
            out: Channels of the embedding.
        """
        super().__init__()
        self.img_size, self.stride = img_size, 4
        for factor in strides:
            self.stride *= factor
        self.patch_embed = PatchStem(dims[0])
        stages = []
        for i, (dim, depth) in enumerate(zip(dims, depths, strict=True)):
            blocks = [
                TinyViTBlock(dim, heads[i], windows[i]) if i else MBConv(dim) for _ in range(depth)
            ]
            last = i == len(dims) - 1
            stages.append(
                Stage(blocks, None if last else PatchMerging(dim, dims[i + 1], strides[i]))
            )
        self.layers = nn.ModuleList(stages)
        self.norm_head = nn.LayerNorm(dims[-1])
        self.head = nn.Linear(dims[-1], CLASSES)
        self.neck = neck(dims[-1], out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, S, S), normalised, to (B, out, S / stride, S / stride)."""
        x = self.patch_embed(x)
        for stage in self.layers:
            x = stage(x)
        return self.neck(x)


def _distances(window: int) -> tuple[int, Tensor]:
    """Return how many distances two cells can have, and for each pair the number of its distance (N, N).

    They are numbered in the order in which the pairs, row by row, show them first.
    """
    points = list(itertools.product(range(window), range(window)))
    numbers: dict[tuple[int, int], int] = {}
    places = [
        numbers.setdefault((abs(a[0] - b[0]), abs(a[1] - b[1])), len(numbers))
        for a in points
        for b in points
    ]
    return len(numbers), torch.tensor(places).view(len(points), len(points))
