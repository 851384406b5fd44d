"""A small network from a part of a picture and what was clicked in it to masks.

A U-Net (Ronneberger et al. 2015) that takes clicks, a box and the mask before as maps beside the colours, as
interactive segmentation does (Xu et al., Deep Interactive Object Selection, 2016; Sofiiuk et al., Reviving Iterative
Training with Mask Guidance, 2021). Of three candidates one may be right where a click is ambiguous, and each says how
good it is, as in Kirillov et al. 2023.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.tiny_vit import ConvBN

CANDIDATES = 4  # one for clear prompts, three for ambiguous ones


class _Block(nn.Module):
    """Two convolutions beside a way straight through."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.first, self.second = ConvBN(dim, dim, 3, 1, 1), ConvBN(dim, dim, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(F.relu(self.first(x))))


class _Down(nn.Module):
    """Half the size, and a block there."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.shrink, self.block = ConvBN(c1, c2, 3, 2, 1), _Block(c2)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(F.relu(self.shrink(x)))


class _Up(nn.Module):
    """Twice the size, joined with what was seen there on the way down."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.narrow, self.across, self.join = (
            ConvBN(c1, c2),
            ConvBN(c2, c2),
            ConvBN(c2, c2, 3, 1, 1),
        )

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        large = F.interpolate(self.narrow(x), seen.shape[-2:], mode="bilinear", align_corners=False)
        return F.relu(self.join(F.relu(large + self.across(seen))))


class ClickNet(nn.Module):
    """Maps of a window to masks of it.

    Attributes:
        name: For logs.
        channels: Maps that it takes.
    """

    name = "sam_small"

    def __init__(self, channels: int, dims: tuple[int, ...] = (16, 32, 64, 80, 96)) -> None:
        """Make the layers.

        Args:
            channels: Maps that it takes.
            dims: Channels at the whole size, at half of it, and so on.
        """
        super().__init__()
        self.channels = channels
        self.stem = nn.Sequential(ConvBN(channels, dims[0], 3, 1, 1), nn.ReLU())
        self.down = nn.ModuleList(_Down(a, b) for a, b in itertools.pairwise(dims))
        last = dims[-1]
        self.around = nn.Sequential(nn.Linear(last, last), nn.ReLU(), nn.Linear(last, last))
        self.deep = _Block(last)
        self.up = nn.ModuleList(_Up(b, a) for a, b in reversed(list(itertools.pairwise(dims))))
        self.masks = nn.Conv2d(dims[0], CANDIDATES, 3, 1, 1)
        self.judge = nn.Sequential(
            nn.Linear(2 * dims[1] + last + 1 + CANDIDATES, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (B, 4, S, S) and what their IoU should be (B, 4), of maps (B, channels, S, S), S of 16's."""
        seen = [self.stem(x)]
        for stage in self.down:
            seen.append(stage(seen[-1]))
        deep = seen.pop()
        told = self.around(deep.mean((2, 3)))
        deep = self.deep(deep + told[..., None, None])
        x, half = deep, deep
        for stage in self.up:
            half, x = x, stage(x, seen.pop())
        logits = self.masks(x)
        return logits, self._scores(half, logits.detach(), deep.mean((2, 3)))

    def _scores(self, half: Tensor, logits: Tensor, deep: Tensor) -> Tensor:
        """Return (B, 4) from what is inside of each mask, what is along its outline, and the whole."""
        inside = F.avg_pool2d(logits, 2).sigmoid().flatten(2)  # (B, 4, N)
        outline = inside * (1 - inside)
        features = half.flatten(2).transpose(1, 2)  # (B, N, C)
        pooled = [
            (weight @ features) / (weight.sum(2, keepdim=True) + 1) for weight in (inside, outline)
        ]
        count = logits.shape[1]
        whole = deep[:, None].expand(-1, count, -1)
        which = torch.eye(count, device=deep.device, dtype=deep.dtype).expand(len(deep), -1, -1)
        told = torch.cat((*pooled, whole, inside.mean(2, keepdim=True), which), 2)
        return self.judge(told)[..., 0]

    def fold(self) -> None:
        """Fold the batch normalisations into their convolutions: faster, for inference only."""
        for module in self.modules():
            if isinstance(module, ConvBN):
                module.fold()
