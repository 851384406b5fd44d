"""Oriented box heads: detection with an angle to each cell.

Raw tensor beside those of detection: ``angle`` (B, 1, A), radians, from the x axis towards the y axis
(clockwise on screen) to the side that is called the width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from torch import Tensor, nn

from engine.nn.modules.head import Detect, Raw, plain_branch
from engine.ops.rotated import dist2rbox


class OBB(Detect):
    """Detection head for rotated boxes; angles between -45 and 135 degrees.

    The box distances count along the box's own sides, so the decoded boxes are centre, width and height of
    the rotated box.

    Attributes:
        ne: Values to each cell beside boxes and scores: the angle.
    """

    branch_names: ClassVar[dict[str, str]] = {**Detect.branch_names, "angle": "cv4"}

    def __init__(
        self,
        nc: int = 80,
        ne: int = 1,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
        legacy: bool = False,
    ) -> None:
        super().__init__(nc, reg_max, end2end, ch, legacy)
        self.ne = ne
        hidden = max(ch[0] // 4, ne)
        self.cv4 = nn.ModuleList(plain_branch(c, hidden, ne) for c in ch)
        if end2end:
            self.add_one2one("cv4")

    def side(self, feats: Sequence[Tensor], shared: Raw, one2one: bool = False) -> Raw:
        """Apply one side's branches."""
        raw = super().side(feats, shared, one2one)
        raw["angle"] = self.to_radians(raw["angle"])
        return raw

    def to_radians(self, output: Tensor) -> Tensor:
        """Turn what the branch gives into radians."""
        return (output.sigmoid() - 0.25) * math.pi

    def boxes(self, raw: Raw, xywh: bool) -> Tensor:
        """Return rotated boxes (B, 4, A): centre, width and height in input pixels, in either case."""
        points, strides = self.anchors(raw["feats"])
        return dist2rbox(self.dfl(raw["boxes"]), raw["angle"], points, dim=1) * strides

    def extras(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return the angles."""
        return (raw["angle"],)


class OBB26(OBB):
    """The oriented box head of YOLO26, which regresses the angle itself."""

    def to_radians(self, output: Tensor) -> Tensor:
        """Turn what the branch gives into radians."""
        return output
