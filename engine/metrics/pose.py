"""Gathers what a validation finds and says how good the boxes and the keypoints are.

Keypoints are compared by their similarity (OKS, `engine.ops.keypoints`) where boxes are by their IoU; all else
is as COCO counts boxes: ten thresholds from 0.50 to 0.95, 101 recalls. Objects without one labelled keypoint
are not counted, and who finds them is neither right nor wrong.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch

from engine.metrics.detection import BOX, DetectionMetrics, Part
from engine.metrics.matching import Matches, match_objects
from engine.metrics.measures import AveragePrecision
from engine.ops.keypoints import AREA_OF_BOX, keypoint_similarity

POSE = Part("pose", "P", "tp_p", "pose", "Pose")
# An area in no range of sizes: the object does not count
_UNCOUNTED = -1.0


class PoseMetrics(DetectionMetrics):
    """Box and keypoint measures of a data set; :meth:`update` takes the matches of the keypoints as ``tp_p``.

    Attributes:
        pose: The keypoint measures.
    """

    parts: ClassVar[tuple[Part, ...]] = (BOX, POSE)
    pose: AveragePrecision


def match_keypoints(
    truth: Any,
    found: Any,
    boxes: Any,
    pred_cls: Any,
    target_cls: Any,
    area: Any = None,
    crowd: Any = None,
    sigmas: np.ndarray | None = None,
) -> Matches:
    """Match the predicted keypoints of an image with its objects.

    Args:
        truth: Labels (T, K, 3) in pixels of the original image, x, y and visibility.
        found: Predictions (P, K, 2 or more), best score first.
        boxes: Corners of the labelled objects (T, 4).
        pred_cls: Class of each prediction (P,).
        target_cls: Class of each object (T,).
        area: Of each object (T,) in pixels; None takes the share of its box that people cover.
        crowd: Whether an object is a region of many (T,), which counts as little as one without points, but
            can be found any number of times; None for none.
        sigmas: Spread of each point (K,); None takes COCO's for 17 points, 1 / K for others.
    """
    truth, found, boxes = (torch.as_tensor(x).detach().cpu() for x in (truth, found, boxes))
    if area is None:
        area = AREA_OF_BOX * (boxes[:, 2:] - boxes[:, :2]).prod(1)
    area = torch.as_tensor(area).detach().cpu().to(torch.float64)
    overlap = keypoint_similarity(truth, found, area, boxes, sigmas).numpy()
    counted = (truth[..., 2] > 0).any(1).numpy()
    return match_objects(
        overlap,
        pred_cls,
        target_cls,
        _extent(found[..., :2].numpy().astype(np.float64)),
        np.where(counted, area.numpy(), _UNCOUNTED),
        crowd,
    )


def _extent(points: np.ndarray) -> np.ndarray:
    """Return the area of the box around the points (P, K, 2) of each prediction, as COCO sizes them (P,)."""
    sides = points.max(1, initial=-np.inf) - points.min(1, initial=np.inf)
    extent: np.ndarray = sides.prod(1)
    return extent
