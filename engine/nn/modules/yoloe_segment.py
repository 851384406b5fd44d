"""Instance segmentation heads with an open vocabulary: as in ``segment.py``, with classes as in ``yoloe.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from engine.nn.modules.block import Proto
from engine.nn.modules.head import Final, Raw, answering, plain_branch
from engine.nn.modules.segment import Proto26
from engine.nn.modules.yoloe import YOLOEDetect


class YOLOESegment(YOLOEDetect):
    """Segmentation head with an open vocabulary.

    Attributes:
        nm: Number of prototypes, and of coefficients to a cell.
        npr: Channels inside the prototype branch.
    """

    branch_names: ClassVar[dict[str, str]] = {
        **YOLOEDetect.branch_names,
        "mask_coefficient": "cv5",
    }

    def __init__(
        self,
        nc: int = 80,
        nm: int = 32,
        npr: int = 256,
        embed: int = 512,
        with_bn: bool = True,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
        legacy: bool = False,
    ) -> None:
        super().__init__(nc, embed, with_bn, reg_max, end2end, ch, legacy)
        self.nm = nm
        self.npr = npr
        self.proto = self.make_proto(ch)
        hidden = max(ch[0] // 4, nm)
        self.cv5 = nn.ModuleList(plain_branch(c, hidden, nm) for c in ch)
        if end2end:
            self.add_one2one("cv5")

    def make_proto(self, ch: Sequence[int]) -> nn.Module:
        """Make the branch of the prototypes."""
        return Proto(ch[0], self.npr, self.nm)

    def shared(self, feats: Sequence[Tensor]) -> Raw:
        """Return the prototypes."""
        return {"proto": self.proto(feats[0])}

    def final(self, raw: Raw) -> Final:
        """Return the decoded tensor and the prototypes (B, nm, H / 4, W / 4)."""
        side = raw.get("one2one", raw) if self.end2end else answering(raw)
        return super().final(raw), side["proto"]

    def extras(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return the mask coefficients."""
        return (raw["mask_coefficient"],)


class YOLOESegment26(YOLOESegment):
    """The same on YOLO26, whose prototypes see all levels; it gives no class logits in training."""

    proto: Proto26

    def make_proto(self, ch: Sequence[int]) -> nn.Module:
        """Make the branch of the prototypes."""
        return Proto26(ch, self.npr, self.nm, self.nc)

    def shared(self, feats: Sequence[Tensor]) -> Raw:
        """Return the prototypes."""
        given = self.proto.levels(feats)
        return {"proto": given[0] if isinstance(given, tuple) else given}

    def fuse(self, embeddings: Tensor | None = None) -> None:
        """Take away the side that does not answer, and what only training needs."""
        super().fuse(embeddings)
        self.proto.fuse()
