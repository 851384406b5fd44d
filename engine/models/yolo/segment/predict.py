"""Prediction with instance segmentation models."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.core.outputs import decoded
from engine.core.results import Results
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.ops.boxes import scale_boxes
from engine.ops.masks import process_mask, process_mask_native


class SegmentationPredictor(DetectionPredictor):
    """Finds boxes, classes and masks.

    Examples:
        >>> predictor = SegmentationPredictor(overrides={"model": "best.pt", "retina_masks": True})
        >>> results = predictor(source="images")
    """

    task = "segment"

    def build_result(
        self, rows: torch.Tensor, images: torch.Tensor, i: int, original: np.ndarray, outputs: Any
    ) -> Results:
        """Make the result of the ``i``-th image: masks from its prototypes, then boxes."""
        protos = decoded(outputs)[1][i]
        size = images.shape[2:]
        boxes = rows[:, :6].clone()
        boxes[:, :4] = scale_boxes(size, boxes[:, :4], original.shape)
        if self.args.retina_masks:
            masks = process_mask_native(
                protos, rows[:, 6:], boxes[:, :4], original.shape[:2], input_shape=size
            )
        else:
            masks = process_mask(protos, rows[:, 6:], rows[:, :4], size, upsample=True)
        seen = masks.bool().flatten(1).any(1)  # an object without one pixel is no object
        return Results(original, "", self.model.names, boxes=boxes[seen], masks=masks[seen])
