"""What the backends share: the protocol, and giving fixed-shape files the batches they want."""

from __future__ import annotations

from typing import Protocol

import torch
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
    return tuple(torch.cat(parts) for parts in zip(*pieces, strict=True))


def expand_detections(rows: Tensor, nc: int) -> Tensor:
    """Turn rows of a built-in duplicate removal into the form of a head's output.

    So whatever comes after needs to know one form only; removing duplicates again changes nothing.

    Args:
        rows: (B, N, 6 + extras): xyxy in pixels, score, class, extras; unused rows have score 0.
        nc: Number of classes.

    Returns:
        (B, 4 + nc + extras, N): xywh in pixels, a score at the row's class, extras.
    """
    corner1, corner2, score, label, extras = rows.split((2, 2, 1, 1, rows.shape[2] - 6), 2)
    scores = rows.new_zeros((*rows.shape[:2], nc)).scatter_(2, label.long(), score)
    boxes = ((corner1 + corner2) / 2, corner2 - corner1)
    return torch.cat((*boxes, scores, extras), 2).transpose(1, 2)
