"""The image encoder of the small promptable network that comes with the program."""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.sam_blocks import LayerNorm2d
from engine.nn.modules.tiny_vit import ConvBN, MBConv, PatchMerging


class SmallEncoder(nn.Module):
    """Convolutions down to a thirty-second of the size, and what they saw brought back to an eighth.

    The way back is that of feature pyramids (Lin et al. 2017): far context for what a click means, near detail for
    where its object ends.

    Attributes:
        img_size: Side of the square input in pixels.
        stride: Pixels to a cell of the embedding.
    """

    def __init__(self, img_size: int = 256, dims: tuple[int, ...] = (24, 40, 64, 96)) -> None:
        super().__init__()
        self.img_size, self.stride = img_size, 8
        out = 64
        self.stem = nn.Sequential(
            ConvBN(3, 16, 3, 2, 1), nn.GELU(), ConvBN(16, dims[0], 3, 2, 1), MBConv(dims[0], 2)
        )
        self.down = nn.ModuleList(
            nn.Sequential(PatchMerging(a, b, 2), MBConv(b, 3), MBConv(b, 3))
            for a, b in itertools.pairwise(dims)
        )
        self.across = nn.ModuleList(nn.Conv2d(dim, out, 1) for dim in (dims[0] * 4, *dims[1:]))
        self.merge = nn.Sequential(ConvBN(out, out, 3, 1, 1, out), ConvBN(out, out), nn.GELU())
        self.norm = LayerNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, S, S), normalised, to (B, 64, S / 8, S / 8)."""
        x = self.stem(x)
        levels = [F.pixel_unshuffle(x, 2)]  # a quarter of the size, laid into the channels
        for stage in self.down:
            x = stage(x)
            levels.append(x)
        seen = [across(level) for across, level in zip(self.across, levels, strict=True)]
        size = seen[0].shape[-2:]
        wide = [F.interpolate(s, size, mode="bilinear") for s in seen[2:]]
        both = torch.stack((seen[0], seen[1], *wide)).sum(0)
        return self.norm(both + self.merge(both))
