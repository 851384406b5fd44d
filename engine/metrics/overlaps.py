"""How much objects and predictions of an image overlap, in the numbers and with the rounding of pycocotools.

Float64 throughout: whether an overlap of exactly 0.75 passes a threshold must not depend on rounding. A
crowd is a region of many objects; what counts there is the share of the prediction that lies in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# pycocotools 2.0.11 keeps the number of masks in a byte there, which NumPy 2 refuses from 256 on.
_AREAS_AT_ONCE = 255

Rle = Mapping[str, Any]  # COCO's compressed run lengths: "size" (height, width), "counts" bytes


def box_overlaps(
    targets: np.ndarray, found: np.ndarray, crowd: np.ndarray | None = None
) -> np.ndarray:
    """Return the IoU of every object with every prediction (T, P) float64.

    Args:
        targets: Corners of the objects (T, 4) in pixels.
        found: Corners of the predictions (P, 4).
        crowd: Whether an object is a crowd (T,); None for none.
    """
    a, b = (np.asarray(x, dtype=np.float64).reshape(-1, 4) for x in (targets, found))
    shared = shared_areas(a, b)
    area_a, area_b = box_areas(a), box_areas(b)
    union = area_a[:, None] + area_b - shared
    if crowd is not None and len(a):
        union = np.where(np.asarray(crowd, bool)[:, None], area_b[None], union)
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def shared_areas(targets: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Return the area that every box of (T, 4) shares with every one of (P, 4), (T, P)."""
    sides = np.minimum(targets[:, None, 2:], found[None, :, 2:])
    sides -= np.maximum(targets[:, None, :2], found[None, :, :2])
    np.maximum(sides, 0, out=sides)
    shared: np.ndarray = sides[..., 0] * sides[..., 1]
    return shared


def box_areas(boxes: np.ndarray) -> np.ndarray:
    """Return the areas of boxes given by corners (N, 4)."""
    areas: np.ndarray = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas


def mask_overlaps(
    targets: Sequence[Rle], found: Sequence[Rle], crowd: np.ndarray | None = None
) -> np.ndarray:
    """Return the IoU of every object with every prediction (T, P) float64.

    Args:
        targets: Masks of the objects, of one image.
        found: Masks of the predictions.
        crowd: Whether an object is a crowd (T,); None for none.
    """
    from pycocotools import mask as coco_mask

    if not len(targets) or not len(found):
        return np.zeros((len(targets), len(found)))
    is_crowd = [0] * len(targets) if crowd is None else np.asarray(crowd, np.uint8).tolist()
    # All classes in one call: unpacking the run lengths anew for each costs more than it saves.
    return np.asarray(coco_mask.iou(list(found), list(targets), is_crowd)).T


def mask_areas(masks: Sequence[Rle]) -> np.ndarray:
    """Return the areas of masks (N,) float64, in pixels."""
    from pycocotools import mask as coco_mask

    areas = np.zeros(len(masks))
    for start in range(0, len(masks), _AREAS_AT_ONCE):
        part = masks[start : start + _AREAS_AT_ONCE]
        areas[start : start + len(part)] = coco_mask.area(list(part))
    return areas


def encode_segmentation(segmentation: Any, size_hw: tuple[int, int]) -> Rle:
    """Return any of COCO's forms of a mask as compressed run lengths.

    Args:
        segmentation: A list of polygons [x, y, ...] in pixels, run lengths as a list, or compressed.
        size_hw: (height, width) of the image.
    """
    from pycocotools import mask as coco_mask

    if isinstance(segmentation, list):
        parts = coco_mask.frPyObjects(segmentation, *size_hw)
        return coco_mask.merge(parts) if len(parts) != 1 else parts[0]
    if isinstance(segmentation["counts"], list):
        return coco_mask.frPyObjects(segmentation, *size_hw)
    return segmentation
