"""Prediction with pose models."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.core.results import Results
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.ops.boxes import scale_coords


class PosePredictor(DetectionPredictor):
    """Finds boxes, classes and the keypoints of each object.

    Examples:
        >>> predictor = PosePredictor(overrides={"model": "best.pt", "conf": 0.4})
        >>> results = predictor(source="images")
    """

    task = "pose"

    def build_result(
        self, rows: torch.Tensor, images: torch.Tensor, i: int, original: np.ndarray, outputs: Any
    ) -> Results:
        """Make the result of the ``i``-th image from its detections (n, 6 + K * D)."""
        result = super().build_result(rows, images, i, original, outputs)
        keypoints = rows[:, 6:].reshape(len(rows), *self.model.kpt_shape)
        keypoints = scale_coords(images.shape[2:], keypoints, original.shape)
        result.update(keypoints=keypoints)
        return result
