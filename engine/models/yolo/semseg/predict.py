"""Prediction with semantic segmentation models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from engine.core.outputs import decoded
from engine.core.predictor import BasePredictor
from engine.core.result_image import NO_CLASS
from engine.core.results import Results
from engine.ops.boxes import RatioPad
from engine.ops.masks import scale_masks

# Numbers of logits that are enlarged at once: 80 classes of a 12 megapixel photograph would take 4 GB.
AT_ONCE = 2**25


class SemanticSegmentationPredictor(BasePredictor):
    """Says the class of each pixel.

    Examples:
        >>> predictor = SemanticSegmentationPredictor(overrides={"model": "best.pt", "imgsz": 1024})
        >>> results = predictor(source="images")
    """

    task = "semseg"

    def postprocess(
        self, outputs: Any, images: torch.Tensor, originals: Sequence[np.ndarray]
    ) -> list[Results]:
        """Bring the logits into each original's frame and take the strongest class of each pixel."""
        logits = decoded(outputs)[0].float()
        logits = F.interpolate(logits, images.shape[2:], mode="bilinear")
        return [
            Results(original, "", self.model.names, semantic_mask=self.classes_of(one, original))
            for one, original in zip(logits, originals, strict=True)
        ]

    def classes_of(self, logits: torch.Tensor, original: np.ndarray) -> torch.Tensor:
        """Return (H, W) class numbers for logits (nc, h, w) of a letterboxed image."""
        classes = strongest_class(logits, original.shape[:2])
        none = NO_CLASS if len(logits) <= NO_CLASS else -1
        if self.args.classes is not None:
            wanted = torch.as_tensor(self.args.classes, device=classes.device)
            classes = torch.where(torch.isin(classes, wanted), classes, none)
        return classes.to(torch.uint8 if none == NO_CLASS else torch.int32)


def strongest_class(
    logits: torch.Tensor, shape: Sequence[int], ratio_pad: RatioPad | None = None
) -> torch.Tensor:
    """Return the class with the largest logit for each pixel of an image, (height, width) of int64.

    Args:
        logits: (nc, h, w) of the letterboxed image.
        shape: (height, width) of the original.
        ratio_pad: How the letterbox was made, see `engine.data.transforms.sample.Sample`, where it is known.
    """
    step = max(AT_ONCE // (shape[0] * shape[1]), 1)
    best = torch.full(tuple(shape), -torch.inf, device=logits.device)
    classes = torch.zeros(tuple(shape), dtype=torch.long, device=logits.device)
    for start in range(0, len(logits), step):
        some = scale_masks(logits[None, start : start + step], shape, ratio_pad)[0]
        strength, number = some.max(0)
        better = strength > best
        best = torch.where(better, strength, best)
        classes = torch.where(better, number + start, classes)
    return classes
