"""Running a TorchScript file."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.runtime.errors import ModelError

# Name of the entry with the metadata inside the file; the field's
METADATA_FILE = "config.txt"


class TorchScriptBackend:
    """A loaded TorchScript module.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16; never, the cast is inside.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        entries = {METADATA_FILE: ""}
        try:
            with warnings.catch_warnings():
                # torch.jit is to go one day; its files stay in use
                warnings.filterwarnings("ignore", ".*torch.jit", FutureWarning)
                warnings.filterwarnings("ignore", ".*torch.jit", DeprecationWarning)
                self._module = torch.jit.load(str(path), map_location=device, _extra_files=entries)
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise ModelError(
                f"cannot be opened as TorchScript ({reason}).",
                path=path,
                remedy="Export it again from its .pt file.",
            ) from error
        try:
            stored = json.loads(entries[METADATA_FILE] or "{}")
        except json.JSONDecodeError as error:
            raise ModelError(
                f"what it says of itself cannot be read ({error}).", path=path
            ) from error
        self.metadata = Metadata.from_text(_with_names(stored), path)
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        final = self._module(images.float().to(self.device))
        tensors = tuple(final) if isinstance(final, tuple | list) else (final,)
        return brought_to_form(tensors, self.metadata)


def _with_names(stored: dict) -> dict:
    """Give class ids back their numbers, which JSON turns into text."""
    names = stored.get("names")
    if isinstance(names, dict):
        stored = {**stored, "names": {int(k): v for k, v in names.items()}}
    return stored
