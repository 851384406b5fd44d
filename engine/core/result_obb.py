"""The oriented boxes of one image's results."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch

from engine.core.result_tensors import Array, ResultTensor
from engine.ops.rotated import xywhr2xyxyxyxy


class OBB(ResultTensor):
    """Detected oriented boxes; they may reach beyond the image.

    Attributes:
        data: (N, 7) centre, width, height in pixels of the original image, angle in radians from the x axis
            to the width side (clockwise on screen), confidence, class; with tracking (N, 8), the track's
            number before the confidence.
    """

    def __init__(self, boxes: Array, orig_shape: tuple[int, int]) -> None:
        if boxes.ndim == 1:
            boxes = boxes[None, :]
        if boxes.shape[-1] not in (7, 8):
            raise ValueError(
                f"expected oriented boxes with 7 or 8 columns, received shape {tuple(boxes.shape)}."
            )
        super().__init__(boxes, orig_shape)

    @property
    def is_track(self) -> bool:
        """Whether the boxes carry track numbers."""
        return self.data.shape[-1] == 8

    @property
    def xywhr(self) -> Any:
        """(N, 5) centres and sizes in pixels, angles in radians."""
        return self.data[:, :5]

    @property
    def conf(self) -> Any:
        """(N,) confidences in 0..1."""
        return self.data[:, -2]

    @property
    def cls(self) -> Any:
        """(N,) class numbers, as floats."""
        return self.data[:, -1]

    @property
    def id(self) -> Any:
        """(N,) track numbers, None without tracking."""
        return self.data[:, -3] if self.is_track else None

    @cached_property
    def xyxyxyxy(self) -> Any:
        """(N, 4, 2) corners in pixels; without rotation from the bottom right one anticlockwise."""
        return xywhr2xyxyxyxy(self.xywhr)

    @cached_property
    def xyxyxyxyn(self) -> Any:
        """(N, 4, 2) corners as fractions of the image."""
        height, width = self.orig_shape
        if isinstance(self.data, torch.Tensor):
            return self.xyxyxyxy / self.data.new_tensor([width, height])
        return self.xyxyxyxy / np.array([width, height], dtype=self.data.dtype)

    @cached_property
    def xyxy(self) -> Any:
        """(N, 4) corners of the upright boxes around them, in pixels."""
        corners = self.xyxyxyxy
        if isinstance(corners, torch.Tensor):
            return torch.cat((corners.amin(1), corners.amax(1)), 1)
        return np.concatenate((corners.min(1), corners.max(1)), 1)
