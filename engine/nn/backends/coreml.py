"""Running a CoreML package, which only Apple's systems can."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable
from engine.runtime.errors import ModelError


class CoreMlBackend:
    """A loaded CoreML program.

    Attributes:
        metadata: What the package says of itself.
        fp16: Whether images go in as float16; never, CoreML casts inside.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        coremltools = runtime_package("coremltools", "pip install coremltools", path)
        here = platform.system()
        try:
            self._model = coremltools.models.MLModel(str(path), skip_model_load=here != "Darwin")
        except (RuntimeError, ValueError, OSError) as error:
            raise unreadable(path, "CoreML", error) from error
        self.metadata = Metadata.from_text(dict(self._model.user_defined_metadata), path)
        self._names = sorted(o.name for o in self._model.get_spec().description.output)
        self._runs, self._here, self._path, self.device = here == "Darwin", here, path, device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1.

        Raises:
            ModelError: This is no system of Apple's.
        """
        if not self._runs:
            raise ModelError(
                f"CoreML runs on macOS, this is {self._here}.",
                path=self._path,
                remedy="Use the .pt file here, or export format=onnx.",
            )
        found = self._model.predict({"images": images.float().cpu().numpy()})
        tensors = (torch.from_numpy(np.array(found[name], np.float32)) for name in self._names)
        return brought_to_form(tuple(t.to(self.device) for t in tensors), self.metadata)
