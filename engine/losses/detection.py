"""The loss of a detector: boxes (CIoU), classes (binary cross-entropy), sides.

The sides' loss is the distribution focal one where the head distributes them over bins, and the distance
where it gives plain numbers (``reg_max`` 1). Heads with a second, one-to-one branch: `end_to_end`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from engine.losses.boxes import (
    distribution_focal_loss,
    expected_distances,
    side_distance_loss,
)
from engine.losses.classes import class_targets, sparse_bce
from engine.losses.shares import of_all, share_of
from engine.ops.anchors import dist2bbox, make_anchors
from engine.ops.assign import Assignment, TaskAlignedAssigner
from engine.ops.boxes import xywh2xyxy
from engine.ops.iou import bbox_iou

# What the sides' part is called where they are distributed over bins, and where they are plain distances
SIDE_LOSS, SIDE_LOSS_OF_PLAIN = "dfl_loss", "l1_loss"


class Gains(Protocol):
    """Weights of the parts of the loss; the training arguments have them."""

    box: float
    cls: float
    dfl: float


class Targets(NamedTuple):
    """The objects of a batch, one flat list.

    Attributes:
        image: Image of each object (T,), int64.
        label: Class (T,), int64.
        boxes: Corners (T, 4) in input pixels, float32.
    """

    image: Tensor
    label: Tensor
    boxes: Tensor


class Positives(NamedTuple):
    """What a detector's loss worked out, for the losses of tasks that add to it.

    Attributes:
        assignment: Which anchor learns which object.
        targets: The objects.
        input_size: (height, width) of the network's input.
    """

    assignment: Assignment
    targets: Targets
    input_size: tuple[float, float]


class DetectionLoss:
    """Loss over raw head tensors and a batch of labels.

    Attributes:
        names: What the items are called.
    """

    names: tuple[str, ...] = ("box_loss", "cls_loss", "dfl_loss")

    def __init__(
        self,
        nc: int,
        reg_max: int,
        strides: Sequence[float] | Tensor,
        gains: Gains,
        topk: int = 10,
        least_cells: float = 1.0,
    ) -> None:
        """Prepare.

        Args:
            nc: Number of classes.
            reg_max: Bins of each side's distribution; with 1 the head gives the distances themselves, and
                the third part is ``l1_loss``.
            strides: Input pixels to a cell, one a level.
            gains: Object with ``box``, ``cls``, ``dfl`` and, if wanted, ``label_smoothing``.
            topk: Most anchors of an object.
            least_cells: Objects smaller than this many cells of the finest level compete for anchors as
                if they had this side; with 1 each object has a candidate.
        """
        if reg_max < 1:
            raise ValueError(f"expected 1 or more bins a side (reg_max), received {reg_max}")
        self.nc = nc
        self.reg_max = reg_max
        self.strides = [float(s) for s in strides]
        self.gains = gains
        self.assigner = TaskAlignedAssigner(topk=topk)
        self.min_side = least_cells * self.strides[0]
        if reg_max == 1:
            self.names = tuple(SIDE_LOSS_OF_PLAIN if n == SIDE_LOSS else n for n in self.names)
        self._anchors: tuple[tuple[Any, ...], Tensor, Tensor] | None = None

    def __call__(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its parts.

        Args:
            raw: ``boxes`` (B, 4 * reg_max, A), ``scores`` (B, nc, A) logits, ``feats`` one map a level.
            batch: ``batch_idx`` (T,), ``cls`` (T, 1), ``bboxes`` (T, 4) centre and size as fractions.

        Returns:
            The sum of the parts times the batch size, and the parts, weighted, detached, in the order of
            ``names``.
        """
        with torch.autocast(raw["scores"].device.type, enabled=False):
            items, _ = self._parts(raw, batch)
        scores = raw["scores"]
        return items.sum() * of_all(scores.shape[0], scores), items.detach()

    def _parts(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Positives]:
        """Return the weighted parts (3,), differentiable, and the positives behind them."""
        logits, sides = raw["scores"].float(), raw["boxes"].float()
        points, strides = self._anchor_points(raw["feats"])
        height, width = (side * self.strides[0] for side in raw["feats"][0].shape[2:])
        targets = self._targets(batch, (height, width), logits.device)
        with torch.no_grad():
            predicted = self._decoded(raw, sides, points, strides)
        found = self.assigner(
            logits.detach(), predicted.transpose(1, 2), points * strides,
            targets.image, targets.label, targets.boxes, min_side=self.min_side,
        )  # fmt: skip
        positives = Positives(found, targets, (height, width))
        total = share_of(found.score.sum())
        box, side = self._box_parts(raw, sides, points, strides, positives)
        places, values = class_targets(
            found.image, found.anchor, targets.label[found.target], found.score,
            (logits.shape[0], logits.shape[1], logits.shape[2]),
            getattr(self.gains, "label_smoothing", 0.0) or 0.0,
        )  # fmt: skip
        items = torch.stack(
            (
                self.gains.box * box / total,
                self.gains.cls * sparse_bce(logits, places, values) / total,
                self.gains.dfl * side / total,
            )
        )
        return items, positives

    def _decoded(
        self, raw: Mapping[str, Any], sides: Tensor, points: Tensor, strides: Tensor
    ) -> Tensor:
        """Return the boxes that the head predicts, corners in pixels (B, 4, A)."""
        return dist2bbox(expected_distances(sides), points.T, xywh=False, dim=1) * strides.T

    def _box_parts(
        self,
        raw: Mapping[str, Any],
        sides: Tensor,
        points: Tensor,
        strides: Tensor,
        positives: Positives,
    ) -> tuple[Tensor, Tensor]:
        """Return the sums over positive anchors of the CIoU loss and of the sides' loss."""
        found, targets, (height, width) = positives
        rows = sides.transpose(1, 2)[found.image, found.anchor]  # (P, 4 * reg_max)
        at, stride = points[found.anchor], strides[found.anchor]
        truth = targets.boxes[found.target] / stride
        boxes = dist2bbox(expected_distances(rows), at, xywh=False)
        overlap = bbox_iou(boxes, truth, xywh=False, kind="ciou")
        size = truth.new_tensor([width, height]) / stride
        side = self._side_loss(rows, at, truth, size)
        return ((1 - overlap) * found.score).sum(), (side * found.score).sum()

    def _side_loss(self, rows: Tensor, at: Tensor, corners: Tensor, size_wh: Tensor) -> Tensor:
        """Return (P,) how far the sides are from those of boxes, by what the head gives; all in cells.

        Args:
            rows: What the head gives (P, 4 * reg_max).
            at: Anchor points (P, 2).
            corners: Of the true boxes (P, 4).
            size_wh: Width and height of the input (P, 2).
        """
        if self.reg_max > 1:
            return distribution_focal_loss(rows, at, corners)
        return side_distance_loss(rows, at, corners, size_wh)

    def _anchor_points(self, feats: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the points (A, 2) in cells and strides (A, 1), kept while the sizes stay the same."""
        key = (*(tuple(f.shape[2:]) for f in feats), feats[0].device)
        if self._anchors is None or self._anchors[0] != key:
            # made under inference_mode, as in a validation, they could not serve a later training step
            with torch.inference_mode(False), torch.no_grad():
                maps = [torch.empty(1, 1, *f.shape[2:], device=f.device) for f in feats]
                self._anchors = (key, *make_anchors(maps, self.strides))
        return self._anchors[1:]

    @staticmethod
    def _targets(
        batch: Mapping[str, Tensor], size: tuple[float, float], device: torch.device
    ) -> Targets:
        """Bring the labels of a batch to the device and to pixels."""
        boxes = batch["bboxes"].to(device, torch.float32, non_blocking=True).view(-1, 4)
        scale = torch.tensor([size[1], size[0]] * 2, device=device)
        return Targets(
            batch["batch_idx"].to(device, torch.int64, non_blocking=True).view(-1),
            batch["cls"].to(device, torch.int64, non_blocking=True).view(-1),
            xywh2xyxy(boxes * scale),
        )
