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
from engine.ops.boxes import scale_coords, xywh2xyxy
from engine.ops.mask_windows import MaskWindow, polygon_windows, rle_window
from engine.ops.masks import process_mask
from engine.ops.numbers import as_written

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
        self._labels: tuple[Any, dict[str, dict[str, Any]]] | None = None

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
        if labels["annotated"] is not None:
            labels["masks"] = [rle_window(mask) for mask in labels["annotated"].masks]
            labels["outlines"] = [mask.outline() for mask in labels["masks"]]
            return labels
        written = self._written().get(labels["file"])
        if written is None:
            labels["outlines"] = self._from_batch(batch, i, labels)
        else:
            self._take_written(labels, written)
        labels["masks"] = self._masks_of(labels)
        labels["area"] = np.array([mask.area for mask in labels["masks"]], dtype=np.float64)
        return labels

    def _written(self) -> dict[str, dict[str, Any]]:
        """Give the labels by image as the data set has read them; empty for data sets of another kind."""
        dataset = self.dataloader.dataset
        if self._labels is None or self._labels[0] is not dataset:
            rows = getattr(dataset, "labels", ())
            self._labels = (dataset, {row["im_file"]: row for row in rows})
        return self._labels[1]

    def _take_written(self, labels: dict[str, Any], written: dict[str, Any]) -> None:
        """Take classes, boxes and outlines from where they suffered no change of frame: text is exact."""
        height, width = labels["ori_shape"]
        classes = written["cls"].reshape(-1)
        which = self.wanted(classes)
        boxes = xywh2xyxy(as_written(written["bboxes"][which])) * np.array([width, height] * 2)
        corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
        outlines = [as_written(written["segments"][k]) * [width, height] for k in which]
        labels["cls"], labels["bboxes"] = classes[which], torch.from_numpy(boxes)
        labels["outlines"] = [o if len(o) else c for o, c in zip(outlines, corners, strict=True)]

    def _from_batch(
        self, batch: dict[str, Any], i: int, labels: dict[str, Any]
    ) -> list[np.ndarray]:
        """Give the outlines that a batch brings, moved back into the original."""
        frame = labels["ori_shape"], labels["ratio_pad"]
        segments = [np.asarray(batch["segments"][i][k], np.float64) for k in labels["which"]]
        return [scale_coords(labels["input_shape"], segment, *frame) for segment in segments]

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
