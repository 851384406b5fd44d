"""Which anchors learn which object: task-aligned assignment (TOOD, Feng et al. 2021)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.ops.iou import bbox_iou

_PAIRS_AT_ONCE = (
    8_000_000  # pairs of object and anchor in one piece: bounds the memory of crowded batches
)


class Assignment(NamedTuple):
    """The P pairs of an anchor and the object it shall predict; an anchor appears at most once.

    Attributes:
        image: Index of the image (P,).
        anchor: Index of the anchor (P,).
        target: Index of the object in the flat list (P,).
        score: How sure a good classifier would be, 0..1 (P,): the aligned metric scaled so that each
            object's best anchor gets the best IoU that any of its anchors has.
    """

    image: Tensor
    anchor: Tensor
    target: Tensor
    score: Tensor


class TaskAlignedAssigner:
    """Give each object the anchors that classify and localise it best together.

    Anchors whose centre lies in an object's box compete by score^alpha * IoU^beta; the best ``topk`` are
    taken, and an anchor wanted by several objects goes to the one it overlaps most. Objects come as one
    flat list over the batch, so nothing is padded and no image waits for another.
    """

    def __init__(
        self, topk: int = 10, alpha: float = 0.5, beta: float = 6.0, eps: float = 1e-9
    ) -> None:
        self.topk = topk
        self.alpha = alpha
        self.beta = beta
        self.eps = eps

    @torch.no_grad()
    def __call__(
        self,
        logits: Tensor,
        boxes: Tensor,
        points: Tensor,
        image: Tensor,
        labels: Tensor,
        targets: Tensor,
        min_side: float = 0.0,
    ) -> Assignment:
        """Assign.

        Args:
            logits: Class scores before the sigmoid (B, nc, A).
            boxes: Predicted corners (B, A, 4), pixels.
            points: Anchor centres (A, 2), pixels.
            image: Image of each object (T,), int64.
            labels: Class of each object (T,), int64.
            targets: Corners of each object (T, 4), pixels.
            min_side: Objects smaller than this compete as if they had this side, pixels. With the finest
                stride, each object has an anchor.
        """
        count = len(points)
        step = max(1, _PAIRS_AT_ONCE // max(count, 1))
        parts = [
            self._best_anchors(
                logits, boxes, points, image[i : i + step], labels[i : i + step],
                targets[i : i + step], min_side,
            )
            for i in range(0, max(len(targets), 1), step)
        ]  # fmt: skip
        target = torch.cat([part[0] + i * step for i, part in enumerate(parts)])
        anchor, metric, iou = (torch.cat([part[k] for part in parts]) for k in (1, 2, 3))
        keep = self._settle(image[target] * count + anchor, target, iou, len(boxes) * count)
        target, anchor, metric, iou = target[keep], anchor[keep], metric[keep], iou[keep]
        zeros = metric.new_zeros(len(targets))
        best_metric = zeros.scatter_reduce(0, target, metric, "amax")[target]
        best_iou = zeros.scatter_reduce(0, target, iou, "amax")[target]
        score = metric * best_iou / (best_metric + self.eps)
        return Assignment(image[target], anchor, target, score)

    def _best_anchors(
        self,
        logits: Tensor,
        boxes: Tensor,
        points: Tensor,
        image: Tensor,
        labels: Tensor,
        targets: Tensor,
        min_side: float,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return (object, anchor, metric, IoU) of each object's best anchors."""
        centre = (targets[:, :2] + targets[:, 2:]) / 2
        half = ((targets[:, 2:] - targets[:, :2]) / 2).clamp(min=min_side / 2)
        x, y = points.T.contiguous()
        inside = (x - centre[:, 0, None]).abs_() <= half[:, 0, None]  # (T, A)
        inside &= (y - centre[:, 1, None]).abs_() <= half[:, 1, None]
        target, anchor = inside.nonzero(as_tuple=True)
        overlap = bbox_iou(boxes[image[target], anchor], targets[target], xywh=False, kind="ciou")
        overlap.clamp_(0)
        score = logits[image[target], labels[target], anchor].float().sigmoid()
        dense = score.new_full(inside.shape, -1.0)
        dense[target, anchor] = score.pow_(self.alpha) * overlap.pow(self.beta)
        metric, anchor = dense.topk(min(self.topk, dense.shape[1]), dim=1)
        taken = metric >= 0
        target = taken.nonzero(as_tuple=True)[0]
        anchor, metric = anchor[taken], metric[taken]
        iou = bbox_iou(boxes[image[target], anchor], targets[target], xywh=False, kind="ciou")
        return target, anchor, metric, iou.clamp_(0)

    @staticmethod
    def _settle(place: Tensor, target: Tensor, iou: Tensor, places: int) -> Tensor:
        """Return which pairs stay when each place may have one: the highest IoU, then the first object."""
        best = iou.new_full((places,), -1.0).scatter_reduce(0, place, iou, "amax")
        wins = iou >= best[place]
        first = torch.full((places,), 2**62, device=place.device, dtype=torch.int64)
        first = first.scatter_reduce(0, place[wins], target[wins], "amin")
        return (wins & (first[place] == target)).nonzero().squeeze(1)
