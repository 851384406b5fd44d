"""From a transformed sample to the tensors of a batch: the only transform that knows torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from engine.data.transforms.sample import Sample, Shapes
from engine.ops.boxes import xyxy2xywhn
from engine.ops.raster import polygons2masks, polygons2masks_overlap
from engine.ops.rectangles import rectangles_around

# What is left of a rotated box after a cut is no object when it is thinner than this.
_LEAST_SIDE_PX = 1.0


@dataclass(frozen=True)
class Format:
    """Makes tensors.

    Attributes:
        masks: Rasterise the outlines.
        mask_ratio: Picture pixels to a mask pixel.
        overlap_mask: One index picture an image instead of a mask an object.
        keep_segments: Also hand out the outlines in pixels, for masks at full size.
        keypoints: Also hand out the keypoints.
        rotated: Boxes are the smallest rotated ones around the outlines.
        bgr: Probability of leaving the channels as BGR.
    """

    masks: bool = False
    mask_ratio: int = 4
    overlap_mask: bool = True
    keep_segments: bool = False
    keypoints: bool = False
    rotated: bool = False
    bgr: float = 0.0

    def __call__(self, sample: Sample, im_file: str, rng: np.random.Generator) -> dict[str, Any]:
        """Return the entries of one picture; see :func:`collate` for the keys."""
        import cv2

        height, width = sample.size
        shapes, out = sample.shapes, {}
        if self.masks:
            masks, order = self._masks(sample)
            out["masks"] = torch.from_numpy(masks)
            shapes = shapes.select(order)
        swap = not (self.bgr and rng.random() < self.bgr)
        swap = swap and sample.image.shape[2] == 3
        image = cv2.cvtColor(sample.image, cv2.COLOR_BGR2RGB) if swap else sample.image.copy()
        if self.rotated:
            boxes, shapes = _rotated_boxes(shapes, width, height)
        else:
            boxes = xyxy2xywhn(shapes.boxes, w=width, h=height)
        out |= {
            "img": torch.from_numpy(image).permute(2, 0, 1),
            "cls": torch.from_numpy(shapes.classes.astype(np.float32)[:, None]),
            "bboxes": torch.from_numpy(boxes.astype(np.float32)),
            "batch_idx": torch.zeros(len(shapes)),
            "im_file": im_file,
            "ori_shape": sample.ori_shape,
            "resized_shape": (height, width),
            "ratio_pad": sample.ratio_pad,
        }
        if self.keypoints:
            places = shapes.keypoints / np.float32((width, height, 1))
            out["keypoints"] = torch.from_numpy(places)
        if self.keep_segments:
            out["segments"] = shapes.segments
        return out

    def _masks(self, sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks and the order of objects that they are in."""
        segments = sample.shapes.segments
        if self.overlap_mask:
            return polygons2masks_overlap(sample.size, segments, self.mask_ratio)
        masks = polygons2masks(sample.size, segments, downsample_ratio=self.mask_ratio)
        return masks, np.arange(len(segments))


def _rotated_boxes(shapes: Shapes, width: int, height: int) -> tuple[np.ndarray, Shapes]:
    """Return rotated boxes (n, 5), places and sizes as fractions, and their objects, without the thinnest."""
    boxes = rectangles_around(shapes.segments)
    thick = boxes[:, 2:4].min(1, initial=np.inf) >= _LEAST_SIDE_PX
    boxes, shapes = boxes[thick], shapes.select(thick)
    return boxes / np.float32((width, height, width, height, 1)), shapes


def collate(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Put samples together.

    Returns:
        ``img`` (B, C, H, W) uint8, RGB where C is 3, channels last in memory, ``cls`` (N, 1) float32, ``bboxes`` (N, 4) float32 centre and size as
        fractions, or (N, 5) with the angle in radians of rotated boxes, ``batch_idx`` (N,) float32 the picture of each object, ``masks`` (B, h, w) index pictures
        (0 background, i + 1 the i-th object of that picture) or (N, h, w) one an object, ``keypoints``
        (N, K, 3) float32 x, y as fractions and visibility 0, 1 or 2, and lists
        over pictures: ``im_file``, ``ori_shape``, ``resized_shape``, ``ratio_pad``, ``segments``.
    """
    keys = samples[0].keys()
    out: dict[str, Any] = {key: [sample[key] for sample in samples] for key in keys}
    # Stored channels last, as decoded: what networks want, and the cheapest to put together.
    out["img"] = torch.stack([i.permute(1, 2, 0) for i in out["img"]]).permute(0, 3, 1, 2)
    for i, numbers in enumerate(out["batch_idx"]):
        numbers += i
    for key in ("cls", "bboxes", "batch_idx", "keypoints"):
        if key in out:
            out[key] = torch.cat(out[key])
    if "masks" in out:
        masks = out["masks"]
        wide = max((m.dtype for m in masks), key=lambda d: d.itemsize)  # over 255 objects: int32
        masks = [m.to(wide) for m in masks]
        one_a_picture = masks[0].ndim == 2
        out["masks"] = torch.stack(masks) if one_a_picture else torch.cat(masks)
    return out
