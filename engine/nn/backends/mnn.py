"""Running an MNN file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable

INPUT_NAME = "images"


class MnnBackend:
    """A loaded MNN module.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16; never.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        package = "pip install MNN"
        mnn = runtime_package("MNN", package, path)
        self._values = runtime_package("MNN.expr", package, path)
        networks = runtime_package("MNN.nn", package, path)
        threads = {"backend": "CPU", "numThread": torch.get_num_threads()}
        self._manager = networks.create_runtime_manager((threads,))
        try:
            # what it says of itself comes first: it names the task, and that the outputs
            told = networks.load_module_from_file(str(path), [], [], runtime_manager=self._manager)
            entries = json.loads(told.get_info().get("bizCode") or "{}")
            self.metadata = Metadata.from_text(entries, path)
            names = ["output0", "output1"] if self.metadata.task == "segment" else ["output0"]
            self._module = networks.load_module_from_file(
                str(path), [INPUT_NAME], names, runtime_manager=self._manager
            )
        except (RuntimeError, AttributeError, json.JSONDecodeError) as error:
            raise unreadable(path, "MNN", error) from error
        self._mnn, self.device = mnn, device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        array = np.ascontiguousarray(images.float().cpu().numpy())
        given = self._values.const(array, list(array.shape), self._values.NCHW)
        outputs = self._module.onForward([given])
        plain = (self._values.convert(output, self._values.NCHW) for output in outputs)
        tensors = (torch.from_numpy(np.array(output.read())) for output in plain)
        return brought_to_form(tuple(t.to(self.device) for t in tensors), self.metadata)
