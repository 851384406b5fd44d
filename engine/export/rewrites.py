"""Rewrites of a fused model that give the same numbers with less work, for files that run on processors.

Runtimes for processors keep maps in blocks of channels. What cuts or joins maps elsewhere makes them lay everything out
anew, and so does a transposed convolution. Both are avoided here; outputs stay the same up to rounding.
"""

from __future__ import annotations

from copy import deepcopy
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.block import Proto, SplitBlock
from engine.nn.modules.conv import Conv


def rewrite(model: nn.Module) -> None:
    """Rewrite a fused model in place."""
    for parent in list(model.modules()):
        if isinstance(parent, Proto):
            phases = Phases(parent.upsample, parent.cv2, parent.cv3)
            _replace(parent, upsample=nn.Identity(), cv2=phases, cv3=nn.Identity())
        for name, child in list(parent.named_children()):
            if isinstance(child, SplitBlock):
                _replace(parent, **{name: _in_place_of(child, Halved(child))})


def _replace(parent: nn.Module, **modules: nn.Module) -> None:
    for name, module in modules.items():
        setattr(parent, name, module)


def _in_place_of(layer: nn.Module, other: nn.Module) -> nn.Module:
    """Return ``other`` with what the model knows of ``layer``: number, sources and type."""
    for name in ("i", "f", "type", "np"):
        if hasattr(layer, name):
            setattr(other, name, getattr(layer, name))
    return other


class Halved(nn.Module):
    """A :class:`SplitBlock` whose first convolution is two, one to each half: nothing is cut."""

    def __init__(self, block: SplitBlock) -> None:
        super().__init__()
        conv = block.cv1.conv
        self.kept = _part_of(conv, slice(None, block.c))
        self.taken = _part_of(conv, slice(block.c, None))
        self.act, self.m, self.cv2 = block.cv1.act, block.m, block.cv2

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H, W)."""
        maps = [self.act(self.kept(x)), self.act(self.taken(x))]
        for block in self.m:
            maps.append(block(maps[-1]))
        return self.cv2(torch.cat(maps, 1))


def _part_of(conv: nn.Conv2d, channels: slice) -> nn.Conv2d:
    """Return the convolution that gives some of the channels."""
    part = deepcopy(conv)
    for name, values in conv.named_parameters():
        setattr(part, name, nn.Parameter(values.detach()[channels].clone(), False))
    part.out_channels = len(part.weight)
    return part


class Phases(nn.Module):
    """A doubling transposed convolution, a 3 x 3 convolution and a pointwise one, all on the map before it is doubled.

    Every second pixel of the doubled map in both directions is a phase of it. A 3 x 3 window around a pixel of one phase
    lies on 2 x 2 pixels of the smaller map, the same ones for the whole phase. So both convolutions together are
    four of 2 x 2, a phase each (as sub-pixel convolution: Shi et al. 2016), with 0.4 of the multiplications,
    and the four results are woven together last, when they have fewest channels.

    The transposed convolution's bias is not there beyond the border, where the other one is padded with zeros.
    Hence it comes from a map of ones, padded like the input.

    Attributes:
        last: The pointwise convolution.
    """

    def __init__(self, upsample: nn.ConvTranspose2d, conv: Conv, last: nn.Module) -> None:
        """Make the module.

        Args:
            upsample: The transposed convolution, 2 x 2 with stride 2.
            conv: The 3 x 3 convolution with its activation.
            last: What follows, pointwise.
        """
        super().__init__()
        self.phases = nn.ModuleList(
            _Phase(upsample, conv.conv, row, column) for row, column in product((0, 1), (0, 1))
        )
        self.act, self.last = conv.act, last

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to (B, c2, 2 H, 2 W)."""
        ones = torch.ones_like(x[:, :1])
        phases = [self.last(self.act(phase(x, ones))) for phase in self.phases]
        return F.pixel_shuffle(torch.stack(phases, 2).flatten(1, 2), 2)


class _Phase(nn.Module):
    """One phase of the doubled map: pixels (2 i + row, 2 j + column)."""

    def __init__(
        self, upsample: nn.ConvTranspose2d, conv: nn.Conv2d, row: int, column: int
    ) -> None:
        super().__init__()
        self.padding = 1 - column, column, 1 - row, row  # left, right, top, bottom
        spread, gather = upsample.weight.data, conv.weight.data  # (C, M, 2, 2), (c2, M, 3, 3)
        weight = spread.new_zeros(len(gather), len(spread), 2, 2)
        constant = spread.new_zeros(len(gather), 1, 2, 2)
        for y, x in product(range(3), range(3)):
            below, in_row = divmod(row + y - 1, 2)
            right, in_column = divmod(column + x - 1, 2)
            place = ..., below + 1 - row, right + 1 - column
            weight[place] += gather[:, :, y, x] @ spread[:, :, in_row, in_column].T
            if upsample.bias is not None:
                constant[place] += (gather[:, :, y, x] @ upsample.bias.data)[:, None]
        self.weight, self.constant = nn.Parameter(weight, False), nn.Parameter(constant, False)
        self.bias = conv.bias

    def forward(self, x: Tensor, ones: Tensor) -> Tensor:
        """(B, C, H, W) and ones (B, 1, H, W) to (B, c2, H, W)."""
        constant = F.conv2d(F.pad(ones, self.padding), self.constant)
        return F.conv2d(F.pad(x, self.padding), self.weight, self.bias) + constant
