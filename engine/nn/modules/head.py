"""The heads: from a pyramid of feature maps to boxes, class scores and mask coefficients.

In training a head returns the raw tensors that the losses take, a dictionary:

- ``boxes`` (B, 4 * reg_max, A): logits of the distances left, top, right, bottom, in cells;
- ``scores`` (B, nc, A): class logits;
- ``feats``: the maps it was given;
- ``mask_coefficient`` (B, nm, A) and ``proto`` (B, nm, H / 4, W / 4): segmentation only.

In eval mode it returns ``(final, raw)``: final is (B, 4 + nc [+ nm], A), boxes xywh in input pixels and
scores 0..1, together with the prototypes where there are some. A counts the cells of all levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from engine.nn.modules.block import DFL, Proto
from engine.nn.modules.conv import Conv, DWConv
from engine.ops.anchors import dist2bbox, make_anchors

# the tensors above under their names, and the list of feature maps
Raw = dict[str, Any]
# the decoded tensor, alone or with what belongs to the whole image
Final = Any

# How many objects an untrained head expects in an image of 640 x 640 pixels (focal loss prior)
PRIOR_OBJECTS = 5
PRIOR_IMGSZ = 640
# Shapes whose anchors are kept: validation with rectangles walks through a few dozen
CACHED_SHAPES = 64


class Detect(nn.Module):
    """Anchor-free detection head with one branch for boxes and one for classes.

    Attributes:
        nc: Number of classes.
        nl: Number of levels.
        reg_max: Bins of each box distance.
        no: Channels of the raw output to a cell.
        stride: (nl,) input pixels to a cell; zeros until the model has found them.
        dynamic: Compute the anchors inside the graph, for exports with free height and width.
    """

    def __init__(self, nc: int = 80, ch: Sequence[int] = (), reg_max: int = 16) -> None:
        """Make the head.

        Args:
            nc: Number of classes.
            ch: Channels of the maps it is given, one a level.
            reg_max: Bins of each box distance.
        """
        super().__init__()
        self.nc = nc
        self.nl = len(ch)
        self.reg_max = reg_max
        self.no = nc + 4 * reg_max
        self.stride = torch.zeros(self.nl)
        self.dynamic = False
        self._anchors: dict[tuple[object, ...], tuple[Tensor, Tensor]] = {}
        box, cls = max(16, ch[0] // 4, 4 * reg_max), max(ch[0], min(nc, 100))
        self.cv2 = nn.ModuleList(_plain_branch(c, box, 4 * reg_max) for c in ch)
        self.cv3 = nn.ModuleList(_depthwise_branch(c, cls, nc) for c in ch)
        self.dfl = DFL(reg_max) if reg_max > 1 else nn.Identity()

    def forward(self, feats: Sequence[Tensor]) -> Raw | tuple[Final, Raw]:
        """Return the raw tensors in training, ``(final, raw)`` otherwise."""
        raw = self.raw(feats)
        return raw if self.training else (self.decode(raw), raw)

    def raw(self, feats: Sequence[Tensor]) -> Raw:
        """Apply the branches; see the top of this file for the keys."""
        return {
            "boxes": _over_levels(self.cv2, feats),
            "scores": _over_levels(self.cv3, feats),
            "feats": list(feats),
        }

    def decode(self, raw: Raw) -> Final:
        """Turn raw tensors into (B, 4 + nc, A): xywh in input pixels, scores 0..1."""
        points, strides = self.anchors(raw["feats"])  # (2, A), (1, A)
        boxes = dist2bbox(self.dfl(raw["boxes"]), points[None], xywh=True, dim=1) * strides
        return torch.cat((boxes, raw["scores"].sigmoid(), *self.extras(raw)), 1)

    def extras(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return what a task adds to each cell after the scores, each (B, C, A)."""
        return ()

    def anchors(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return points (2, A) in cells and strides (1, A), kept for each set of map shapes."""
        if self.dynamic:
            return self._make_anchors(feats)
        like = feats[0]
        key = (like.dtype, like.device, *((int(f.shape[2]), int(f.shape[3])) for f in feats))
        if key not in self._anchors:
            if len(self._anchors) >= CACHED_SHAPES:
                self._anchors.clear()
            # tensors made under inference_mode could not be used by a later forward with gradients
            with torch.inference_mode(False), torch.no_grad():
                self._anchors[key] = self._make_anchors(feats)
        return self._anchors[key]

    def set_stride(self, stride: Tensor) -> None:
        """Take the strides (nl,) and forget what was computed with others."""
        self.stride = stride
        self._anchors.clear()

    def init_bias(self) -> None:
        """Start from the prior that objects are rare: ``PRIOR_OBJECTS`` an image, any class alike."""
        for box, cls, stride in zip(self.cv2, self.cv3, self.stride.tolist(), strict=True):
            _last_bias(box).fill_(1.0)
            cells = (PRIOR_IMGSZ / stride) ** 2
            _last_bias(cls).fill_(math.log(PRIOR_OBJECTS / self.nc / cells))

    def _make_anchors(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        points, strides = make_anchors(feats, self.stride.tolist())
        return points.T, strides.T

    def __getstate__(self) -> dict[str, object]:
        """Leave the kept anchors out of copies: they are quickly made again."""
        return {**self.__dict__, "_anchors": {}}


class Segment(Detect):
    """Detection head that also gives mask coefficients to each cell and prototypes to the image.

    Attributes:
        nm: Number of prototypes, and of coefficients to a cell.
        npr: Channels inside the prototype branch.
    """

    def __init__(
        self,
        nc: int = 80,
        nm: int = 32,
        npr: int = 256,
        ch: Sequence[int] = (),
        reg_max: int = 16,
    ) -> None:
        super().__init__(nc, ch, reg_max)
        self.nm = nm
        self.npr = npr
        self.proto = Proto(ch[0], npr, nm)
        hidden = max(ch[0] // 4, nm)
        self.cv4 = nn.ModuleList(_plain_branch(c, hidden, nm) for c in ch)

    def raw(self, feats: Sequence[Tensor]) -> Raw:
        """Apply the branches; see the top of this file for the keys."""
        return {
            **super().raw(feats),
            "mask_coefficient": _over_levels(self.cv4, feats),
            "proto": self.proto(feats[0]),
        }

    def decode(self, raw: Raw) -> Final:
        """Return (B, 4 + nc + nm, A) and the prototypes (B, nm, H / 4, W / 4)."""
        return super().decode(raw), raw["proto"]

    def extras(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return the mask coefficients."""
        return (raw["mask_coefficient"],)


def _plain_branch(c1: int, hidden: int, c2: int) -> nn.Sequential:
    return nn.Sequential(Conv(c1, hidden, 3), Conv(hidden, hidden, 3), nn.Conv2d(hidden, c2, 1))


def _depthwise_branch(c1: int, hidden: int, c2: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Sequential(DWConv(c1, c1, 3), Conv(c1, hidden)),
        nn.Sequential(DWConv(hidden, hidden, 3), Conv(hidden, hidden)),
        nn.Conv2d(hidden, c2, 1),
    )


def _last_bias(branch: Any) -> Tensor:
    return branch[-1].bias.data


def _over_levels(branches: nn.ModuleList, feats: Sequence[Tensor]) -> Tensor:
    """Apply a branch to each level and join the cells: (B, C, A)."""
    return torch.cat([branch(x).flatten(2) for branch, x in zip(branches, feats, strict=True)], 2)
