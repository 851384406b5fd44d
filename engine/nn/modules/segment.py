"""Instance segmentation heads: detection with mask coefficients to each cell and prototypes to the image.

Raw tensors beside those of detection (YOLACT, Bolya et al. 2019):

- ``mask_coefficient`` (B, nm, A);
- ``proto`` (B, nm, H / 4, W / 4); in training of :class:`Segment26` a pair of it and class logits
  (B, nc, H / 8, W / 8), which teach the maps below what is where.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from engine.nn.modules.block import Proto
from engine.nn.modules.conv import Conv
from engine.nn.modules.head import Detect, Final, Raw, answering, plain_branch


class Segment(Detect):
    """Detection head that also gives mask coefficients to each cell and prototypes to the image.

    Attributes:
        nm: Number of prototypes, and of coefficients to a cell.
        npr: Channels inside the prototype branch.
    """

    branch_names: ClassVar[dict[str, str]] = {**Detect.branch_names, "mask_coefficient": "cv4"}

    def __init__(
        self,
        nc: int = 80,
        nm: int = 32,
        npr: int = 256,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
        legacy: bool = False,
    ) -> None:
        super().__init__(nc, reg_max, end2end, ch, legacy)
        self.nm = nm
        self.npr = npr
        self.proto = self.make_proto(ch)
        hidden = max(ch[0] // 4, nm)
        self.cv4 = nn.ModuleList(plain_branch(c, hidden, nm) for c in ch)
        if end2end:
            self.add_one2one("cv4")

    def make_proto(self, ch: Sequence[int]) -> nn.Module:
        """Make the branch of the prototypes."""
        return Proto(ch[0], self.npr, self.nm)

    def shared(self, feats: Sequence[Tensor]) -> Raw:
        """Return the prototypes."""
        return {"proto": self.proto(feats[0])}

    def final(self, raw: Raw) -> Final:
        """Return the decoded tensor and the prototypes (B, nm, H / 4, W / 4)."""
        side = raw["one2one"] if self.end2end else answering(raw)
        return super().final(raw), side["proto"]

    def extras(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return the mask coefficients."""
        return (raw["mask_coefficient"],)


class Proto26(Proto):
    """Prototypes from all levels: coarser maps are added to the finest before the prototype branch."""

    def __init__(self, ch: Sequence[int], hidden: int = 256, c2: int = 32, nc: int = 80) -> None:
        """Make the branch.

        Args:
            ch: Channels of the maps, the finest first.
            hidden: Channels inside.
            c2: Number of prototypes.
            nc: Number of classes.
        """
        super().__init__(hidden, hidden, c2)
        self.feat_refine = nn.ModuleList(Conv(c, ch[0]) for c in ch[1:])
        self.feat_fuse = Conv(ch[0], hidden, 3)
        self.semseg: nn.Module | None = nn.Sequential(
            Conv(ch[0], hidden, 3), Conv(hidden, hidden, 3), nn.Conv2d(hidden, nc, 1)
        )

    def levels(self, feats: Sequence[Tensor]) -> Tensor | tuple[Tensor, Tensor]:
        """[(B, C, H, W), coarser ...] to (B, c2, 2 H, 2 W); in training with class logits (B, nc, H, W)."""
        joined = feats[0]
        for refine, coarse in zip(self.feat_refine, feats[1:], strict=True):
            joined = joined + F.interpolate(refine(coarse), size=joined.shape[2:], mode="nearest")
        proto = self(self.feat_fuse(joined))
        if self.training and self.semseg is not None:
            return proto, self.semseg(joined)
        return proto

    def fuse(self) -> None:
        """Take away what only training needs."""
        self.semseg = None


class Segment26(Segment):
    """The segmentation head of YOLO26, whose prototypes see all levels."""

    proto: Proto26

    def make_proto(self, ch: Sequence[int]) -> nn.Module:
        """Make the branch of the prototypes."""
        return Proto26(ch, self.npr, self.nm, self.nc)

    def shared(self, feats: Sequence[Tensor]) -> Raw:
        """Return the prototypes, in training with the class logits."""
        return {"proto": self.proto.levels(feats)}

    def fuse(self) -> None:
        """Take away the side that does not answer, and what only training needs."""
        super().fuse()
        self.proto.fuse()
