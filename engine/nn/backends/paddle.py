"""Running a PaddlePaddle folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable


class PaddleBackend:
    """A predictor of PaddlePaddle's inference library.

    Attributes:
        metadata: What the folder says of itself.
        fp16: Whether images go in as float16; never.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        self.metadata = Metadata.from_folder(path)
        inference = runtime_package("paddle.inference", "pip install paddlepaddle", path)
        graphs = [*path.glob("*.json"), *path.glob("*.pdmodel")]
        weights = sorted(path.glob("*.pdiparams"))
        if not graphs or not weights:
            raise unreadable(
                path, "PaddlePaddle", "there is no graph or no .pdiparams in the folder"
            )
        try:
            config = inference.Config(str(graphs[0]), str(weights[0]))
            if device.type == "cuda":
                config.enable_use_gpu(256, device.index or 0)
            config.set_cpu_math_library_num_threads(torch.get_num_threads())
            config.disable_glog_info()
            config.disable_mkldnn()  # its kernels lack attributes that the library itself writes
            self._predictor = inference.create_predictor(config)
        except (RuntimeError, ValueError) as error:
            raise unreadable(path, "PaddlePaddle", error) from error
        self._input = self._predictor.get_input_handle(self._predictor.get_input_names()[0])
        self._outputs = self._predictor.get_output_names()
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        self._input.copy_from_cpu(np.ascontiguousarray(images.float().cpu().numpy()))
        self._predictor.run()
        handles = (self._predictor.get_output_handle(name) for name in self._outputs)
        tensors = (torch.from_numpy(handle.copy_to_cpu()) for handle in handles)
        return brought_to_form(tuple(t.to(self.device) for t in tensors), self.metadata)
