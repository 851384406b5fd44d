"""The oriented boxes of one image's results."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch

from engine.core.result_tensors import ScoredRows
from engine.ops.rotated import xywhr2xyxyxyxy


class OBB(ScoredRows):
    """Detected oriented boxes; they may reach beyond the image.

    Attributes:
        data: (N, 7) centre, width, height in pixels of the original image, angle in radians from the x axis
            to the width side (clockwise on screen), confidence, class; with tracking (N, 8), the track's
            number before the confidence.
    """

    place_columns = 5

    @property
    def xywhr(self) -> Any:
        """(N, 5) centres and sizes in pixels, angles in radians."""
        return self.data[:, :5]

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
