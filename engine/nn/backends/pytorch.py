"""Running a model of ours in PyTorch, made ready for inference."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor

from engine.nn.backends.backend import Outputs, final_tensors
from engine.nn.backends.metadata import Metadata
from engine.nn.tasks import BaseModel


class PyTorchBackend:
    """A fused copy of a model; the model that was given stays as it is.

    Attributes:
        metadata: What the model says of itself.
        fp16: Whether images go in as float16.
        model: The copy.
    """

    def __init__(
        self,
        model: BaseModel,
        device: torch.device,
        half: bool,
        fuse: bool,
        end2end: bool | None = None,
    ) -> None:
        # half on a CPU would be slower than float32, where it works at all
        self.fp16 = half and device.type != "cpu"
        model = deepcopy(model).eval().requires_grad_(False)
        if end2end is not None:  # before fusing, which takes the other branch away
            model.end2end = end2end
        model = (model.fuse() if fuse else model).to(device)
        model = model.half() if self.fp16 else model.float()
        # channels last is how both the CPU's and the GPU's convolutions like their input
        self.model = model.to(memory_format=torch.channels_last)
        imgsz = getattr(model.args, "imgsz", None) or 640
        self.metadata = Metadata(
            task=model.task,
            names=dict(model.names),
            stride=int(model.stride.max()),
            imgsz=(imgsz, imgsz) if isinstance(imgsz, int) else tuple(imgsz),
            channels=model.yaml["channels"],
            dynamic=True,
            half=self.fp16,
            end2end=model.end2end,
            kpt_shape=getattr(model, "kpt_shape", None),
            crop_fraction=getattr(model.args, "crop_fraction", None) or 1.0,
        )

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        return final_tensors(self.model(images.contiguous(memory_format=torch.channels_last)))
