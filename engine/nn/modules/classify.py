"""The classification head: from a feature map to one class for the whole image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from engine.nn.modules.conv import Conv

HIDDEN = 1280


class Classify(nn.Module):
    """A 1 x 1 convolution, the mean over the map, one linear layer."""

    def __init__(self, c1: int, c2: int) -> None:
        """Make the head.

        Args:
            c1: Channels in.
            c2: Number of classes.
        """
        super().__init__()
        self.conv = Conv(c1, HIDDEN)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(p=0.0, inplace=True)
        self.linear = nn.Linear(HIDDEN, c2)

    @property
    def nc(self) -> int:
        """Number of classes."""
        return self.linear.out_features

    def forward(self, x: Tensor | Sequence[Tensor]) -> Tensor | tuple[Tensor, Tensor]:
        """(B, c1, H, W) to logits (B, nc) in training, otherwise to (probabilities, logits)."""
        joined = x if isinstance(x, Tensor) else torch.cat(tuple(x), 1)
        logits = self.linear(self.drop(self.pool(self.conv(joined)).flatten(1)))
        return logits if self.training else (logits.softmax(1), logits)
