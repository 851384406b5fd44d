"""The loss of a pose model: that of a detector and the keypoints of its positive anchors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from engine.losses.detection import DetectionLoss, Gains, Positives, Targets
from engine.losses.keypoints import likelihood_loss, similarity_loss, visibility_loss
from engine.losses.shares import of_all
from engine.ops.assign import KeypointAssigner

# Offsets (K, 2, P) and the cells' centres (2, P) to positions in cells, as the head does
Place = Callable[[Tensor, Tensor], Tensor]


class PoseGains(Gains, Protocol):
    """Weights of the parts of the loss; the training arguments have them."""

    pose: float
    kobj: float
    rle: float


class PoseLoss(DetectionLoss):
    """Loss over raw head tensors and a batch of labels with keypoints.

    ``kobj_loss`` belongs to heads that say whether a point is seen (three values a point); without it is 0.
    """

    names: tuple[str, ...] = ("box_loss", "pose_loss", "kobj_loss", "cls_loss", "dfl_loss")

    def __init__(
        self,
        nc: int,
        reg_max: int,
        strides: Sequence[float] | Tensor,
        gains: PoseGains,
        kpt_shape: tuple[int, int],
        place: Place,
        topk: int = 10,
        least_cells: float = 1.0,
    ) -> None:
        """Prepare; see :class:`DetectionLoss`.

        Args:
            nc: Number of classes.
            reg_max: Bins of each side's distribution.
            strides: Input pixels to a cell, one a level.
            gains: Weights.
            kpt_shape: (K, D), number of keypoints and of values to each.
            place: The head's way from offsets to positions.
            topk: Most anchors of an object.
            least_cells: Cells of the finest level that an object competes with at least.
        """
        super().__init__(nc, reg_max, strides, gains, topk, least_cells)
        self.kpt_shape = kpt_shape
        self.place = place
        self.pose_gains = gains

    def __call__(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its parts; see :meth:`DetectionLoss.__call__`.

        Args:
            raw: Besides the detector's: ``kpts`` (B, K * D, A).
            batch: Besides the detector's: ``keypoints`` (T, K, 2 or 3) x, y as fractions and visibility;
                points of visibility 0 do not count, without a third value all do.
        """
        with torch.autocast(raw["kpts"].device.type, enabled=False):
            self._check(batch)
            (box, cls, side), positives = self._parts(raw, batch)
            pose, kobj, *more = self._keypoint_parts(raw, batch, positives)
            items = torch.stack((box, pose, kobj, cls, side, *more))
        return items.sum() * of_all(len(raw["kpts"]), items), items.detach()

    def _check(self, batch: Mapping[str, Tensor]) -> None:
        """Refuse labels of other keypoints than the head's."""
        count = batch["keypoints"].shape[1]
        if count != self.kpt_shape[0]:
            raise ValueError(f"expected {self.kpt_shape[0]} keypoints an object, received {count}")

    def _keypoint_parts(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor], positives: Positives
    ) -> tuple[Tensor, ...]:
        """Return the weighted parts of the keypoints."""
        rows = self._rows(raw["kpts"], positives)  # (P, K, D)
        points, strides = self._anchor_points(raw["feats"])
        at = points[positives.assignment.anchor]
        placed = self.place(rows[..., :2].permute(1, 2, 0), at.T).permute(2, 0, 1)
        stride = strides[positives.assignment.anchor]
        truth, seen = self._truth(batch, positives, stride)
        corners = positives.targets.boxes[positives.assignment.target, :4] / stride
        area = (corners[:, 2:] - corners[:, :2]).prod(1)
        pose = self.pose_gains.pose * similarity_loss(placed, truth, seen, area)
        kobj = rows.new_zeros(())
        if rows.shape[2] > 2:
            kobj = self.pose_gains.kobj * visibility_loss(rows[..., 2], seen)
        return pose, kobj, *self._more_parts(raw, positives, placed - truth, seen)

    def _more_parts(
        self, raw: Mapping[str, Any], positives: Positives, error: Tensor, seen: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the weighted parts that a head adds; the error of the points is (P, K, 2), in cells."""
        return ()

    def _rows(self, tensor: Tensor, positives: Positives) -> Tensor:
        """Return what a raw tensor (B, K * V, A) says at the positive anchors (P, K, V)."""
        found = positives.assignment
        rows = tensor.transpose(1, 2)[found.image, found.anchor].float()
        return rows.view(len(rows), self.kpt_shape[0], tensor.shape[1] // self.kpt_shape[0])

    def _truth(
        self, batch: Mapping[str, Tensor], positives: Positives, stride: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return where the points of each positive anchor's object are (P, K, 2), in cells, and which are seen."""
        places, seen = _points_of(batch, positives.input_size, stride.device)
        mine = positives.assignment.target
        return places[mine] / stride[:, None], seen[mine]


class LikelihoodPoseLoss(PoseLoss):
    """The loss of YOLO26's pose head: also how likely the errors are, by the spread that it predicts.

    Anchors learn an object by how well they place its points, so its targets hold boxes and points; see
    :class:`engine.ops.assign.KeypointAssigner`.

    Validation runs without the spreads, which only training needs; ``rle_loss`` is 0 there.
    """

    names = (*PoseLoss.names, "rle_loss")

    def __init__(self, *args: Any, log_density: Callable[[Tensor], Tensor], **options: Any) -> None:
        """Prepare.

        Args:
            args: As :class:`PoseLoss` takes them.
            log_density: The head's flow: from errors (N, 2) in spreads to log densities (N,).
            options: As :class:`PoseLoss` takes them.
        """
        super().__init__(*args, **options)
        self.log_density = log_density
        self.assigner = KeypointAssigner(topk=self.assigner.topk)

    def _decoded(
        self, raw: Mapping[str, Any], sides: Tensor, points: Tensor, strides: Tensor
    ) -> Tensor:
        """Return the boxes and points that the head predicts, in pixels (B, 4 + 2 * K, A)."""
        offsets = raw["kpts"].float().unflatten(1, self.kpt_shape)[:, :, :2]
        placed = self.place(offsets, points.T) * strides.T
        return torch.cat((super()._decoded(raw, sides, points, strides), placed.flatten(1, 2)), 1)

    def _box_parts(
        self,
        raw: Mapping[str, Any],
        sides: Tensor,
        points: Tensor,
        strides: Tensor,
        positives: Positives,
    ) -> tuple[Tensor, Tensor]:
        """Return the parts of the boxes; the targets' points are none of theirs."""
        targets = positives.targets
        boxes = positives._replace(targets=targets._replace(boxes=targets.boxes[:, :4]))
        return super()._box_parts(raw, sides, points, strides, boxes)

    @staticmethod
    def _targets(
        batch: Mapping[str, Tensor], size: tuple[float, float], device: torch.device
    ) -> Targets:
        """Bring the labels of a batch to the device and to pixels, boxes and points (T, 4 + 3 * K)."""
        targets = DetectionLoss._targets(batch, size, device)  # noqa: SLF001 (the base's)
        places, seen = _points_of(batch, size, device)
        points = torch.cat((places, seen[..., None].to(places.dtype)), 2)
        return targets._replace(boxes=torch.cat((targets.boxes, points.flatten(1)), 1))

    def _more_parts(
        self, raw: Mapping[str, Any], positives: Positives, error: Tensor, seen: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the weighted likelihood part."""
        if "kpts_sigma" not in raw:
            return (error.new_zeros(()),)
        spreads = self._rows(raw["kpts_sigma"], positives)
        return (self.pose_gains.rle * likelihood_loss(error, spreads, seen, self.log_density),)


def _points_of(
    batch: Mapping[str, Tensor], size: tuple[float, float], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return where the labelled points are (T, K, 2), in pixels of (height, width), and which count (T, K)."""
    keypoints = batch["keypoints"].to(device, torch.float32, non_blocking=True)
    places = keypoints[..., :2] * keypoints.new_tensor([size[1], size[0]])
    if keypoints.shape[2] > 2:
        return places, keypoints[..., 2] > 0
    return places, torch.ones_like(keypoints[..., 0], dtype=torch.bool)
