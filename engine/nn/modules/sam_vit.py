"""The image encoder of Segment Anything: a plain vision transformer with windows and relative positions.

Kirillov et al., Segment Anything, 2023; Li et al., Exploring Plain Vision Transformer Backbones for Object
Detection, 2022. State-dict names are those of the published weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.sam_blocks import MLPBlock, from_windows, neck, to_windows

# Above so many cells a head is attended to at a time: 4096 x 4096 numbers are 64 MiB
_MANY_CELLS = 1024


class PatchEmbed(nn.Module):
    """Turns patches of an image into vectors, channels last."""

    def __init__(self, patch: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) to (B, H / patch, W / patch, dim)."""
        return self.proj(x).permute(0, 2, 3, 1)


class WindowAttention(nn.Module):
    """Multi-head attention over a map whose positions differ by learnt amounts along each axis."""

    def __init__(self, dim: int, heads: int, size: int) -> None:
        """Make the block.

        Args:
            dim: Channels.
            heads: They share the channels evenly.
            size: Side of the square map in cells.
        """
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
        self.rel_pos_h = nn.Parameter(torch.zeros(2 * size - 1, dim // heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(2 * size - 1, dim // heads))

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to the same shape."""
        batch, height, width, channels = x.shape
        qkv = self.qkv(x).view(batch, height * width, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)  # (B, heads, N, d)
        alone = height * width > _MANY_CELLS and not torch.onnx.is_in_onnx_export()
        step = 1 if alone else self.heads
        seen = [
            F.scaled_dot_product_attention(
                query[:, i : i + step],
                key[:, i : i + step],
                value[:, i : i + step],
                self._positions(query[:, i : i + step], height, width),
            )
            for i in range(0, self.heads, step)
        ]
        joined = torch.cat(seen, 1).transpose(1, 2)
        return self.proj(joined.reshape(batch, height, width, channels))

    def _positions(self, query: Tensor, height: int, width: int) -> Tensor:
        """Return what the places add to the attention of queries (B, h, N, d): (B, h, N, N)."""
        batch, heads, cells, dim = query.shape
        maps = query.reshape(batch * heads, height, width, dim)
        rows = _relative(self.rel_pos_h, height)  # (H, H, d)
        columns = _relative(self.rel_pos_w, width)
        along_h = torch.einsum("bhwc,hkc->bhwk", maps, rows)
        along_w = torch.einsum("bhwc,wkc->bhwk", maps, columns)
        added = along_h[..., :, None] + along_w[..., None, :]
        return added.reshape(batch, heads, cells, cells)


class Block(nn.Module):
    """Attention, over windows or the whole map, and two linear layers, each added to its input."""

    def __init__(self, dim: int, heads: int, ratio: float, window: int, size: int) -> None:
        super().__init__()
        self.window = window
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = WindowAttention(dim, heads, window or size)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLPBlock(dim, int(dim * ratio))

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, W, C) to the same shape."""
        shape = (x.shape[1], x.shape[2])
        inner = self.norm1(x)
        if self.window:
            inner, padded = to_windows(inner, self.window)
            inner = from_windows(self.attn(inner), self.window, padded, shape)
        else:
            inner = self.attn(inner)
        x = x + inner
        return x + self.mlp(self.norm2(x))


class ImageEncoderViT(nn.Module):
    """ViT-B, L or H of Segment Anything.

    Attributes:
        img_size: Side of the square input in pixels.
        stride: Pixels to a cell of the embedding.
    """

    def __init__(
        self,
        img_size: int = 1024,
        patch: int = 16,
        dim: int = 768,
        depth: int = 12,
        heads: int = 12,
        global_blocks: Sequence[int] = (2, 5, 8, 11),
        window: int = 14,
        ratio: float = 4.0,
        out: int = 256,
    ) -> None:
        """Make the encoder.

        Args:
            img_size: Side of the square input in pixels.
            patch: Side of a patch in pixels.
            dim: Channels inside.
            depth: Number of blocks.
            heads: Heads of a block.
            global_blocks: Numbers of the blocks that attend to the whole map.
            window: Side of the other blocks' windows in cells.
            ratio: Width of a block's inner layer in ``dim``.
            out: Channels of the embedding.
        """
        super().__init__()
        self.img_size, self.stride = img_size, patch
        size = img_size // patch
        self.patch_embed = PatchEmbed(patch, dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, size, size, dim))
        self.blocks = nn.ModuleList(
            Block(dim, heads, ratio, 0 if i in global_blocks else window, size)
            for i in range(depth)
        )
        self.neck = neck(dim, out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, S, S), normalised, to (B, out, S / patch, S / patch)."""
        x = self.patch_embed(x) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))


def _relative(table: Tensor, size: int) -> Tensor:
    """Return for each pair of cells the row of a table of differences, (size, size, d)."""
    wanted = 2 * size - 1
    if table.shape[0] != wanted:
        table = F.interpolate(table.T[None], wanted, mode="linear")[0].T
    at = torch.arange(size, device=table.device)
    return table[at[:, None] - at[None, :] + size - 1]
