"""What objects look like, by the features that the detector itself has made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import roi_align

from engine.nn.base_model import BaseModel
from engine.runtime.errors import ConfigError

_CELLS = 2  # a box is looked at in so many rows and columns: its top looks other than its bottom


class Appearance:
    """Keeps the finest features that reach the detector's head, and cuts boxes out of them.

    Args:
        backend: What runs the network (`AutoBackend.backend`).

    Raises:
        ConfigError: It is an exported file, which does not show its features.
    """

    def __init__(self, backend: Any) -> None:
        model = getattr(backend, "model", None)
        if not isinstance(model, BaseModel):
            raise ConfigError(
                "with_reid needs a model's own file, an exported one does not show its features.",
                remedy="Track with the .pt file, or set with_reid: False.",
            )
        self._features: Tensor | None = None
        self._hook = model.head.register_forward_pre_hook(self._keep)

    def close(self) -> None:
        """Look no longer."""
        self._hook.remove()
        self._features = None

    def __call__(self, image: int, corners: np.ndarray, size_hw: tuple[int, int]) -> np.ndarray:
        """Return appearances (N, F) of length one.

        Args:
            image: Which picture of the last batch.
            corners: (N, 4) boxes in pixels of the network's input.
            size_hw: Height and width of that input.
        """
        if self._features is None or not len(corners):
            return np.zeros((len(corners), 1), np.float32)
        features = self._features[image : image + 1].float()
        scale = features.shape[-1] / size_hw[1]
        boxes = torch.as_tensor(corners, dtype=torch.float32, device=features.device)
        cut = roi_align(features, [boxes], _CELLS, spatial_scale=scale, aligned=True).flatten(1)
        cut = cut - cut.mean(1, keepdim=True)
        return torch.nn.functional.normalize(cut, dim=1).cpu().numpy()

    def _keep(self, _module: Any, inputs: tuple[Any, ...]) -> None:
        levels = inputs[0]
        self._features = levels[0] if isinstance(levels, list | tuple) else levels
