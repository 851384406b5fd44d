"""Removal of duplicate boxes inside an exported file, in operations that the formats have."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from engine.nn.backends.metadata import Metadata
from engine.ops.boxes import xywh2xyxy
from engine.ops.rotated import batch_probiou

# (boxes (L, 4) corners, best first; the overlap; most to keep) -> indices of those to keep, best first
Suppress = Callable[[Tensor, float, int], Tensor]
# Oriented boxes are compared each with each: 2048 of them take 16 MiB a plane
MAX_ROTATED = 2048


def remove_duplicates(decoded: Tensor, metadata: Metadata, suppress: Suppress) -> Tensor:
    """Keep the best of overlapping boxes.

    Args:
        decoded: (B, 4 + nc + extras, A), boxes xywh in pixels. B is fixed in a recorded graph.
        metadata: Says the task and the thresholds.
        suppress: Chooses among upright boxes.

    Returns:
        (B, max_det, 6 + extras): corners, for oriented boxes xywh; score, class, extras; best first, unused
        rows zero.
    """
    return torch.stack([_of_one_image(image, metadata, suppress) for image in decoded.unbind(0)])


def suppress_by_operator(boxes: Tensor, iou: float, max_det: int) -> Tensor:
    """Choose boxes with torchvision's operator, which ONNX has one for."""
    from torchvision.ops import nms  # its import registers how ONNX writes it; slow, so only here

    ranks = torch.arange(boxes.shape[0], 0, -1, dtype=boxes.dtype, device=boxes.device)
    return nms(boxes, ranks, iou)[:max_det]


def suppress_by_loop(boxes: Tensor, iou: float, max_det: int) -> Tensor:
    """Choose boxes one after the other. Compiled it needs nothing but torch, so that any program runs it."""
    rest = torch.arange(boxes.size(0), device=boxes.device)
    kept = rest[:0]
    while kept.size(0) < max_det and rest.size(0) > 0:
        first, rest = rest[:1], rest[1:]
        kept = torch.cat((kept, first))
        one, others = boxes[first], boxes[rest]
        corner1 = torch.maximum(one[:, :2], others[:, :2])
        corner2 = torch.minimum(one[:, 2:], others[:, 2:])
        inter = (corner2 - corner1).clamp(min=0).prod(1)
        area = (one[:, 2:] - one[:, :2]).prod(1)
        union = area + (others[:, 2:] - others[:, :2]).prod(1) - inter
        rest = rest[inter <= iou * union]
    return kept


def _of_one_image(image: Tensor, metadata: Metadata, suppress: Suppress) -> Tensor:
    classes = len(metadata.names)
    boxes, scores, extras = image.T.split((4, classes, image.shape[0] - 4 - classes), 1)
    score, label = scores.max(1)  # (A,)
    likely = (score > metadata.conf).nonzero().squeeze(1)
    order = likely[score[likely].sort(descending=True)[1]]
    rotated = metadata.task == "obb"
    if rotated:
        order = order[:MAX_ROTATED]
    boxes, score, label, extras = boxes[order], score[order], label[order], extras[order]
    if rotated:
        kept = _rotated(torch.cat((boxes, extras[:, -1:]), 1), label, metadata)
    else:
        boxes = xywh2xyxy(boxes)
        apart = boxes if metadata.agnostic_nms else _apart(boxes, label, classes)
        kept = suppress(apart, metadata.iou, metadata.max_det)
    label = label.to(boxes.dtype)
    rows = torch.cat((boxes[kept], score[kept, None], label[kept, None], extras[kept]), 1)
    empty = rows.new_zeros(metadata.max_det, rows.shape[1])
    return torch.cat((rows, empty))[: metadata.max_det]


def _rotated(boxes: Tensor, label: Tensor, metadata: Metadata) -> Tensor:
    """Return the indices of those that no surer box of their class overlaps, see ``select_rotated``."""
    rank = torch.arange(boxes.shape[0], device=boxes.device)
    over = (batch_probiou(boxes, boxes) >= metadata.iou) & (rank[:, None] < rank[None])
    if not metadata.agnostic_nms:
        over = over & (label[:, None] == label[None])
    return (over.sum(0) == 0).nonzero().squeeze(1)[: metadata.max_det]


def _apart(boxes: Tensor, label: Tensor, classes: int) -> Tensor:
    """Move each class to a place of its own, so that only boxes of one class overlap.

    The places form a square, not a row: the further out, the coarser float32 becomes, and overlaps near
    the threshold would be decided by rounding.
    """
    side = math.ceil(math.sqrt(classes))
    # a box far from all others, so that there is one where nothing was found
    some = torch.cat((boxes, boxes.new_zeros(1, 4)))
    extent = some.max() - some.min() + 1
    row = torch.div(label, side, rounding_mode="floor")
    offset = torch.stack((label - row * side, row), 1).to(boxes.dtype) * extent
    return boxes + torch.cat((offset, offset), 1)
