"""Validation of instance segmentation: the detection validator with masks.

Masks are compared in the pixels of the original image, as COCO does: labels turned into pixels by COCO's rule,
each on its own (what overlaps stays with both), predictions enlarged to that size inside their boxes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.core.outputs import decoded
from engine.core.validation_record import FOUND_SCORE, Objects
from engine.metrics.matching import Matches, match_objects
from engine.metrics.segmentation import SegmentationMetrics
from engine.models.yolo.detect.val import DetectionValidator, Predictions
from engine.models.yolo.segment.overlaps import PredictedMasks, sparse_overlaps
from engine.ops.boxes import scale_coords
from engine.ops.mask_windows import MaskWindow, polygon_windows, rle_window
from engine.ops.masks import process_mask

# Labels' masks are kept from epoch to epoch up to this many bytes.
KEPT_BYTES = 128 << 20


class SegmentationValidator(DetectionValidator):
    """Measures boxes, classes and masks.

    Examples:
        >>> validator = SegmentationValidator(args={"data": "data.yaml"})
        >>> validator(model="best.pt")["metrics/mAP50(M)"]
    """

    task = "segment"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: dict[str, list[MaskWindow]] = {}
        self._kept_bytes = 0

    def new_metrics(self, names: dict[int, str]) -> Any:
        """Make empty box and mask measures."""
        return SegmentationMetrics(names)

    def postprocess(self, outputs: Any) -> list[Predictions]:
        """Select detections and give each image's prototypes to them as ``proto``."""
        protos = decoded(outputs)[1]
        predictions = super().postprocess(outputs)
        return [{**p, "proto": proto} for p, proto in zip(predictions, protos, strict=True)]

    def labels_of(self, batch: dict[str, Any], i: int) -> dict[str, Any]:
        """Give the labels of one image with their masks, outlines and areas in the original's pixels."""
        labels = super().labels_of(batch, i)
        shape, frame = labels["input_shape"], (labels["ori_shape"], labels["ratio_pad"])
        annotated, which = labels["annotated"], labels["which"]
        if annotated is not None:
            labels["masks"] = [rle_window(mask) for mask in annotated.masks]
            labels["outlines"] = [mask.outline() for mask in labels["masks"]]
        else:
            segments = [np.asarray(batch["segments"][i][k], dtype=np.float64) for k in which]
            labels["outlines"] = [scale_coords(shape, segment, *frame) for segment in segments]
            labels["masks"] = self._masks_of(labels)
            labels["area"] = np.array([mask.area for mask in labels["masks"]], dtype=np.float64)
        return labels

    def match_more(self, found: Predictions, labels: dict[str, Any]) -> dict[str, Matches]:
        """Match masks."""
        boxes = self.to_original(found["bboxes"], labels).numpy()
        masks = PredictedMasks(found["proto"], found["extra"], boxes, labels)
        classes = found["cls"].numpy()
        overlap = sparse_overlaps(labels, classes, masks)
        found["masks"] = masks
        # In a training only the means over all sizes are looked at.
        seen = None if self.training else masks.areas()
        parts = overlap, classes, labels["cls"], seen, labels["area"], labels["crowd"]
        return {"tp_m": match_objects(*parts)}

    def drawable(
        self, predictions: list[Predictions], shape: tuple[int, int]
    ) -> dict[str, torch.Tensor]:
        """Add the masks to what is drawn."""
        masks = []
        for found in predictions:
            rows = torch.where(found["conf"] >= FOUND_SCORE)[0]
            parts = found["extra"][rows], found["bboxes"][rows]
            masks.append(process_mask(found["proto"], *parts, shape, upsample=True).cpu())
        return {**super().drawable(predictions, shape), "masks": torch.cat(masks)}

    def outlines(
        self, found: Predictions, labels: dict[str, Any], rows: np.ndarray
    ) -> tuple[list[np.ndarray] | None, list[np.ndarray] | None]:
        """Give the outlines of the labels and of some predictions in the original's pixels."""
        return labels["outlines"], [found["masks"].window(row).outline() for row in rows.tolist()]

    def complete(
        self,
        truth: Objects,
        seen: Objects,
        found: Predictions,
        labels: dict[str, Any],
        rows: np.ndarray,
    ) -> None:
        """Add the masks themselves to the labels and predictions."""
        truth.masks = labels["masks"]
        seen.masks = [found["masks"].window(row) for row in rows.tolist()]

    def _masks_of(self, labels: dict[str, Any]) -> list[MaskWindow]:
        """Give the masks of an image's labels; they are the same every epoch."""
        file = labels["file"]
        if file not in self._kept:
            masks = polygon_windows(labels["outlines"], labels["ori_shape"])
            size = sum(mask.pixels.nbytes for mask in masks)
            if not self.training or self._kept_bytes + size > KEPT_BYTES:
                return masks
            self._kept[file] = masks
            self._kept_bytes += size
        return self._kept[file]
