"""Running an OpenVINO folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable


class OpenVinoBackend:
    """A model compiled for this processor.

    Attributes:
        metadata: What the folder says of itself.
        fp16: Whether images go in as float16; never, OpenVINO casts inside.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        self.metadata = Metadata.from_folder(path)
        openvino = runtime_package("openvino", "pip install openvino", path)
        files = sorted(path.glob("*.xml"))
        if not files:
            raise unreadable(path, "OpenVINO", "there is no .xml file in the folder")
        core = openvino.Core()
        try:
            # as exact as the file: the default is to compute in what is fastest
            options = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
            threads = {"INFERENCE_NUM_THREADS": str(torch.get_num_threads())}
            self._model = core.compile_model(str(files[0]), "CPU", {**options, **threads})
        except RuntimeError as error:
            raise unreadable(path, "OpenVINO", error) from error
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        found = self._model(np.ascontiguousarray(images.float().cpu().numpy()))
        tensors = (torch.from_numpy(np.array(found[o])) for o in self._model.outputs)
        return brought_to_form(tuple(t.to(self.device) for t in tensors), self.metadata)
