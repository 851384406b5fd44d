"""Which anchors learn which object: task-aligned assignment (TOOD, Feng et al. 2021)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.ops.iou import bbox_iou
from engine.ops.keypoints import AREA_OF_BOX, paired_similarity
from engine.ops.rotated import probiou

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


class _Objects(NamedTuple):
    """The objects of a batch, one flat list: image (T,), label (T,), boxes (T, 4 corners or 5 rotated)."""

    image: Tensor
    label: Tensor
    boxes: Tensor

    def pick(self, which: Tensor | slice) -> _Objects:
        return _Objects(*(x[which] for x in self))


class _Pairs(NamedTuple):
    """Pairs of an object and an anchor with their aligned metric and overlap, (P,) each."""

    target: Tensor
    anchor: Tensor
    metric: Tensor
    iou: Tensor

    def pick(self, which: Tensor) -> _Pairs:
        return _Pairs(*(x[which] for x in self))

    @staticmethod
    def join(parts: list[_Pairs]) -> _Pairs:
        return _Pairs(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


class TaskAlignedAssigner:
    """Give each object the anchors that classify and localise it best together.

    Anchors whose centre lies in an object's box compete by score^alpha * IoU^beta; the best ``topk`` are
    taken, and an anchor wanted by several objects goes to the one it overlaps most. Objects come as one
    flat list over the batch, so nothing is padded and no image waits for another.

    One step is ours: an object that lost all its anchors to others (a bolt inside a ring, early on, when
    the best boxes around both are the ring's) chooses again among those left. Without it such an object
    may never be learnt, as its anchors learn the other object and so stay lost.
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
                stride, each object has a candidate.
        """
        objects = _Objects(image, labels, targets)
        predictions = (logits, boxes, points)
        free = torch.ones(boxes.shape[:2], dtype=torch.bool, device=boxes.device)
        pairs = self._settle(self._wishes(predictions, objects, min_side, None), image, free)
        lost = torch.bincount(pairs.target, minlength=len(targets)) == 0
        if lost.any():
            who = lost.nonzero().squeeze(1)
            again = self._wishes(predictions, objects.pick(who), min_side, free)
            again = self._settle(again._replace(target=who[again.target]), image, free)
            pairs = _Pairs.join([pairs, again])
            pairs = pairs.pick(pairs.target.argsort(stable=True))
        target, anchor, metric, iou = pairs
        zeros = metric.new_zeros(len(targets))
        best_metric = zeros.scatter_reduce(0, target, metric, "amax")[target]
        best_iou = zeros.scatter_reduce(0, target, iou, "amax")[target]
        score = metric * best_iou / (best_metric + self.eps)
        return Assignment(image[target], anchor, target, score)

    def _wishes(
        self,
        predictions: tuple[Tensor, Tensor, Tensor],
        objects: _Objects,
        min_side: float,
        free: Tensor | None,
    ) -> _Pairs:
        """Return each object's best anchors, by object; only those ``free`` (B, A) where given."""
        step = max(1, _PAIRS_AT_ONCE // max(len(predictions[2]), 1))
        parts = []
        for start in range(0, max(len(objects.image), 1), step):
            some = self._best_anchors(
                predictions, objects.pick(slice(start, start + step)), min_side, free
            )
            parts.append(some._replace(target=some.target + start))
        return _Pairs.join(parts)

    def _best_anchors(
        self,
        predictions: tuple[Tensor, Tensor, Tensor],
        objects: _Objects,
        min_side: float,
        free: Tensor | None,
    ) -> _Pairs:
        """Return the best anchors of some objects; the largest arrays here are (T, A)."""
        logits, boxes, points = predictions
        image, labels, targets = objects
        inside = self._inside(points, targets, min_side)  # (T, A)
        if free is not None:
            inside &= free[image]
        target, anchor = inside.nonzero(as_tuple=True)
        overlap = self._overlap(boxes[image[target], anchor], targets[target])

        score = logits[image[target], labels[target], anchor].float().sigmoid()
        dense = score.new_full(inside.shape, -1.0)
        dense[target, anchor] = score.pow_(self.alpha) * overlap.pow(self.beta)
        metric, anchor = dense.topk(min(self.topk, dense.shape[1]), dim=1)
        taken = metric >= 0
        target = taken.nonzero(as_tuple=True)[0]
        anchor, metric = anchor[taken], metric[taken]
        iou = self._overlap(boxes[image[target], anchor], targets[target])
        return _Pairs(target, anchor, metric, iou)

    @staticmethod
    def _inside(points: Tensor, targets: Tensor, min_side: float) -> Tensor:
        """Return which points (A, 2) lie in which objects (T, 4), each of at least ``min_side``, (T, A)."""
        centre = (targets[:, :2] + targets[:, 2:]) / 2
        half = ((targets[:, 2:] - targets[:, :2]) / 2).clamp(min=min_side / 2)
        x, y = points.T.contiguous()
        inside = (x - centre[:, 0, None]).abs_() <= half[:, 0, None]
        inside &= (y - centre[:, 1, None]).abs_() <= half[:, 1, None]
        return inside

    @staticmethod
    def _overlap(boxes: Tensor, targets: Tensor) -> Tensor:
        """Return the overlap of pairs of boxes (P, 4), 0..1 (P,)."""
        return bbox_iou(boxes, targets, xywh=False)

    @staticmethod
    def _settle(pairs: _Pairs, image: Tensor, free: Tensor) -> _Pairs:
        """Return the pairs that stay and mark their anchors as no longer ``free``.

        An anchor goes to the object it overlaps most, of equal ones to the first.
        """
        places = free.numel()
        place = image[pairs.target] * free.shape[1] + pairs.anchor
        best = pairs.iou.new_full((places,), -1.0).scatter_reduce(0, place, pairs.iou, "amax")
        wins = pairs.iou >= best[place]
        first = torch.full((places,), 2**62, device=place.device, dtype=torch.int64)
        first = first.scatter_reduce(0, place[wins], pairs.target[wins], "amin")
        keep = (wins & (first[place] == pairs.target)).nonzero().squeeze(1)
        free.view(-1)[place[keep]] = False
        return pairs.pick(keep)


class RotatedAssigner(TaskAlignedAssigner):
    """The same for rotated boxes (..., 5): anchors compete inside the turned rectangle, and by ProbIoU."""

    @staticmethod
    def _inside(points: Tensor, targets: Tensor, min_side: float) -> Tensor:
        """Return which points (A, 2) lie in which objects (T, 5), each of at least ``min_side``, (T, A)."""
        cos, sin = targets[:, 4:].cos(), targets[:, 4:].sin()
        half = (targets[:, 2:4] / 2).clamp(min=min_side / 2)
        x, y = points.T.contiguous()
        x, y = x - targets[:, :1], y - targets[:, 1:2]
        inside = (x * cos + y * sin).abs_() <= half[:, :1]
        inside &= (y * cos - x * sin).abs_() <= half[:, 1:]
        return inside

    @staticmethod
    def _overlap(boxes: Tensor, targets: Tensor) -> Tensor:
        """Return the ProbIoU of pairs of rotated boxes (P, 5), 0..1 (P,)."""
        return probiou(boxes, targets)[:, 0]


class KeypointAssigner(TaskAlignedAssigner):
    """The same for objects with keypoints: anchors compete by how well they place the points.

    A score then says how good the pose is, which is what poses are ranked by. Boxes bring their points:
    predictions (..., 4 + 2 * K) x and y, objects (..., 4 + 3 * K) x, y and visibility. Objects without a
    labelled point are assigned by their boxes.
    """

    @staticmethod
    def _inside(points: Tensor, targets: Tensor, min_side: float) -> Tensor:
        """Return which points (A, 2) lie in which boxes of objects, each of at least ``min_side``, (T, A)."""
        return TaskAlignedAssigner._inside(points, targets[:, :4], min_side)  # noqa: SLF001 (the base's)

    @staticmethod
    def _overlap(boxes: Tensor, targets: Tensor) -> Tensor:
        """Return the similarity of pairs of poses, 0..1 (P,)."""
        truth = targets[:, 4:].unflatten(1, (-1, 3))
        found = boxes[:, 4:].unflatten(1, (-1, 2))
        area = AREA_OF_BOX * (targets[:, 2:4] - targets[:, :2]).prod(1)
        alike = paired_similarity(truth, found, area)
        blank = (truth[..., 2] <= 0).all(1)
        return torch.where(blank, bbox_iou(boxes[:, :4], targets[:, :4], xywh=False), alike)
