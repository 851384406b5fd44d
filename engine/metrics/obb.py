"""Gathers what a validation of oriented boxes finds: a prediction is right by its ProbIoU with an object.

The measures are those of upright boxes, and so are their names in results.csv.
"""

from __future__ import annotations

import torch
from torch import Tensor

from engine.metrics.detection import DetectionMetrics
from engine.ops.rotated import batch_probiou

# Pairs worked on at once: a dozen float32 planes of these stay below 100 MB
_PAIRS_AT_ONCE = 2_000_000


class OBBMetrics(DetectionMetrics):
    """Measures of oriented boxes of a data set; see :func:`rotated_overlaps` for the overlap they rest on.

    Attributes:
        box: The measures.
    """


def rotated_overlaps(truth: Tensor, found: Tensor) -> Tensor:
    """Return the ProbIoU of every object with every prediction of an image.

    Args:
        truth: Rotated boxes of the objects (T, 5) in pixels.
        found: Rotated boxes of the predictions (P, 5).

    Returns:
        (T, P) in 0..1.
    """
    step = max(1, _PAIRS_AT_ONCE // max(len(found), 1))
    parts = [batch_probiou(some, found) for some in truth.split(step)]
    return torch.cat(parts) if parts else truth.new_zeros(0, len(found))
