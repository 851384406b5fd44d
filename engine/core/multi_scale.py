"""Training images in changing sizes."""

from __future__ import annotations

import random

import torch
from torch import nn


def draw_size(imgsz: int, spread: float, stride: int, seed: str) -> int:
    """Give a side within ``spread`` (0..1) of ``imgsz``, a multiple of ``stride``, the same for a seed."""
    side = imgsz * random.Random(seed).uniform(1 - spread, 1 + spread)
    return max(round(side / stride) * stride, stride)


def resize_longer_side(images: torch.Tensor, side: int, stride: int) -> torch.Tensor:
    """Resize images (B, C, H, W) so that their longer side is ``side``, both multiples of ``stride``."""
    height, width = images.shape[-2:]
    longer = max(height, width)
    if side == longer:
        return images
    shape = [max(round(s * side / longer / stride), 1) * stride for s in (height, width)]
    return nn.functional.interpolate(images, shape, mode="bilinear")
