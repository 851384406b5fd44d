"""Running a TensorRT engine."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, brought_to_form
from engine.nn.backends.metadata import Metadata
from engine.nn.backends.runtime_package import runtime_package, unreadable
from engine.runtime.errors import ModelError

INPUT_NAME = "images"


class TensorRtBackend:
    """An engine on an NVIDIA GPU.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16; never, the cast is inside.
    """

    fp16 = False

    def __init__(self, path: Path, device: torch.device) -> None:
        entries, plan = read_engine(path)
        self.metadata = Metadata.from_text(entries, path)
        if device.type != "cuda":
            raise ModelError(
                f"TensorRT engines run on NVIDIA GPUs, received device={device}.",
                path=path,
                value=str(device),
                remedy="Write device=0, or use the .pt or .onnx file.",
            )
        self._trt = runtime_package("tensorrt", "pip install tensorrt", path)
        runtime = self._trt.Runtime(self._trt.Logger(self._trt.Logger.WARNING))
        self._engine = runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise unreadable(path, "a TensorRT engine", "another GPU or version wrote it")
        self._context = self._engine.create_execution_context()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._outputs = sorted(name for name in names if name != INPUT_NAME)
        self.device = device

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        images = images.float().contiguous()
        self._context.set_input_shape(INPUT_NAME, tuple(images.shape))
        self._context.set_tensor_address(INPUT_NAME, images.data_ptr())
        tensors = [self._room_for(name) for name in self._outputs]
        stream = torch.cuda.current_stream(self.device)
        if not self._context.execute_async_v3(stream.cuda_stream):
            raise ModelError("TensorRT could not run the engine.", value=tuple(images.shape))
        stream.synchronize()
        return brought_to_form(tuple(tensors), self.metadata)

    def _room_for(self, name: str) -> Any:
        """Return an empty tensor of an output's shape, bound to it."""
        shape = tuple(self._context.get_tensor_shape(name))
        room = torch.empty(shape, dtype=torch.float32, device=self.device)
        self._context.set_tensor_address(name, room.data_ptr())
        return room


def read_engine(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the entries before an engine, and the engine.

    Raises:
        ModelError: There are none.
    """
    content = path.read_bytes()
    try:
        (length,) = struct.unpack_from("<I", content)
        entries: dict[str, Any] = json.loads(content[4 : 4 + length])
    except (struct.error, ValueError) as error:
        raise unreadable(path, "a TensorRT engine of ours", "it does not say what it is") from error
    return entries, content[4 + length :]
