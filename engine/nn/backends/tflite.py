"""Running a TensorFlow Lite file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable
from engine.nn.backends.saved_model import channels_last
from engine.runtime.errors import ModelError

# Name of the entry with the metadata in the archive behind the model; the field's
METADATA_FILE = "metadata.json"
# tensorflow.lite itself shows its interpreter no more
_RUNTIMES = (
    "ai_edge_litert.interpreter",
    "tflite_runtime.interpreter",
    "tensorflow.lite.python.interpreter",
)


class TfliteBackend:
    """A LiteRT interpreter.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16; never.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        self.metadata = Metadata.from_text(_entries(path), path)
        try:
            self._interpreter = _interpreter(path, self.metadata.int8)
            self._interpreter.allocate_tensors()
            self._run = self._interpreter.get_signature_runner()
        except (RuntimeError, ValueError) as error:
            raise unreadable(path, "TensorFlow Lite", error) from error
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        found = self._run(images=channels_last(images))
        names = sorted(found)  # output0 in parts comes as output0_0, output0_1 ...
        first = [torch.from_numpy(np.array(found[n])) for n in names if n.startswith("output0")]
        rest = [torch.from_numpy(np.array(found[n])) for n in names if not n.startswith("output0")]
        tensors = (torch.cat(first, 1) if len(first) > 1 else first[0], *rest)
        return brought_to_form(tuple(t.to(self.device) for t in tensors), self.metadata)


def _entries(path: Path) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            found: dict[str, Any] = json.loads(archive.read(METADATA_FILE))
            return found
    except (zipfile.BadZipFile, KeyError, json.JSONDecodeError) as error:
        raise unreadable(
            path, "a TensorFlow Lite file of ours", "it does not say what it is"
        ) from error


def _interpreter(path: Path, int8: bool) -> Any:
    """Return an interpreter of whichever runtime is installed, the smallest first.

    Products of two eight-bit activations, as attention has them, come out wrong in the runtime's faster
    kernels: files with such numbers go through its plain ones.
    """
    for name in _RUNTIMES:
        try:
            found = runtime_package(name, "", path)
        except ModelError:
            continue
        plain = {
            "experimental_op_resolver_type": found.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        }
        return found.Interpreter(
            model_path=str(path), num_threads=torch.get_num_threads(), **(plain if int8 else {})
        )
    raise ModelError(
        "running this file needs the package ai-edge-litert, which is not installed.",
        path=path,
        remedy="Install it: pip install ai-edge-litert (tensorflow does too).",
    )
