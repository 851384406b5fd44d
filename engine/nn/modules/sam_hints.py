"""What prompts say about each cell of a picture, as maps: a help for a small promptable network.

Published decoders learn from very many masks how a click spreads. A small one is told: how near a cell is to the
clicks, how alike to what was clicked, and where it lies in the box (after interactive segmentation with maps of
clicks: Xu et al., Deep Interactive Object Selection, 2016; Sofiiuk et al., Reviving Iterative Training with Mask
Guidance, 2021).
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.sam_blocks import LayerNorm2d
from engine.nn.modules.sam_prompts import BACKGROUND, BOTTOM_RIGHT, FOREGROUND, TOP_LEFT

_REACHES = (0.7, 2.0, 5.0)  # cells from a click at which its map has fallen to 60 %
_FAR = 4.0  # cells from a box's side beyond which all is alike
_AROUND = 0.3  # of a box, looked at around it
_DILATIONS = (1, 3)


class PromptMaps(nn.Module):
    """Maps of prompts, mixed with what the picture is like, to be added to its embedding.

    The last layer begins at nothing, so that a network that was trained without goes on from where it was.
    """

    def __init__(self, dim: int, heads: int = 8, width: int = 8) -> None:
        """Make the layers.

        Args:
            dim: Channels of the embedding.
            heads: Ways in which cells may be alike.
            width: Numbers that each of them compares.
        """
        super().__init__()
        self.heads = heads
        self.compare = nn.Conv2d(dim, heads * width, 1)
        told = 4 * heads + 2 * len(_REACHES) + 5
        self.begin = nn.Conv2d(dim + told, dim, 1)
        self.spread = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(dim, dim, 3, padding=d, dilation=d, groups=dim),
                LayerNorm2d(dim),
                nn.Conv2d(dim, dim, 1),
                nn.GELU(),
                nn.Conv2d(dim, dim, 1),
            )
            for d in _DILATIONS
        )
        self.end = nn.Conv2d(dim, dim, 1)
        nn.init.zeros_(self.end.weight)
        nn.init.zeros_(cast("Tensor", self.end.bias))

    def forward(self, embedding: Tensor, points: Tensor, labels: Tensor, side: int) -> Tensor:
        """Return what is added to the embedding, (B, dim, h, w).

        Args:
            embedding: Of one image, (1, dim, h, w), or one a prompt.
            points: (B, N, 2) in pixels of the network's input.
            labels: (B, N), see `PromptEncoder.sparse`.
            side: Of the network's input in pixels.
        """
        picture = embedding.expand(points.shape[0], -1, -1, -1)
        height, width = picture.shape[-2:]
        cells = points * (width / side)
        inside, box = _box_maps(cells, labels, height, width)
        alike = F.normalize(self.compare(embedding).unflatten(1, (self.heads, -1)), dim=2)
        maps = (
            *_clicked(alike, points / side * 2 - 1, labels),
            *_boxed(alike, inside),
            _near(cells, labels, height, width),
            box,
        )
        x = self.begin(torch.cat((picture, *maps), 1))
        for block in self.spread:
            x = x + block(x)
        return self.end(F.gelu(x))


def _places(height: int, width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the middles of the cells, x (1, w) and y (h, 1), in cells."""
    x = torch.arange(width, device=like.device, dtype=like.dtype) + 0.5
    y = torch.arange(height, device=like.device, dtype=like.dtype) + 0.5
    return x[None], y[:, None]


def _near(cells: Tensor, labels: Tensor, height: int, width: int) -> Tensor:
    """Return how near the clicks inside and those outside are, (B, 2 * reaches, h, w), 0..1."""
    x, y = _places(height, width, cells)
    square = (cells[..., 0, None, None] - x) ** 2 + (cells[..., 1, None, None] - y) ** 2
    maps = []
    for kind in (FOREGROUND, BACKGROUND):
        is_kind = (labels == kind)[..., None, None]
        for reach in _REACHES:
            maps.append((torch.exp(-square / (2 * reach**2)) * is_kind).amax(1))
    return torch.stack(maps, 1)


def _clicked(alike: Tensor, at: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return how alike cells are to what was clicked inside, and outside: twice (B, heads, h, w), -1..1.

    Args:
        alike: (1 or B, heads, d, h, w), of length 1 over d.
        at: (B, N, 2) the clicks, -1..1.
        labels: (B, N).
    """
    count, height, width = at.shape[0], alike.shape[-2], alike.shape[-1]
    maps = alike.expand(count, -1, -1, -1, -1)
    seen = F.grid_sample(
        maps.flatten(1, 2), at[:, :, None], padding_mode="border", align_corners=False
    )[..., 0]
    seen = F.normalize(seen.unflatten(1, (alike.shape[1], -1)), dim=2)  # (B, heads, d, N)
    like = seen.transpose(2, 3) @ maps.flatten(3)  # (B, heads, N, hw)
    found = []
    for kind in (FOREGROUND, BACKGROUND):
        is_kind = (labels == kind)[:, None, :, None]
        best = torch.where(is_kind, like, torch.full_like(like, -1.0)).amax(2)
        found.append(best.unflatten(2, (height, width)))
    return found[0], found[1]


def _boxed(alike: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return how alike cells are to what is in a box, and to what is around it: twice (B, heads, h, w).

    Args:
        alike: (1 or B, heads, d, h, w), of length 1 over d.
        weights: (B, 2, h, w) what is in the box and what is around it, nothing where there is none.
    """
    maps = alike.expand(weights.shape[0], -1, -1, -1, -1).flatten(3)
    means = maps @ weights.flatten(2).transpose(1, 2)[:, None]  # (B, heads, d, 2)
    means = F.normalize(means, dim=2)
    like = (means.transpose(2, 3) @ maps).unflatten(3, (alike.shape[-2], alike.shape[-1]))
    return like[:, :, 0], like[:, :, 1]


def _box_maps(cells: Tensor, labels: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Return the weights of what is in a box and around it (B, 2, h, w), and its shape as maps (B, 5, h, w)."""
    x, y = _places(height, width, cells)
    first, last = (
        (cells * (labels == kind)[..., None]).sum(1)[..., None, None]
        for kind in (TOP_LEFT, BOTTOM_RIGHT)
    )
    is_there = (labels == TOP_LEFT).any(1)[:, None, None].to(cells.dtype)
    spare = (last - first).amax(1) * _AROUND + 1
    sides = (x - first[:, 0], last[:, 0] - x, y - first[:, 1], last[:, 1] - y)
    depth = torch.stack([side.expand(-1, height, width) for side in sides], 1)
    inside = (depth.amin(1) + 0.5).clamp(0, 1) * is_there
    around = ((depth.amin(1) + spare + 0.5).clamp(0, 1) * is_there) - inside
    shape = depth.clamp(-_FAR, _FAR) / _FAR * is_there[:, None]
    return torch.stack((inside, around), 1), torch.cat((inside[:, None], shape), 1)
