"""Validation of instance segmentation: the detection validator with masks.

Masks are compared in the frame of the network's input: labels rasterised from their polygons there, each
on its own (what overlaps stays with both), predictions enlarged to it as prediction does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.core.outputs import decoded
from engine.core.validation_record import FOUND_SCORE
from engine.metrics.matching import THRESHOLDS, Matches, match_objects
from engine.metrics.segmentation import SegmentationMetrics
from engine.models.yolo.detect.val import DetectionValidator, Predictions
from engine.ops.boxes import scale_coords
from engine.ops.iou import mask_iou
from engine.ops.masks import masks2segments, process_mask
from engine.ops.raster import polygons2masks

# Masks worked on at once: 64 of 640 x 640 are 26 MB.
CHUNK = 64


class SegmentationValidator(DetectionValidator):
    """Measures boxes, classes and masks.

    Examples:
        >>> validator = SegmentationValidator(args={"data": "data.yaml"})
        >>> validator(model="best.pt")["metrics/mAP50(M)"]
    """

    task = "segment"

    def new_metrics(self, names: dict[int, str]) -> Any:
        """Make empty box and mask measures."""
        return SegmentationMetrics(names)

    def postprocess(self, outputs: Any) -> list[Predictions]:
        """Select detections and give each image's prototypes to them as ``proto``."""
        protos = decoded(outputs)[1]
        predictions = super().postprocess(outputs)
        return [{**p, "proto": proto} for p, proto in zip(predictions, protos, strict=True)]

    def labels_of(self, batch: dict[str, Any], i: int) -> dict[str, Any]:
        """Give the labels of one image with their outlines in input pixels."""
        labels = super().labels_of(batch, i)
        labels["outlines"] = [np.asarray(s, dtype=np.float32) for s in batch["segments"][i]]
        return labels

    def match_more(self, found: Predictions, labels: dict[str, Any]) -> dict[str, Matches]:
        """Match masks."""
        height, width = labels["input_shape"]
        truth = torch.from_numpy(polygons2masks((height, width), labels["outlines"]))
        overlap = sparse_mask_iou(truth, labels["cls"], found, (height, width))
        return {"tp_m": match_objects(overlap, found["cls"], labels["cls"])}

    def drawable(
        self, predictions: list[Predictions], shape: tuple[int, int]
    ) -> dict[str, torch.Tensor]:
        """Add the masks to what is drawn."""
        masks = []
        for found in predictions:
            rows = torch.where(found["conf"] >= FOUND_SCORE)[0].cpu().numpy()
            masks.append(masks_of(found, rows, shape).cpu())
        return {**super().drawable(predictions, shape), "masks": torch.cat(masks)}

    def outlines(
        self, found: Predictions, labels: dict[str, Any], rows: np.ndarray
    ) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
        """Give the outlines of the labels and of some predictions in the original's pixels."""
        shape = labels["input_shape"]
        seen = []
        for part in np.array_split(rows, max(len(rows) // CHUNK, 1)):
            seen += masks2segments(masks_of(found, part, shape))

        def original(outlines: list[np.ndarray]) -> list[np.ndarray]:
            frame = labels["ori_shape"], labels["ratio_pad"]
            return [scale_coords(shape, outline, *frame) for outline in outlines]

        return original(labels["outlines"]), original(seen)


def masks_of(found: Predictions, rows: np.ndarray, shape: tuple[int, int]) -> torch.Tensor:
    """Give the masks of some predictions in the frame of the network's input, (n, H, W) uint8."""
    index = torch.as_tensor(rows, device=found["bboxes"].device)
    coefficients, boxes = found["extra"][index], found["bboxes"][index]
    return process_mask(found["proto"], coefficients, boxes, shape, upsample=True)


def sparse_mask_iou(
    truth: torch.Tensor, classes: np.ndarray, found: Predictions, shape: tuple[int, int]
) -> np.ndarray:
    """Give the overlap of labels with predictions where it can count, 0 elsewhere.

    A prediction's mask lies within its box, so its overlap with a label is at most the share of the label
    that the box holds. Where that stays under the lowest threshold no mask need be made: of hundreds of
    unsure predictions a few dozen remain.

    Args:
        truth: Masks of the labels (T, H, W).
        classes: Their classes (T,).
        found: Predictions on the image.
        shape: (H, W).

    Returns:
        (T, P) float32.
    """
    overlap = np.zeros((len(truth), len(found["conf"])), dtype=np.float32)
    if not overlap.size:
        return overlap
    possible = _share_inside(truth, found["bboxes"].cpu()) >= THRESHOLDS[0]
    possible &= classes[:, None] == found["cls"].cpu().numpy()[None]
    columns = np.flatnonzero(possible.any(0))
    truth = truth.to(found["proto"].device)
    for part in np.array_split(columns, max(len(columns) // CHUNK, 1)):
        if len(part):
            values = mask_iou(truth, masks_of(found, part, shape)).cpu().numpy()
            overlap[:, part] = np.where(possible[:, part], values, 0)
    return overlap


def _share_inside(truth: torch.Tensor, boxes: torch.Tensor) -> np.ndarray:
    """Give the share of each label's pixels inside each box (T, P), by sums over rectangles."""
    height, width = truth.shape[1:]
    sums = np.zeros((len(truth), height + 1, width + 1), dtype=np.int32)
    np.cumsum(truth.numpy(), axis=1, dtype=np.int32, out=sums[:, 1:, 1:])
    np.cumsum(sums[:, 1:, 1:], axis=2, out=sums[:, 1:, 1:])
    x1, y1 = (
        boxes[:, i].floor().long().clamp(0, side).numpy() for i, side in ((0, width), (1, height))
    )
    x2, y2 = (
        boxes[:, i].ceil().long().clamp(0, side).numpy() for i, side in ((2, width), (3, height))
    )
    inside = sums[:, y2, x2] - sums[:, y1, x2] - sums[:, y2, x1] + sums[:, y1, x1]
    return inside / np.maximum(sums[:, -1, -1], 1)[:, None]
