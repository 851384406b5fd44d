"""The blocks of the backbone and the neck, and the two that turn head maps into boxes and masks.

Attribute names (``cv1``, ``m``, ...) are those under which published weights store their tensors.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from engine.nn.modules.attention import PSABlock
from engine.nn.modules.conv import Conv

# Channels to each head of an attention block inside a C3k2
HEAD_CHANNELS = 64


class Bottleneck(nn.Module):
    """Two convolutions with, where the channels allow it, the input added."""

    def __init__(
        self,
        c1: int,
        c2: int,
        shortcut: bool = True,
        g: int = 1,
        k: tuple[int, int] = (3, 3),
        e: float = 0.5,
    ) -> None:
        """Make the block.

        Args:
            c1: Channels in.
            c2: Channels out.
            shortcut: Add the input if ``c1 == c2``.
            g: Groups of the second convolution.
            k: The two kernel sizes.
            e: Channels between the two, as a part of ``c2``.
        """
        super().__init__()
        hidden = int(c2 * e)
        self.cv1 = Conv(c1, hidden, k[0])
        self.cv2 = Conv(hidden, c2, k[1], g=g)
        self.add = shortcut and c1 == c2

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H, W)."""
        y = self.cv2(self.cv1(x))
        return x + y if self.add else y


class C3(nn.Module):
    """Cross-stage partial block of three 1 x 1 convolutions around ``n`` bottlenecks."""

    kernels = (1, 3)

    def __init__(
        self, c1: int, c2: int, n: int = 1, shortcut: bool = True, g: int = 1, e: float = 0.5
    ) -> None:
        super().__init__()
        hidden = int(c2 * e)
        self.cv1 = Conv(c1, hidden)
        self.cv2 = Conv(c1, hidden)
        self.cv3 = Conv(2 * hidden, c2)
        self.m = nn.Sequential(
            *(Bottleneck(hidden, hidden, shortcut, g, self.kernels, e=1.0) for _ in range(n))
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H, W)."""
        return self.cv3(torch.cat((self.m(self.cv1(x)), self.cv2(x)), 1))


class C3k(C3):
    """A :class:`C3` whose bottlenecks have two 3 x 3 convolutions."""

    kernels = (3, 3)


class SplitBlock(nn.Module):
    """Cross-stage partial block that keeps what each of its inner blocks gives."""

    def __init__(
        self, c1: int, c2: int, n: int, e: float, make_inner: Callable[[int], nn.Module]
    ) -> None:
        """Make the block.

        Args:
            c1: Channels in.
            c2: Channels out.
            n: Number of inner blocks.
            e: Channels inside, as a part of ``c2``.
            make_inner: Makes an inner block from its channel count.
        """
        super().__init__()
        self.c = int(c2 * e)
        self.cv1 = Conv(c1, 2 * self.c)
        self.cv2 = Conv((2 + n) * self.c, c2)
        self.m = nn.ModuleList(make_inner(self.c) for _ in range(n))

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H, W)."""
        both = self.cv1(x)
        # the halves stay joined: cutting them only to join them again would cost a copy
        kept, last = [both], both[:, self.c :]
        for block in self.m:
            last = block(last)
            kept.append(last)
        return self.cv2(torch.cat(kept, 1))


class C2f(SplitBlock):
    """Cross-stage partial block around bottlenecks of two 3 x 3 convolutions."""

    def __init__(
        self, c1: int, c2: int, n: int = 1, shortcut: bool = False, g: int = 1, e: float = 0.5
    ) -> None:
        super().__init__(c1, c2, n, e, lambda c: Bottleneck(c, c, shortcut, g, e=1.0))


class C3k2(SplitBlock):
    """Cross-stage partial block around narrow bottlenecks, :class:`C3k`, or bottlenecks with attention."""

    def __init__(
        self,
        c1: int,
        c2: int,
        n: int = 1,
        c3k: bool = False,
        e: float = 0.5,
        attn: bool = False,
        g: int = 1,
        shortcut: bool = True,
    ) -> None:
        """Make the block.

        Args:
            c1: Channels in.
            c2: Channels out.
            n: Number of inner blocks.
            c3k: Take :class:`C3k` of two bottlenecks as the inner block.
            e: Channels inside, as a part of ``c2``.
            attn: Take a bottleneck and an attention block as the inner block, whatever ``c3k`` says.
            g: Groups of the inner convolutions.
            shortcut: Add the input inside the inner blocks.
        """

        def make_inner(c: int) -> nn.Module:
            if attn:
                attention = PSABlock(c, num_heads=max(c // HEAD_CHANNELS, 1))
                return nn.Sequential(Bottleneck(c, c, shortcut, g), attention)
            return C3k(c, c, 2, shortcut, g) if c3k else Bottleneck(c, c, shortcut, g)

        super().__init__(c1, c2, n, e, make_inner)


class SPPF(nn.Module):
    """Spatial pyramid pooling: max pools in a row; three of them see 5, 9 and 13 cells (for ``k=5``)."""

    def __init__(
        self,
        c1: int,
        c2: int,
        k: int = 5,
        n: int = 3,
        shortcut: bool = False,
        act: bool = True,
    ) -> None:
        """Make the block.

        Args:
            c1: Channels in.
            c2: Channels out.
            k: Side of a pool in cells.
            n: Number of pools.
            shortcut: Add the input if ``c1 == c2``.
            act: Let an activation follow the first convolution.
        """
        super().__init__()
        hidden = c1 // 2
        self.cv1 = Conv(c1, hidden, act=act)
        self.cv2 = Conv(hidden * (n + 1), c2)
        self.m = nn.MaxPool2d(kernel_size=k, stride=1, padding=k // 2)
        self.n = n
        self.add = shortcut and c1 == c2

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, H, W)."""
        pooled = [self.cv1(x)]
        for _ in range(self.n):
            pooled.append(self.m(pooled[-1]))
        y = self.cv2(torch.cat(pooled, 1))
        return x + y if self.add else y


class DFL(nn.Module):
    """The mean of a distribution over ``bins`` distances (distribution focal loss, Li et al. 2020)."""

    def __init__(self, bins: int = 16) -> None:
        super().__init__()
        self.c1 = bins
        self.conv = nn.Conv2d(bins, 1, 1, bias=False).requires_grad_(False)
        self.conv.weight.data = torch.arange(bins, dtype=torch.float).view(1, bins, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, 4 * bins, A) to distances (B, 4, A) in cells."""
        batch, _, anchors = x.shape
        probability = x.view(batch, 4, self.c1, anchors).softmax(2)
        return (probability * self.conv.weight.view(1, 1, self.c1, 1)).sum(2)


class Proto(nn.Module):
    """The mask prototypes of an image at twice the resolution of the map (YOLACT, Bolya et al. 2019)."""

    def __init__(self, c1: int, hidden: int = 256, c2: int = 32) -> None:
        super().__init__()
        self.cv1 = Conv(c1, hidden, 3)
        self.upsample = nn.ConvTranspose2d(hidden, hidden, 2, 2, 0, bias=True)
        self.cv2 = Conv(hidden, hidden, 3)
        self.cv3 = Conv(hidden, c2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, c1, H, W) to (B, c2, 2 H, 2 W)."""
        return self.cv3(self.cv2(self.upsample(self.cv1(x))))
