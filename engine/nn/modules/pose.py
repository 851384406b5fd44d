"""Pose heads: detection with keypoints to each cell.

Raw tensors beside those of detection, for K keypoints of D values (x, y and, for D = 3, visibility):

- ``kpts`` (B, K * D, A);
- ``kpts_sigma`` (B, K * 2, A), training of :class:`Pose26` only: how far off each coordinate may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from engine.nn.modules.conv import Conv
from engine.nn.modules.flow import RealNVP
from engine.nn.modules.head import ONE2ONE, Detect, Raw, over_levels, plain_branch

COCO_KEYPOINTS = (17, 3)


class Pose(Detect):
    """Detection head that also places keypoints.

    Attributes:
        kpt_shape: (K, D), the number of keypoints and of values to each.
        nk: Their product.
    """

    branch_names: ClassVar[dict[str, str]] = {**Detect.branch_names, "kpts": "cv4"}

    def __init__(
        self,
        nc: int = 80,
        kpt_shape: Sequence[int] = COCO_KEYPOINTS,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
        legacy: bool = False,
    ) -> None:
        super().__init__(nc, reg_max, end2end, ch, legacy)
        count, values = kpt_shape
        self.kpt_shape = (int(count), int(values))
        self.nk = self.kpt_shape[0] * self.kpt_shape[1]
        self.cv4 = self.make_branches(ch)
        if end2end:
            self.add_one2one("cv4")

    def make_branches(self, ch: Sequence[int]) -> nn.ModuleList:
        """Make the keypoint branches, one a level."""
        hidden = max(ch[0] // 4, self.nk)
        return nn.ModuleList(plain_branch(c, hidden, self.nk) for c in ch)

    def extras(self, raw: Raw) -> tuple[Tensor, ...]:
        """Return the keypoints (B, K * D, A): input pixels, visibilities 0..1."""
        kpts = raw["kpts"]
        points, strides = self.anchors(raw["feats"])  # (2, A), (1, A)
        kpts = kpts.view(kpts.shape[0], *self.kpt_shape, kpts.shape[2])
        xy = self.place(kpts[:, :, :2], points) * strides
        return (torch.cat((xy, kpts[:, :, 2:].sigmoid()), 2).flatten(1, 2),)

    def place(self, offsets: Tensor, points: Tensor) -> Tensor:
        """Turn offsets (..., K, 2, A) into positions in cells; ``points`` (2, A) are the cells' centres."""
        return offsets * 2 + (points - 0.5)


class Pose26(Pose):
    """The pose head of YOLO26: coordinates with a learned spread.

    The normalising flow gives training the shape of the error (residual log-likelihood estimation,
    Li et al. 2021); prediction does without both.

    Attributes:
        flow_model: The flow; None after fusing.
    """

    branch_names: ClassVar[dict[str, str]] = Detect.branch_names
    more_copied: ClassVar[tuple[str, ...]] = ("cv4", "cv4_kpts", "cv4_sigma")
    training_only: ClassVar[tuple[str, ...]] = (
        "cv4_sigma",
        ONE2ONE + "cv4_sigma",
        "flow_model",
    )

    def __init__(
        self,
        nc: int = 80,
        kpt_shape: Sequence[int] = COCO_KEYPOINTS,
        reg_max: int = 16,
        end2end: bool | None = False,
        ch: Sequence[int] = (),
        legacy: bool = False,
    ) -> None:
        super().__init__(nc, kpt_shape, reg_max, end2end, ch, legacy)
        self.flow_model = RealNVP()
        hidden = self._hidden(ch)
        self.cv4_kpts = nn.ModuleList(nn.Conv2d(hidden, self.nk, 1) for _ in ch)
        self.cv4_sigma = nn.ModuleList(nn.Conv2d(hidden, self.kpt_shape[0] * 2, 1) for _ in ch)
        if end2end:
            self.add_one2one("cv4_kpts", "cv4_sigma")

    def make_branches(self, ch: Sequence[int]) -> nn.ModuleList:
        """Make the branches of what keypoints and spreads are read from, one a level."""
        hidden = self._hidden(ch)
        return nn.ModuleList(nn.Sequential(Conv(c, hidden, 3), Conv(hidden, hidden, 3)) for c in ch)

    def side(self, feats: Sequence[Tensor], shared: Raw, one2one: bool = False) -> Raw:
        """Apply one side's branches."""
        prefix = ONE2ONE if one2one else ""
        branches: Any = getattr(self, prefix + "cv4")
        seen = [branch(x) for branch, x in zip(branches, feats, strict=True)]
        raw = super().side(feats, shared, one2one)
        raw["kpts"] = over_levels(getattr(self, prefix + "cv4_kpts"), seen)
        if self.training:
            raw["kpts_sigma"] = over_levels(getattr(self, prefix + "cv4_sigma"), seen)
        return raw

    def place(self, offsets: Tensor, points: Tensor) -> Tensor:
        """Turn offsets (..., K, 2, A) into positions in cells; ``points`` (2, A) are the cells' centres."""
        return offsets + points

    def _hidden(self, ch: Sequence[int]) -> int:
        return max(ch[0] // 4, self.kpt_shape[0] * (self.kpt_shape[1] + 2))
