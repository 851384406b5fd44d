"""Prediction with classification models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from engine.core.outputs import decoded
from engine.core.predictor import BasePredictor
from engine.core.results import Results
from engine.data.transforms.center_crop import CenterCrop


class ClassificationPredictor(BasePredictor):
    """Says how likely each class is for an image.

    Examples:
        >>> predictor = ClassificationPredictor(overrides={"model": "best.pt", "imgsz": 224})
        >>> results = predictor(source="images")
    """

    task = "classify"

    def preprocess(self, images: Sequence[np.ndarray]) -> torch.Tensor:
        """Turn the middle of images (H, W, C) uint8, BGR where C is 3, into one tensor (B, C, h, w) in 0..1."""
        said = "crop_fraction" in self.given
        fraction = self.args.crop_fraction if said else self.model.metadata.crop_fraction
        crop = CenterCrop(self.imgsz, fraction)
        return self.to_tensor([crop(image) for image in images])

    def postprocess(
        self, outputs: Any, images: torch.Tensor, originals: Sequence[np.ndarray]
    ) -> list[Results]:
        """Give each image its probabilities."""
        probabilities = decoded(outputs)[0].float()
        return [
            Results(original, "", self.model.names, probs=probs)
            for probs, original in zip(probabilities, originals, strict=True)
        ]
