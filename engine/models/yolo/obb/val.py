"""Validation of oriented boxes: the detection validator with turned boxes, compared by ProbIoU.

Boxes are ``xywhr`` here, see `engine.ops.rotated`; labels whose corners lie outside the image stay whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.core.oriented_json import OrientedPredictions
from engine.core.validation_record import Objects
from engine.metrics.obb import OBBMetrics, rotated_overlaps
from engine.models.yolo.detect.val import DetectionValidator, Predictions
from engine.ops.boxes import scale_boxes
from engine.ops.rotated import xywhr2xyxyxyxy


class OBBValidator(DetectionValidator):
    """Measures oriented boxes and classes.

    Examples:
        >>> validator = OBBValidator(args={"data": "data.yaml"})
        >>> validator(model="best.pt")["metrics/mAP50(B)"]
    """

    task = "obb"
    rotated = True
    json_file = OrientedPredictions

    def new_metrics(self, names: dict[int, str]) -> Any:
        """Make empty measures."""
        return OBBMetrics(names)

    def postprocess(self, outputs: Any) -> list[Predictions]:
        """Select detections: ``bboxes`` (n, 5) centre, size and angle in input pixels, ``conf``, ``cls``."""
        return [
            {**found, "bboxes": torch.cat((found["bboxes"], found["extra"][:, :1]), 1)}
            for found in super().postprocess(outputs)
        ]

    def from_fractions(self, boxes: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Turn a batch's boxes (n, 5) into input pixels."""
        height, width = shape
        return boxes * boxes.new_tensor([width, height, width, height, 1])

    def to_fractions(self, boxes: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
        """Turn predictions' boxes (n, 5) into places and sizes as fractions."""
        height, width = shape
        return boxes / boxes.new_tensor([width, height, width, height, 1])

    def to_original(self, boxes: torch.Tensor, labels: dict[str, Any]) -> torch.Tensor:
        """Move boxes (n, 5) from the network's input into the original image."""
        (shape, original), pad = (labels["input_shape"], labels["ori_shape"]), labels["ratio_pad"]
        placed = scale_boxes(shape, boxes[:, :4].float(), original, ratio_pad=pad, xywh=True)
        return torch.cat((placed, boxes[:, 4:].float()), 1)

    def overlap(self, truth: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """Say how much labels and predictions overlap, (T, P) in 0..1."""
        return rotated_overlaps(truth, boxes)

    def complete(
        self,
        truth: Objects,
        seen: Objects,
        found: Predictions,
        labels: dict[str, Any],
        rows: np.ndarray,
    ) -> None:
        """Give the record the corners of the boxes, and as boxes the upright ones around them."""
        for objects in (truth, seen):
            corners = xywhr2xyxyxyxy(objects.boxes)
            objects.corners = corners
            objects.boxes = np.concatenate((corners.min(1), corners.max(1)), 1)
