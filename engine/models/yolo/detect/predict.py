"""Prediction with detection models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from engine.core.outputs import decoded
from engine.core.predictor import BasePredictor
from engine.core.results import Results
from engine.ops.boxes import scale_boxes
from engine.ops.nms import non_max_suppression


class DetectionPredictor(BasePredictor):
    """Finds boxes and classes.

    Examples:
        >>> predictor = DetectionPredictor(overrides={"model": "best.pt", "conf": 0.4})
        >>> results = predictor(source="images")
    """

    task = "detect"

    def postprocess(
        self, outputs: Any, images: torch.Tensor, originals: Sequence[np.ndarray]
    ) -> list[Results]:
        """Select detections and move them into the originals' pixels."""
        kept = self.select(decoded(outputs)[0])
        return [
            self.build_result(rows, images, i, original, outputs)
            for i, (rows, original) in enumerate(zip(kept, originals, strict=True))
        ]

    def build_result(
        self, rows: torch.Tensor, images: torch.Tensor, i: int, original: np.ndarray, outputs: Any
    ) -> Results:
        """Make the result of the ``i``-th image from its detections (n, 6) in the input's pixels."""
        boxes = rows[:, :6].clone()
        boxes[:, :4] = scale_boxes(images.shape[2:], boxes[:, :4], original.shape)
        return Results(original, "", self.model.names, boxes=boxes)

    def select(self, dense: torch.Tensor) -> list[torch.Tensor]:
        """Suppress duplicates in the decoded output (B, 4 + nc + extras, anchors)."""
        args = self.args
        return non_max_suppression(
            dense,
            conf=args.conf,
            iou=args.iou,
            classes=args.classes,
            agnostic=args.agnostic_nms,
            max_det=args.max_det,
            nc=len(self.model.names),
        )
