"""The loss of a detector of oriented boxes: ProbIoU, classes, sides along the box, and the angle."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from engine.losses.boxes import (
    expected_distances,
)
from engine.losses.detection import DetectionLoss, Gains, Positives, Targets
from engine.losses.shares import of_all, share_of
from engine.ops.assign import RotatedAssigner
from engine.ops.rotated import dist2rbox, probiou, rbox2dist

_QUARTER = math.pi / 2
# How fast the angle's weight falls with the logarithm of a box's aspect ratio: 0.95 at 2 : 1, 0.55 at 10 : 1
ANGLE_REACH = 3.0
# Variance, in cells squared, by which boxes are blurred where ProbIoU is a loss: a box much thinner than a
# cell would have a gradient without bounds. A tenth of a cell; of boxes of a few cells it changes a hundredth.
BLUR = 0.01
# Views from above are full of vehicles of a cell or two: with four candidates they have a choice.
LEAST_CELLS = 2.0


class OBBGains(Gains, Protocol):
    """Weights of the parts of the loss; the training arguments have them."""

    angle: float


class OBBLoss(DetectionLoss):
    """Loss over raw head tensors and a batch of rotated boxes.

    The box part is 1 - ProbIoU (Llerena et al. 2021). It does not see how a square is turned, which has the
    covariance of a circle, and sees little of a nearly square box; for these ``angle_loss`` speaks.
    """

    names = ("box_loss", "cls_loss", "dfl_loss", "angle_loss")
    gains: OBBGains

    def __init__(
        self,
        nc: int,
        reg_max: int,
        strides: Sequence[float] | Tensor,
        gains: OBBGains,
        topk: int = 10,
        least_cells: float = LEAST_CELLS,
    ) -> None:
        """Prepare; see :class:`DetectionLoss`. The gains also have ``angle``."""
        super().__init__(nc, reg_max, strides, gains, topk, least_cells)
        self.assigner = RotatedAssigner(topk=topk)

    def __call__(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its parts; see :meth:`DetectionLoss.__call__`.

        Args:
            raw: Besides the detector's: ``angle`` (B, 1, A) radians; the sides count along the turned box.
            batch: As the detector's, with ``bboxes`` (T, 5): centre and size as fractions, angle in radians.
        """
        with torch.autocast(raw["scores"].device.type, enabled=False):
            (box, cls, side), positives = self._parts(raw, batch)
            angle = self.gains.angle * self._angle_part(raw, positives)
            items = torch.stack((box, cls, side, angle))
        scores = raw["scores"]
        return items.sum() * of_all(scores.shape[0], scores), items.detach()

    def _decoded(
        self, raw: Mapping[str, Any], sides: Tensor, points: Tensor, strides: Tensor
    ) -> Tensor:
        """Return the boxes that the head predicts, rotated, in pixels (B, 5, A)."""
        angle = raw["angle"].float()
        boxes = dist2rbox(expected_distances(sides), angle, points.T, dim=1) * strides.T
        return torch.cat((boxes, angle), 1)

    def _box_parts(
        self,
        raw: Mapping[str, Any],
        sides: Tensor,
        points: Tensor,
        strides: Tensor,
        positives: Positives,
    ) -> tuple[Tensor, Tensor]:
        """Return the sums over positive anchors of the ProbIoU loss and of the sides' loss."""
        found, targets, (height, width) = positives
        rows = sides.transpose(1, 2)[found.image, found.anchor]  # (P, 4 * reg_max)
        angle = _angles(raw, positives)
        at, stride = points[found.anchor], strides[found.anchor]
        truth = told_like(targets.boxes[found.target], angle.detach()[:, 0])
        truth = torch.cat((truth[:, :4] / stride, truth[:, 4:]), 1)
        boxes = torch.cat((dist2rbox(expected_distances(rows), angle, at), angle), 1)
        overlap = probiou(boxes, truth, blur=BLUR)[:, 0]
        # The distances along the object's sides are those of an upright box around an anchor at the origin.
        distances = rbox2dist(at, truth)
        corners = torch.cat((-distances[:, :2], distances[:, 2:]), 1)
        size = truth.new_tensor([width, height]) / stride
        side = self._side_loss(rows, torch.zeros_like(at), corners, size)
        return ((1 - overlap) * found.score).sum(), (side * found.score).sum()

    @staticmethod
    def _angle_part(raw: Mapping[str, Any], positives: Positives) -> Tensor:
        """Return the mean angle loss of the positive anchors, weighted by their scores."""
        found, targets, _ = positives
        truth = targets.boxes[found.target]
        away = angle_loss(_angles(raw, positives)[:, 0], truth)
        return (away * found.score).sum() / share_of(found.score.sum())

    @staticmethod
    def _targets(
        batch: Mapping[str, Tensor], size: tuple[float, float], device: torch.device
    ) -> Targets:
        """Bring the labels of a batch to the device and to pixels."""
        boxes = batch["bboxes"].to(device, torch.float32, non_blocking=True).view(-1, 5)
        scale = torch.tensor([size[1], size[0], size[1], size[0], 1], device=device)
        return Targets(
            batch["batch_idx"].to(device, torch.int64, non_blocking=True).view(-1),
            batch["cls"].to(device, torch.int64, non_blocking=True).view(-1),
            boxes * scale,
        )


def told_like(boxes: Tensor, angles: Tensor) -> Tensor:
    """Return the same rotated boxes (P, 5) told by the angles nearest to those given (P,), radians.

    A rectangle can be told in four ways, a quarter turn apart, and neither ProbIoU nor :func:`angle_loss`
    asks for one of them. Distances along the sides do: told in another way than the prediction took, they
    would pull against both, and an object whose angle fell to the wrong side at first would stay half learnt.
    """
    turns = ((angles - boxes[:, 4]) / _QUARTER).round()
    odd = turns.remainder(2) == 1
    sizes = torch.where(odd[:, None], boxes[:, [3, 2]], boxes[:, 2:4])
    return torch.cat((boxes[:, :2], sizes, (boxes[:, 4] + turns * _QUARTER)[:, None]), 1)


def angle_loss(angles: Tensor, truth: Tensor) -> Tensor:
    """Return how far angles are off, 0 where they fit and at most 1.

    A quarter turn more changes nothing: width and height are but names, and ProbIoU tells which is which.

    Args:
        angles: Predicted, radians (P,).
        truth: Rotated boxes (P, 5); the more one is drawn out, the less the angle's own loss counts.

    Returns:
        (P,): sin^2 of twice the difference, times exp of minus the squared (log aspect ratio / 3).
    """
    drawn_out = (truth[:, 2] / truth[:, 3]).log() / ANGLE_REACH
    return (2 * (angles - truth[:, 4])).sin().pow(2) * (-drawn_out.pow(2)).exp()


def _angles(raw: Mapping[str, Any], positives: Positives) -> Tensor:
    """Return the predicted angles of the positive anchors (P, 1)."""
    found = positives.assignment
    return raw["angle"].float().transpose(1, 2)[found.image, found.anchor]
