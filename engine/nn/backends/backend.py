"""What the backends share: the protocol, and giving fixed-shape files the batches they want."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.nn.backends.metadata import Metadata
from engine.runtime.errors import ModelError

Outputs = tuple[Tensor, ...]


class Backend(Protocol):
    """Runs one kind of model file.

    Attributes:
        metadata: What the file says of itself.
        fp16: Whether images go in as float16.
    """

    metadata: Metadata
    fp16: bool

    def run(self, images: Tensor) -> Outputs:
        """Return the final outputs for images (B, C, H, W), values 0..1."""
        ...


def run_in_batches(backend: Backend, images: Tensor) -> Outputs:
    """Run any number of images, in the pieces that the file takes, the last one filled up.

    Raises:
        ModelError: The images do not have the size that the file was made for.
    """
    metadata = backend.metadata
    size = tuple(images.shape[-2:])
    if size != metadata.imgsz and not metadata.dynamic:
        height, width = metadata.imgsz
        raise ModelError(
            f"this model takes images of height {height} and width {width}, received {size[0]} and "
            f"{size[1]}.",
            value=size,
            remedy=f"Use imgsz={height if height == width else [height, width]}, or export with dynamic=True.",
        )
    batch = metadata.batch
    if metadata.free_batch or len(images) == batch:
        return backend.run(images)
    pieces = []
    for piece in images.split(batch):
        fill = images.new_zeros((batch - len(piece), *piece.shape[1:]))
        outputs = backend.run(torch.cat((piece, fill)))
        pieces.append([output[: len(piece)] for output in outputs])
    return tuple(_joined(parts) for parts in zip(*pieces, strict=True))


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Join pieces of a batch; a prompt-free model gives each its own number of anchors, filled up with 0."""
    last = max(part.shape[-1] for part in parts)
    return torch.cat([F.pad(part, (0, last - part.shape[-1])) for part in parts])


def final_tensors(outputs: Any) -> Outputs:
    """Return the final tensors of what a model of ours returns in eval mode, without the raw ones."""
    final = outputs[0] if isinstance(outputs, tuple) else outputs
    return final if isinstance(final, tuple) else (final,)


def brought_to_form(outputs: Outputs, metadata: Metadata) -> Outputs:
    """Bring what a file gives to the form of a model's final tensors.

    Rows of a built-in removal of duplicates become dense, and a map of classes (B, H, W), which other
    programs' semantic models give, becomes one map a class with 1 where it is.
    """
    first, *rest = outputs
    if metadata.nms:
        first = expand_detections(first, len(metadata.names), metadata.task == "obb")
    elif metadata.task == "semseg" and first.ndim == 3:
        first = F.one_hot(first.long(), len(metadata.names)).permute(0, 3, 1, 2).float()
    return first, *rest


def expand_detections(rows: Tensor, nc: int, rotated: bool = False) -> Tensor:
    """Turn rows of a built-in duplicate removal into the form of a head's output.

    So whatever comes after needs to know one form only; removing duplicates again changes nothing.

    Args:
        rows: (B, N, 6 + extras): xyxy in pixels, score, class, extras; unused rows have score 0.
        nc: Number of classes.
        rotated: The boxes are xywh already, their angle among the extras.

    Returns:
        (B, 4 + nc + extras, N): xywh in pixels, a score at the row's class, extras.
    """
    boxes, score, label, extras = rows.split((4, 1, 1, rows.shape[2] - 6), 2)
    scores = rows.new_zeros((*rows.shape[:2], nc)).scatter_(2, label.long(), score)
    if not rotated:
        corner1, corner2 = boxes.chunk(2, 2)
        boxes = torch.cat(((corner1 + corner2) / 2, corner2 - corner1), 2)
    return torch.cat((boxes, scores, extras), 2).transpose(1, 2)
