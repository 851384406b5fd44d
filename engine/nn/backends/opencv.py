"""Running an ONNX file with OpenCV, on the processor: nothing else needs to be installed."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.onnx_entries import read_entries
from engine.runtime.errors import ModelError

_OTHERWISE = "Leave dnn=True out: onnxruntime runs what OpenCV does not."


class OpenCvBackend:
    """A network of OpenCV's ``dnn`` module.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16; never, OpenCV takes float32.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        """Open a file.

        Args:
            path: The file.
            device: Where the outputs go; the network runs on the processor.

        Raises:
            ModelError: It cannot be opened, or removes duplicates inside.
        """
        self.metadata = Metadata.from_text(read_entries(path), path)
        self.device, self._path = device, path
        if self.metadata.nms:  # its graph stops at pictures in which nothing is found
            raise ModelError(
                "OpenCV does not run files that remove duplicates inside.",
                path=path,
                remedy="Export it again without nms=True; or leave dnn=True out.",
            )
        try:
            self._net = cv2.dnn.readNetFromONNX(str(path))
            names = list(self._net.getUnconnectedOutLayersNames())
        except cv2.error as error:
            raise self._refused("read", error) from error
        # in which order they are listed depends on the version
        self._outputs = sorted(names, key=lambda name: (len(name), name))

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1.

        Raises:
            ModelError: OpenCV lacks an operator of the graph.
        """
        array = np.ascontiguousarray(images.cpu().numpy().astype(np.float32, copy=False))
        try:
            self._net.setInput(array)
            found = self._net.forward(self._outputs)
        except cv2.error as error:
            raise self._refused("run", error) from error
        # its arrays are written over by the next call
        tensors = tuple(torch.from_numpy(output.copy()).to(self.device) for output in found)
        return brought_to_form(tensors, self.metadata)

    def _refused(self, what: str, error: cv2.error) -> ModelError:
        lines = [line for line in str(error.err or error).splitlines() if line.strip()]
        reason = lines[0].strip() if lines else "no reason given"
        return ModelError(
            f"OpenCV {cv2.__version__} cannot {what} this model ({reason}).",
            path=self._path,
            remedy=_OTHERWISE,
        )
