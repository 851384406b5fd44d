"""The objects of one image, boxes with their outlines and keypoints, moved together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.ops.bboxes import Bboxes


class Instances:
    """Boxes, outlines and keypoints of the same objects, in one unit.

    Attributes:
        boxes: The boxes with their format.
        segments: Outlines (n, k, 2) with the same number of points each; (0, k, 2) where there are none.
        keypoints: (n, K, 2 or more), x and y first; None where there are none.
        normalized: Coordinates are fractions of the image; otherwise pixels.
    """

    def __init__(
        self,
        bboxes: np.ndarray,
        segments: np.ndarray | None = None,
        keypoints: np.ndarray | None = None,
        bbox_format: str = "xywh",
        normalized: bool = True,
    ) -> None:
        """Take the objects of an image; ``bbox_format`` is one of ``xyxy``, ``xywh``, ``ltwh``."""
        self.boxes = Bboxes(np.asarray(bboxes, dtype=np.float32).reshape(-1, 4), bbox_format)
        self.segments = _float(np.zeros((0, 1000, 2)) if segments is None else segments)
        self.keypoints = None if keypoints is None else _float(keypoints)
        self.normalized = normalized

    @property
    def bboxes(self) -> np.ndarray:
        """The boxes (n, 4) in the present format."""
        return self.boxes.bboxes

    @property
    def bbox_areas(self) -> np.ndarray:
        """The area of each box (n,)."""
        return self.boxes.areas()

    def convert_bbox(self, format: str) -> None:
        """Change the order of the boxes' numbers in place."""
        self.boxes.convert(format)

    def scale(self, scale_w: float, scale_h: float, bbox_only: bool = False) -> None:
        """Multiply x by ``scale_w`` and y by ``scale_h`` in place."""
        self.boxes.mul((scale_w, scale_h, scale_w, scale_h))
        if not bbox_only:
            for points in self._points():
                points[..., 0] *= scale_w
                points[..., 1] *= scale_h

    def denormalize(self, w: float, h: float) -> None:
        """Turn fractions of a ``w`` x ``h`` image into pixels, if they are fractions."""
        if self.normalized:
            self.scale(w, h)
            self.normalized = False

    def normalize(self, w: float, h: float) -> None:
        """Turn pixels of a ``w`` x ``h`` image into fractions, if they are pixels."""
        if not self.normalized:
            self.scale(1 / w, 1 / h)
            self.normalized = True

    def add_padding(self, padw: float, padh: float) -> None:
        """Move everything by a border put on the left and on top, in pixels."""
        if self.normalized:
            raise ValueError("expected pixels, received fractions; call denormalize first")
        size = (0, 0) if self.boxes.format != "xyxy" else (padw, padh)
        self.boxes.add((padw, padh, *size))
        for points in self._points():
            points[..., 0] += padw
            points[..., 1] += padh

    def fliplr(self, w: float) -> None:
        """Mirror left and right in an image ``w`` wide (1 for fractions)."""
        self._flip(0, w)

    def flipud(self, h: float) -> None:
        """Mirror top and bottom in an image ``h`` high (1 for fractions)."""
        self._flip(1, h)

    def _flip(self, axis: int, side: float) -> None:
        format = self.boxes.format
        self.convert_bbox("xyxy")
        corners = self.bboxes
        corners[:, [axis, axis + 2]] = side - corners[:, [axis + 2, axis]]
        self.convert_bbox(format)
        for points in self._points():
            points[..., axis] = side - points[..., axis]

    def clip(self, w: float, h: float) -> None:
        """Cut at the border of a ``w`` x ``h`` image: keypoints beyond lose their visibility."""
        format = self.boxes.format
        self.convert_bbox("xyxy")
        limit = np.array([w, h], dtype=np.float32)
        self.boxes.bboxes = self.boxes.bboxes.clip(0, np.tile(limit, 2))
        self.convert_bbox(format)
        if self.keypoints is not None and self.keypoints.shape[2] > 2:
            places = self.keypoints[..., :2]
            self.keypoints[..., 2][((places < 0) | (places > limit)).any(-1)] = 0
        for points in self._points():
            points[..., :2] = points[..., :2].clip(0, limit)

    def remove_zero_area_boxes(self) -> np.ndarray:
        """Drop the objects whose box has no area; return which stayed (n,) bool."""
        good = self.bbox_areas > 0
        if not good.all():
            kept = self[good]
            self.boxes, self.segments, self.keypoints = (
                kept.boxes,
                kept.segments,
                kept.keypoints,
            )
        return good

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: Any) -> Instances:
        """Return the chosen objects as a copy."""
        which = np.atleast_1d(np.arange(len(self))[index])
        segments = self.segments[which] if len(self.segments) else self.segments
        keypoints = None if self.keypoints is None else self.keypoints[which]
        return Instances(
            self.bboxes[which], segments, keypoints, self.boxes.format, self.normalized
        )

    @classmethod
    def concatenate(cls, instances_list: Sequence[Instances]) -> Instances:
        """Join the objects of several images, which agree in format, unit and number of points."""
        if not instances_list:
            return cls(np.zeros((0, 4)))
        if len({x.normalized for x in instances_list}) > 1:
            raise ValueError("expected pixels only or fractions only, received both")
        first = instances_list[0]
        boxes = Bboxes.concatenate([x.boxes for x in instances_list])
        segments = np.concatenate([x.segments for x in instances_list])
        keypoints = None
        if first.keypoints is not None:
            keypoints = np.concatenate([x.keypoints for x in instances_list])
        return cls(boxes.bboxes, segments, keypoints, boxes.format, first.normalized)

    def _points(self) -> list[np.ndarray]:
        """Return the arrays of points there are."""
        return [self.segments] if self.keypoints is None else [self.segments, self.keypoints]


def _float(points: np.ndarray) -> np.ndarray:
    """Return a copy that may be changed."""
    return np.array(points, dtype=np.float32)
