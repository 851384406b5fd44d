"""Running an ExecuTorch folder."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable


class ExecuTorchBackend:
    """A loaded ExecuTorch program.

    Attributes:
        metadata: What the folder says of itself.
        fp16: Whether images go in as float16; never.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        self.metadata = Metadata.from_folder(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own parts and their age
            runtime = runtime_package("executorch.runtime", "pip install executorch", path)
        files = sorted(path.glob("*.pte"))
        if not files:
            raise unreadable(path, "ExecuTorch", "there is no .pte file in the folder")
        try:
            # the program's file stays mapped for as long as the method lives
            self._program = runtime.Runtime.get().load_program(str(files[0]))
            self._method = self._program.load_method("forward")
        except RuntimeError as error:
            raise unreadable(path, "ExecuTorch", error) from error
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        found = self._method.execute([images.float().cpu().contiguous()])
        # the runtime writes the next outputs where these are
        return brought_to_form(tuple(t.clone().to(self.device) for t in found), self.metadata)
