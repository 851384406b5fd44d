"""Running an ONNX file with ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.runtime.errors import ModelError
from engine.runtime.log import LOGGER


class OnnxBackend:
    """An ONNX Runtime session.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16.
        providers: What runs it, the first first.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        self._session = _open(path, device)
        self.providers: list[str] = self._session.get_providers()
        self.device = device
        self.metadata = Metadata.from_text(self._session.get_modelmeta().custom_metadata_map, path)
        image = self._session.get_inputs()[0]
        self._input = image.name
        self.fp16 = image.type == "tensor(float16)"

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        wanted = np.float16 if self.fp16 else np.float32
        array = np.ascontiguousarray(images.cpu().numpy().astype(wanted, copy=False))
        outputs = self._session.run(None, {self._input: array})
        tensors = tuple(torch.from_numpy(output).to(self.device) for output in outputs)
        return brought_to_form(tensors, self.metadata)


def _open(path: Path, device: torch.device) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            "running ONNX files needs the package onnxruntime.",
            path=path,
            remedy="Install it: pip install onnxruntime (onnxruntime-gpu for CUDA).",
        ) from error
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda":
        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            providers.insert(0, ("CUDAExecutionProvider", {"device_id": device.index or 0}))
        else:
            LOGGER.warning(
                "%s: runs on the CPU, because the installed onnxruntime cannot use CUDA; "
                "onnxruntime-gpu can.",
                path.name,
            )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = (
        3  # errors; its warnings are about graphs, which nobody can change here
    )
    options.intra_op_num_threads = torch.get_num_threads()
    # its threads wait busily for the next layer, but not for the next image: what comes before and after needs the cores
    options.add_session_config_entry("session.force_spinning_stop", "1")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except _errors_of(onnxruntime) as error:
        raise _unreadable(path, error) from error


def _errors_of(onnxruntime: Any) -> tuple[type[Exception], ...]:
    """Return the package's exceptions: they have no base class of their own."""
    state = onnxruntime.capi.onnxruntime_pybind11_state
    found = (e for e in vars(state).values() if isinstance(e, type) and issubclass(e, Exception))
    return RuntimeError, *found


def _unreadable(path: Path, error: Exception) -> ModelError:
    reason = str(error).strip().partition("\n")[0]
    return ModelError(
        f"cannot be opened as ONNX ({reason}).",
        path=path,
        remedy="Export it again from its .pt file.",
    )
