"""What becomes of clicks, boxes and rough masks in a promptable segmenter (Kirillov et al. 2023)."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from engine.nn.modules.sam_blocks import LayerNorm2d

# What a point means; the numbers are those of the published models
NOTHING, BACKGROUND, FOREGROUND, TOP_LEFT, BOTTOM_RIGHT = -1, 0, 1, 2, 3


class RandomPositions(nn.Module):
    """Positions as sines and cosines of random frequencies (Tancik et al. 2020)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, features))
        self.positional_encoding_gaussian_matrix: Tensor

    def forward(self, at: Tensor) -> Tensor:
        """(..., 2) x, y in 0..1 to (..., 2 * features)."""
        turns = (2 * at - 1) @ self.positional_encoding_gaussian_matrix * (2 * math.pi)
        return torch.cat((turns.sin(), turns.cos()), -1)


class PromptEncoder(nn.Module):
    """Turns prompts into vectors (sparse) and maps (dense).

    Attributes:
        dim: Channels of both.
        size: Side of the image embedding in cells.
        img_size: Side of the network's input in pixels.
    """

    def __init__(self, dim: int, size: int, img_size: int, mask_channels: int = 16) -> None:
        super().__init__()
        self.dim, self.size, self.img_size = dim, size, img_size
        self.pe_layer = RandomPositions(dim // 2)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.no_mask_embed = nn.Embedding(1, dim)
        few = mask_channels // 4
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, few, 2, 2),
            LayerNorm2d(few),
            nn.GELU(),
            nn.Conv2d(few, mask_channels, 2, 2),
            LayerNorm2d(mask_channels),
            nn.GELU(),
            nn.Conv2d(mask_channels, dim, 1),
        )

    def positions(self) -> Tensor:
        """Return the positions of the embedding's cells, (1, dim, size, size)."""
        weight = self.no_mask_embed.weight
        at = (torch.arange(self.size, device=weight.device, dtype=weight.dtype) + 0.5) / self.size
        grid = torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)  # (H, W, 2) x, y
        return self.pe_layer(grid).permute(2, 0, 1)[None]

    def sparse(self, points: Tensor, labels: Tensor) -> Tensor:
        """Return a vector a point, (B, N, dim).

        Args:
            points: (B, N, 2) x, y in pixels of the network's input.
            labels: (B, N) what each is: 1 inside, 0 outside, 2 and 3 the corners of a box, -1 nothing.
        """
        vectors = self.pe_layer((points + 0.5) / self.img_size)
        labels = labels[..., None]
        vectors = torch.where(labels == NOTHING, torch.zeros_like(vectors), vectors)
        vectors = vectors + self.not_a_point_embed.weight * (labels == NOTHING)
        for kind, embedding in enumerate(self.point_embeddings):
            weight = cast("nn.Embedding", embedding).weight
            vectors = vectors + weight * (labels == kind)
        return vectors

    def dense(self, masks: Tensor) -> Tensor:
        """Return rough masks (B, 1, 4 * size, 4 * size), logits, as maps (B, dim, size, size)."""
        return self.mask_downscaling(masks)

    def no_mask(self) -> Tensor:
        """Return the map that stands for no rough mask, (1, dim, 1, 1), the same for every cell."""
        return self.no_mask_embed.weight.view(1, -1, 1, 1)
