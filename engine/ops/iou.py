"""Overlap measures between boxes and between masks, on torch tensors."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

IouKind = Literal["iou", "giou", "diou", "ciou"]


def box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """Return the IoU of every box of one set with every box of another.

    Args:
        boxes1: Corners (N, 4).
        boxes2: Corners (M, 4).
        eps: Least union, so that two empty boxes give 0.

    Returns:
        (N, M) float32 in 0..1.
    """
    boxes1, boxes2 = boxes1.float(), boxes2.float()
    left_top = torch.maximum(boxes1[:, None, :2], boxes2[None, :, :2])
    right_bottom = torch.minimum(boxes1[:, None, 2:], boxes2[None, :, 2:])
    inter = (right_bottom - left_top).clamp_(0).prod(2)
    area1 = (boxes1[:, 2:] - boxes1[:, :2]).prod(1)
    area2 = (boxes2[:, 2:] - boxes2[:, :2]).prod(1)
    return inter / (area1[:, None] + area2 - inter).clamp(min=eps)


def bbox_iou(
    box1: Tensor, box2: Tensor, xywh: bool = True, kind: IouKind = "iou", eps: float = 1e-7
) -> Tensor:
    """Return the element-wise overlap of two broadcastable sets of boxes, differentiable.

    Args:
        box1: Boxes (..., 4).
        box2: Boxes (..., 4).
        xywh: The boxes are centre and size; otherwise corners.
        kind: ``iou``; ``giou`` (Rezatofighi et al. 2019); ``diou`` and ``ciou`` (Zheng et al. 2020), which
            also see the distance of the centres and, for ``ciou``, the aspect ratio.
        eps: Guards the divisions for boxes without area.

    Returns:
        (...), 1 for equal boxes; ``iou`` is 0..1, the others go down to -1 or a little below.
    """
    if xywh:
        (cx1, cy1, w1, h1), (cx2, cy2, w2, h2) = box1.unbind(-1), box2.unbind(-1)
        ax1, ay1, ax2, ay2 = cx1 - w1 / 2, cy1 - h1 / 2, cx1 + w1 / 2, cy1 + h1 / 2
        bx1, by1, bx2, by2 = cx2 - w2 / 2, cy2 - h2 / 2, cx2 + w2 / 2, cy2 + h2 / 2
    else:
        (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = box1.unbind(-1), box2.unbind(-1)
        w1, h1, w2, h2 = ax2 - ax1, ay2 - ay1, bx2 - bx1, by2 - by1
    inter = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp(0) * (
        torch.minimum(ay2, by2) - torch.maximum(ay1, by1)
    ).clamp(0)
    union = w1 * h1 + w2 * h2 - inter + eps
    iou = inter / union
    if kind == "iou":
        return iou
    hull_w = torch.maximum(ax2, bx2) - torch.minimum(ax1, bx1)
    hull_h = torch.maximum(ay2, by2) - torch.minimum(ay1, by1)
    if kind == "giou":
        hull = hull_w * hull_h + eps
        return iou - (hull - union) / hull
    diagonal = hull_w**2 + hull_h**2 + eps
    distance = ((bx1 + bx2 - ax1 - ax2) ** 2 + (by1 + by2 - ay1 - ay2) ** 2) / 4
    if kind == "diou":
        return iou - distance / diagonal
    aspect = (torch.atan(w2 / (h2 + eps)) - torch.atan(w1 / (h1 + eps))) ** 2 * (4 / math.pi**2)
    with torch.no_grad():  # the paper treats the trade-off weight as a constant
        alpha = aspect / (aspect - iou + (1 + eps))
    return iou - (distance / diagonal + aspect * alpha)


def mask_iou(masks1: Tensor, masks2: Tensor) -> Tensor:
    """Return the IoU of every mask of one set with every mask of another.

    Only the pixels that some mask of the smaller set covers can be shared, so the product runs over those.

    Args:
        masks1: (N, ...) binary of any dtype, non-zero inside.
        masks2: (M, ...) binary, the same frame.

    Returns:
        (N, M) in 0..1, 0 for two empty masks; float64 where the device has it, since an overlap of exactly
        7 / 10 should pass a threshold of 0.7.
    """
    flat1, flat2 = masks1.flatten(1).bool(), masks2.flatten(1).bool()
    if flat1.shape[1] != flat2.shape[1]:
        raise ValueError(
            f"expected masks of one size, received {tuple(masks1.shape)} and {tuple(masks2.shape)}"
        )
    exact = torch.float32 if masks1.device.type == "mps" else torch.float64
    if not len(flat1) or not len(flat2):
        return torch.zeros(len(flat1), len(flat2), device=masks1.device, dtype=exact)
    area1, area2 = flat1.sum(1, dtype=exact), flat2.sum(1, dtype=exact)
    swapped = len(flat1) > len(flat2)
    few, many = (flat2, flat1) if swapped else (flat1, flat2)
    shared = few.any(0).nonzero().squeeze(1)
    if len(shared) < 0.6 * flat1.shape[1]:  # above that the gathering costs more than it saves
        few, many = few.index_select(1, shared), many.index_select(1, shared)
    inter = few.float() @ many.float().T
    inter = (inter.T if swapped else inter).to(exact)
    return inter / (area1[:, None] + area2 - inter).clamp(min=1)
