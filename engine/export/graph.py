"""The module that is written to an exported file: a model of ours with only its final outputs."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from engine.export.duplicates import Suppress, remove_duplicates, suppress_by_operator
from engine.nn.backends.backend import final_tensors
from engine.nn.backends.metadata import TASKS_WITHOUT_BOXES, Metadata
from engine.nn.modules.head import answering
from engine.nn.tasks import BaseModel


class ExportGraph(nn.Module):
    """Images (B, C, H, W) in, a tuple of float32 tensors out; no gradients, no batch normalisation.

    With ``half`` the layers compute in float16 while input, box decoding and outputs stay float32: in
    float16 a coordinate of 640 pixels is rounded to half a pixel.

    Classes that were given as embeddings go into the convolutions; what encodes prompts stays out.

    Attributes:
        model: A fused copy of the model.
        metadata: How the file will be used.
        suppress: What removes duplicates among upright boxes.
        in_parts: Give boxes, scores and what the task adds as outputs of their own instead of as one, for
            formats that round each output by a scale of its own.
    """

    def __init__(
        self,
        model: BaseModel,
        metadata: Metadata,
        device: torch.device,
        in_half: bool | None = None,
    ) -> None:
        """Make the module.

        Args:
            model: The model; it stays as it is.
            metadata: How the file will be used.
            device: Where the module goes.
            in_half: Whether the layers compute in float16; None does as the metadata says.

        Raises:
            ModelError: The branch that the metadata asks for is not there.
        """
        super().__init__()
        self.metadata = metadata
        self.suppress: Suppress = suppress_by_operator
        self.in_half = metadata.half if in_half is None else in_half
        self.in_parts = False
        own = deepcopy(model).eval().float()
        own.end2end = metadata.end2end
        self.model: BaseModel = own.fuse().requires_grad_(False).to(device)
        drop_prompts(own.head)
        if hasattr(own.head, "max_det"):
            own.head.dynamic = metadata.dynamic or self.chooses_cells
            own.head.max_det = metadata.max_det
        for module in self.model.modules():
            if isinstance(module, nn.SiLU):
                module.inplace = (
                    False  # in a recorded graph it would only hide what depends on what
                )
        if self.in_half:
            self.model.half()
        self.eval()

    @property
    def chooses_cells(self) -> bool:
        """Whether the number of anchors depends on the image, as that of a prompt-free model does."""
        head = self.model.head
        return any(getattr(head, name, None) is not None for name in ("lrpc", "one2one_lrpc"))

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs in their order."""
        first = [f"output0_{part}" for part in range(len(self._parts))] or ["output0"]
        return [*first, "output1"] if self.metadata.task == "segment" else first

    def hold_sizes(self) -> None:
        """Keep what the size of the images seen last decides, for recorders to whom sizes are no numbers.

        Then :func:`torch.fx.symbolic_trace` records the graph, and it takes images of that size only.

        Raises:
            ModelError: There were no images yet, or sizes are free.
        """
        if hasattr(self.model.head, "hold_anchors"):
            self.model.head.hold_anchors()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the model's final outputs, with nms the first as rows (B, max_det, 6 + extras)."""
        if self._parts:
            return self._in_parts(images)
        first, *rest = self._final_in_half(images) if self.in_half else self._final(images)
        if self.metadata.nms:
            first = remove_duplicates(first, self.metadata, self.suppress)
        return first, *rest

    @property
    def _parts(self) -> list[int]:
        """Sizes of the parts that the first output comes in; empty where it comes as one."""
        metadata = self.metadata
        is_dense = metadata.task not in TASKS_WITHOUT_BOXES and not (
            metadata.nms or metadata.end2end
        )
        if not self.in_parts or not is_dense:
            return []
        classes = len(metadata.names)
        extras = self._extras
        return [4, classes, extras] if extras else [4, classes]

    @property
    def _extras(self) -> int:
        """Return how many numbers a detection has beside box and scores."""
        if self.metadata.task == "segment":
            return int(self.model.head.nm)
        shape = self.metadata.kpt_shape or (0, 0)
        return 1 if self.metadata.task == "obb" else shape[0] * shape[1]

    def _in_parts(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the parts as they were before they are joined: joined ones would share a scale."""
        outputs = self.model(images)
        rest = final_tensors(outputs)[1:]
        return *self.model.head.decoded(answering(as_float(outputs[1]))), *rest

    def _final(self, images: Tensor) -> tuple[Tensor, ...]:
        return final_tensors(self.model(images))

    def _final_in_half(self, images: Tensor) -> tuple[Tensor, ...]:
        outputs = self.model(images.half())
        if self.metadata.task == "semseg":
            return (outputs.float(),)
        raw = as_float(outputs[1])
        if self.metadata.task == "classify":
            return (raw.softmax(1),)
        return final_tensors((self.model.head.final(raw), raw))


def as_float(raw: Any) -> Any:
    """Return raw tensors, in whatever lists and dictionaries they are, as float32; indices as they are."""
    if isinstance(raw, dict):
        return {key: as_float(value) for key, value in raw.items()}
    if isinstance(raw, list):
        return [as_float(r) for r in raw]
    return raw.float() if raw.is_floating_point() else raw


def drop_prompts(head: Any) -> None:
    """Take the encoders of prompts out of a head: a file's classes are fixed."""
    if hasattr(head, "savpe"):
        head.savpe, head.reprta = None, nn.Identity()
