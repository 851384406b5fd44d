"""Running an NCNN folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable


class NcnnBackend:
    """A loaded NCNN network, which takes one image at a time.

    Attributes:
        metadata: What the folder says of itself.
        fp16: Whether images go in as float16; never, NCNN casts inside.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        self.metadata = Metadata.from_folder(path)
        self._ncnn = runtime_package("ncnn", "pip install ncnn", path)
        graphs = sorted(path.glob("*.param"))
        if not graphs:
            raise unreadable(path, "NCNN", "there is no .param file in the folder")
        self._net = self._ncnn.Net()
        self._net.opt.num_threads = torch.get_num_threads()
        # as exact as the file: the default packs and computes in what is fastest
        for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
            setattr(self._net.opt, name, False)
        weights = graphs[0].with_suffix(".bin")
        if self._net.load_param(str(graphs[0])) or self._net.load_model(str(weights)):
            raise unreadable(path, "NCNN", "graph or weights are damaged")
        self._input = self._net.input_names()[0]
        self._outputs = sorted(self._net.output_names())
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        arrays = np.ascontiguousarray(images.float().cpu().numpy())
        found = [self._one(array) for array in arrays]
        tensors = (torch.from_numpy(np.stack(parts)) for parts in zip(*found, strict=True))
        return brought_to_form(tuple(t.to(self.device) for t in tensors), self.metadata)

    def _one(self, image: np.ndarray) -> list[np.ndarray]:
        """Return the outputs of an image (C, H, W)."""
        extractor = self._net.create_extractor()
        extractor.input(self._input, self._ncnn.Mat(image).clone())
        return [np.array(extractor.extract(name)[1]) for name in self._outputs]
