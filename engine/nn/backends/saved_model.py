"""Running a TensorFlow SavedModel folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable

INSTALL = "pip install tensorflow (or tensorflow-cpu)"


def tensorflow_for(path: Path) -> Any:
    """Import TensorFlow, which greets less if told so.

    Raises:
        ModelError: It is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return runtime_package("tensorflow", INSTALL, path)


def channels_last(images: Tensor) -> Any:
    """Return images (B, C, H, W) as an array (B, H, W, C) of float32."""
    return images.float().cpu().permute(0, 2, 3, 1).contiguous().numpy()


def in_order(found: Mapping[str, Any], device: torch.device) -> Outputs:
    """Return named outputs as tensors, sorted by their names."""
    tensors = (torch.from_numpy(found[name].numpy().copy()) for name in sorted(found))
    return tuple(tensor.to(device) for tensor in tensors)


class SavedModelBackend:
    """A loaded SavedModel.

    Attributes:
        metadata: What the folder says of itself.
        fp16: Whether images go in as float16; never.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        self.metadata = Metadata.from_folder(path)
        self._tf = tensorflow_for(path)
        try:
            self._module = self._tf.saved_model.load(str(path))  # its signature lives as long
            self._run = self._module.signatures["serving_default"]
        except (OSError, KeyError, ValueError, RuntimeError) as error:
            raise unreadable(path, "a SavedModel", error) from error
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        found = self._run(images=self._tf.constant(channels_last(images)))
        return brought_to_form(in_order(found, self.device), self.metadata)
