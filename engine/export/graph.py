"""The module that is written to an exported file: a model of ours with only its final outputs."""

from __future__ import annotations

import math
from copy import deepcopy

import torch
from torch import Tensor, nn

from engine.nn.backends.metadata import Metadata
from engine.nn.tasks import BaseModel


class ExportGraph(nn.Module):
    """Images (B, C, H, W) in, a tuple of float32 tensors out; no gradients, no batch normalisation.

    With ``half`` the layers compute in float16 while input, box decoding and outputs stay float32: in
    float16 a coordinate of 640 pixels is rounded to half a pixel.

    Attributes:
        model: A fused copy of the model.
        metadata: How the file will be used.
    """

    def __init__(self, model: BaseModel, metadata: Metadata, device: torch.device) -> None:
        super().__init__()
        self.metadata = metadata
        self.model: BaseModel = (
            deepcopy(model).eval().float().fuse().requires_grad_(False).to(device)
        )
        self.model.head.dynamic = metadata.dynamic
        for module in self.model.modules():
            if isinstance(module, nn.SiLU):
                module.inplace = (
                    False  # in a recorded graph it would only hide what depends on what
                )
        if metadata.half:
            self.model.half()
        self.eval()

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs in their order."""
        return ["output0", "output1"] if self.metadata.task == "segment" else ["output0"]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return (B, 4 + nc [+ nm], A), or with nms (B, max_det, 6 [+ nm]), then any prototypes."""
        final = self._final(images)
        decoded, *rest = final if isinstance(final, tuple) else (final,)
        if self.metadata.nms:
            decoded = remove_duplicates(decoded, self.metadata)
        return decoded, *rest

    def _final(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        if not self.metadata.half:
            return self.model(images)[0]
        _, raw = self.model(images.half())
        as_float = {
            key: [f.float() for f in value] if isinstance(value, list) else value.float()
            for key, value in raw.items()
        }
        return self.model.head.decode(as_float)


def remove_duplicates(decoded: Tensor, metadata: Metadata) -> Tensor:
    """Keep the best of overlapping boxes, in operations that ONNX has.

    Args:
        decoded: (B, 4 + nc + extras, A), boxes xywh in pixels. B is fixed in a recorded graph.
        metadata: Says the thresholds.

    Returns:
        (B, max_det, 6 + extras): xyxy, score, class, extras; best first, unused rows zero.
    """
    return torch.stack([_of_one_image(image, metadata) for image in decoded.unbind(0)])


def _of_one_image(image: Tensor, metadata: Metadata) -> Tensor:
    from torchvision.ops import nms  # its import registers how ONNX writes it; slow, so only here

    centre, size, scores, extras = image.split(
        (2, 2, len(metadata.names), image.shape[0] - 4 - len(metadata.names)), 0
    )
    score, label = scores.max(0)  # (A,)
    corners = torch.cat((centre - size / 2, centre + size / 2)).T  # (A, 4)
    likely = (score > metadata.conf).nonzero().squeeze(1)
    boxes, score, label = (
        corners[likely],
        score[likely],
        label[likely].to(corners.dtype),
    )  # (L, ...)
    apart = boxes
    if not metadata.agnostic_nms:
        apart = boxes + _class_offsets(label, corners.max() - corners.min() + 1, metadata)
    kept = nms(apart, score, metadata.iou)[: metadata.max_det]
    columns = (boxes[kept], score[kept, None], label[kept, None], extras.T[likely][kept])
    rows = torch.cat(columns, 1)
    empty = rows.new_zeros(metadata.max_det, rows.shape[1])
    return torch.cat((rows, empty))[: metadata.max_det]


def _class_offsets(label: Tensor, extent: Tensor, metadata: Metadata) -> Tensor:
    """Return offsets (L, 4) that move each class to a place of its own, so that only equals overlap.

    The places form a square, not a row: the further out, the coarser float32 becomes, and overlaps near
    the threshold would be decided by rounding.
    """
    side = math.ceil(math.sqrt(len(metadata.names)))
    row = torch.floor(label / side)
    offset = torch.stack((label - row * side, row), 1) * extent
    return torch.cat((offset, offset), 1)
