"""The keypoints of one image's results."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import torch

from engine.core.result_tensors import Array, ResultTensor


class Keypoints(ResultTensor):
    """Keypoints, a set an object.

    Attributes:
        data: (N, K, 2) x, y in pixels of the original image, or (N, K, 3) with how surely each is seen, 0..1.
    """

    def __init__(self, keypoints: Array, orig_shape: tuple[int, int]) -> None:
        if keypoints.ndim == 2:
            keypoints = keypoints[None]
        if keypoints.ndim != 3 or keypoints.shape[-1] not in (2, 3):
            raise ValueError(
                f"expected keypoints (N, K, 2 or 3), received shape {tuple(keypoints.shape)}."
            )
        super().__init__(keypoints, orig_shape)

    @property
    def has_visible(self) -> bool:
        """Whether each point says how surely it is seen."""
        return self.data.shape[-1] == 3

    @property
    def xy(self) -> Any:
        """(N, K, 2) positions in pixels."""
        return self.data[..., :2]

    @property
    def conf(self) -> Any:
        """(N, K) in 0..1, how surely each point is seen; None where the model does not say."""
        return self.data[..., 2] if self.has_visible else None

    @cached_property
    def xyn(self) -> Any:
        """(N, K, 2) positions as fractions of the image."""
        height, width = self.orig_shape
        if isinstance(self.data, torch.Tensor):
            return self.xy / self.data.new_tensor([width, height])
        return self.xy / np.array([width, height], dtype=self.data.dtype)
