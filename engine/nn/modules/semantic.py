"""Semantic segmentation heads: one class logit to each cell and class.

In eval mode they return logits (B, nc, h, w), in training a pair of them and of logits from a coarser map,
which teach the layers below directly (deep supervision).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.conv import Conv


class SemanticSegment(nn.Module):
    """Reads the classes from the finest of its maps, of an eighth of the image's size.

    Attributes:
        aux_head: The classes of the next coarser map.
    """

    def __init__(self, nc: int = 19, ch: Sequence[int] = ()) -> None:
        """Make the head.

        Args:
            nc: Number of classes.
            ch: Channels of the two maps it is given, the finer first.
        """
        super().__init__()
        self.nc = nc
        self.nl = len(ch)
        self.classifier = _reader(ch[0], ch[0], nc)
        self.aux_head = _reader(ch[1], ch[0], nc)

    def forward(self, feats: Sequence[Tensor]) -> Tensor | tuple[Tensor, Tensor]:
        """[(B, C, H / 8, W / 8), coarser] to logits (B, nc, H / 8, W / 8), in training with a pair."""
        logits = self.classifier(feats[0])
        if self.training:
            return logits, self.aux_head(feats[1])
        return logits


class SemanticFPN(nn.Module):
    """Joins all levels before it reads the classes, at a quarter of the image's size.

    After the semantic branch of Panoptic FPN (Kirillov et al. 2019): each level is brought to one width,
    coarser ones are enlarged and added to the finest, and the sum is refined at twice its resolution. It is
    this program's head of the YOLO11 neck.

    Attributes:
        aux_head: The classes of the second level.
    """

    def __init__(self, nc: int = 19, hidden: int = 256, ch: Sequence[int] = ()) -> None:
        """Make the head.

        Args:
            nc: Number of classes.
            hidden: Channels inside.
            ch: Channels of the maps it is given, the finest first.
        """
        super().__init__()
        self.nc = nc
        self.nl = len(ch)
        self.lateral = nn.ModuleList(Conv(c, hidden) for c in ch)
        self.join = Conv(hidden, hidden, 3)
        self.classifier = _reader(hidden, hidden, nc)
        self.aux_head = _reader(ch[1], hidden, nc)

    def forward(self, feats: Sequence[Tensor]) -> Tensor | tuple[Tensor, Tensor]:
        """[(B, C, H / 8, W / 8), coarser ...] to logits (B, nc, H / 4, W / 4), in training with a pair."""
        joined = self.lateral[0](feats[0])
        for lateral, coarse in zip(self.lateral[1:], feats[1:], strict=True):
            joined = joined + F.interpolate(lateral(coarse), size=joined.shape[2:], mode="nearest")
        finer = F.interpolate(
            self.join(joined), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        logits = self.classifier(finer)
        if self.training:
            return logits, self.aux_head(feats[1])
        return logits


def _reader(c1: int, hidden: int, nc: int) -> nn.Sequential:
    return nn.Sequential(Conv(c1, hidden, 3), nn.Conv2d(hidden, nc, 1))
