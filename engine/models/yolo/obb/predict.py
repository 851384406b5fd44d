"""Prediction with oriented box models."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.core.results import Results
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.ops.boxes import scale_boxes


class OBBPredictor(DetectionPredictor):
    """Finds oriented boxes and classes.

    Examples:
        >>> predictor = OBBPredictor(overrides={"model": "best.pt", "conf": 0.4})
        >>> results = predictor(source="images")
    """

    task = "obb"
    rotated = True

    def build_result(
        self, rows: torch.Tensor, images: torch.Tensor, i: int, original: np.ndarray, outputs: Any
    ) -> Results:
        """Make the result of the ``i``-th image from its detections (n, 7): xywh, score, class, angle."""
        boxes = scale_boxes(images.shape[2:], rows[:, :4], original.shape, xywh=True)
        data = torch.cat((boxes, rows[:, 6:7], rows[:, 4:6]), 1)
        return Results(original, "", self.model.names, obb=data)
