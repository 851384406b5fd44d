"""Rotated boxes: their corners, how much they overlap as Gaussians, and removing duplicates among them.

A rotated box is ``xywhr``: centre, width, height in pixels and the angle in radians by which its width side
is turned from the x axis, clockwise on screen since y points down. Functions that need no torch take numpy
arrays as well and return the same kind.

The overlap is ProbIoU (Llerena et al. 2021, "Gaussian Bounding Boxes and Probabilistic Intersection-over-Union
for Object Detection"): a box becomes the normal distribution with the mean and covariance of a uniform one
over it, and the overlap of two boxes is 1 minus the Hellinger distance of their distributions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.ops.boxes import Array

# How far apart the classes are laid, in pixels: more than the sides of images
CLASS_DISTANCE_PX = 7680.0
_CELL_PX = (
    16.0  # boxes with centres in one such square are neighbours, and so many follow one another
)
_NEIGHBOURS = 8
_BLOCK = 256  # candidates compared at once; a dozen planes of 256 x 256 float32 stay in the cache


def xywhr2xyxyxyxy(x: Array) -> Array:
    """Turn rotated boxes (..., 5) into their corners (..., 4, 2).

    Without rotation the corners are bottom right, top right, top left, bottom left.
    """
    like: Any = np if isinstance(x, np.ndarray) else torch
    centre, width, height, angle = x[..., :2], x[..., 2:3], x[..., 3:4], x[..., 4:5]
    cos, sin = like.cos(angle), like.sin(angle)
    along = like.concatenate((width / 2 * cos, width / 2 * sin), -1)
    across = like.concatenate((-height / 2 * sin, height / 2 * cos), -1)
    corners = (
        centre + along + across,
        centre + along - across,
        centre - along - across,
        centre - along + across,
    )
    return like.stack(corners, -2)


def dist2rbox(distance: Tensor, angle: Tensor, points: Tensor, dim: int = -1) -> Tensor:
    """Turn distances (left, top, right, bottom) along a rotated box's own sides into centre, width, height.

    Args:
        distance: Four values along ``dim``, in the unit of the points.
        angle: One along ``dim``, radians.
        points: x and y along ``dim``, broadcastable to the distances: where the distances start.
        dim: The dimension that holds the values.
    """
    left_top, right_bottom = distance.chunk(2, dim)
    cos, sin = angle.cos(), angle.sin()
    x, y = ((right_bottom - left_top) / 2).chunk(2, dim)
    centre = torch.cat((x * cos - y * sin, x * sin + y * cos), dim) + points
    return torch.cat((centre, left_top + right_bottom), dim)


def rbox2dist(points: Tensor, boxes: Tensor, last_bin: int | None = None) -> Tensor:
    """Turn rotated boxes (..., 5) into distances from points (..., 2) along their own sides (..., 4).

    It undoes :func:`dist2rbox`. With ``last_bin`` the distances are limited to what bins 0..last_bin
    express as a mix of two neighbours.
    """
    cos, sin = boxes[..., 4:].cos(), boxes[..., 4:].sin()
    x, y = (boxes[..., :2] - points).split(1, -1)
    ahead = torch.cat((x * cos + y * sin, y * cos - x * sin), -1)
    half = boxes[..., 2:4] / 2
    distance = torch.cat((half - ahead, half + ahead), -1)
    return distance if last_bin is None else distance.clamp(0, last_bin - 0.01)


def covariance(boxes: Tensor, blur: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """Return the covariance of each rotated box (..., 5): of x, of y, and between them, each (..., 1).

    ``blur`` is a variance that is added in every direction.
    """
    width, height, angle = boxes[..., 2:5].split(1, -1)
    along, across = width.pow(2) / 12, height.pow(2) / 12
    if blur:
        along, across = along + blur, across + blur
    cos, sin = angle.cos(), angle.sin()
    cos2, sin2 = cos.pow(2), sin.pow(2)
    return along * cos2 + across * sin2, along * sin2 + across * cos2, (along - across) * cos * sin


def probiou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7, blur: float = 0.0) -> Tensor:
    """Return the ProbIoU of boxes (..., 5) pair by pair, differentiable, (..., 1) in 0..1.

    Args:
        boxes1: Rotated boxes; leading dimensions broadcast.
        boxes2: Rotated boxes.
        eps: Guards the divisions for boxes without area.
        blur: Variance, in the boxes' unit squared, by which both boxes are blurred: keeps the gradient of
            the thinnest boxes within bounds.
    """
    (x1, y1), (x2, y2) = boxes1[..., :2].split(1, -1), boxes2[..., :2].split(1, -1)
    (a1, b1, c1), (a2, b2, c2) = covariance(boxes1, blur), covariance(boxes2, blur)
    a, b, c = a1 + a2, b1 + b2, c1 + c2
    spread = a * b - c.pow(2)
    means = (a * (y1 - y2).pow(2) + b * (x1 - x2).pow(2)) / (spread + eps) / 4
    means = means + (c * (x2 - x1) * (y1 - y2)) / (spread + eps) / 2
    own = ((a1 * b1 - c1.pow(2)).clamp(0) * (a2 * b2 - c2.pow(2)).clamp(0)).sqrt()
    shapes = (spread / (4 * own + eps) + eps).log() / 2
    bhattacharyya = (means + shapes).clamp(eps, 100.0)
    return 1 - (1 - (-bhattacharyya).exp() + eps).sqrt()


def batch_probiou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """Return the ProbIoU (N, M) of every box of one set (N, 5) with every box of another (M, 5)."""
    return probiou(boxes1[:, None], boxes2[None], eps)[..., 0]


def moved_apart(boxes: Tensor, labels: Tensor | None) -> Tensor:
    """Return boxes (N, 4 corners, or 5 rotated) with each class moved to a place of its own.

    The distance is the field's, and what float32 then rounds away decides which of two boxes stays that
    overlap by very nearly the threshold: so the same ones stay here as there.
    """
    if labels is None or not len(boxes):
        return boxes
    corners = boxes.shape[1] == 4
    places = boxes if corners else boxes[:, :2]
    span = max(CLASS_DISTANCE_PX, float(places.amax() - places.amin()) + 1)
    shift = labels.to(boxes.dtype)[:, None] * span
    return boxes + shift if corners else torch.cat((places + shift, boxes[:, 2:]), 1)


def select_rotated(boxes: Tensor, labels: Tensor | None, iou: float, max_det: int) -> Tensor:
    """Return the indices of the boxes that no surer box of their class overlaps by ``iou`` or more, in order.

    A box goes also when the surer one is gone itself (the field's way for rotated boxes), so each box is
    judged on its own, and the work stops with the last one asked for.

    Args:
        boxes: (N, 5) float32, best score first.
        labels: Class ids (N,); boxes of different classes do not touch each other. None: all are one class.
        iou: Suppress at this ProbIoU.
        max_det: Stop with this many.
    """
    boxes = moved_apart(boxes, labels)
    classes, alone = _members(boxes, labels), ~_overlapped_by_neighbours(boxes, labels, iou)
    kept = [torch.zeros(0, dtype=torch.long, device=boxes.device)]
    start, count, step = 0, 0, 2 * _BLOCK
    while start < len(boxes) and count < max_det:
        among = (start, start + step)
        parts = [_survivors(boxes, members, among, alone, iou) for members in classes]
        kept.append(torch.cat(parts).sort().values)
        count += len(kept[-1])
        start, step = start + step, 2 * step
    return torch.cat(kept)[:max_det]


def _members(boxes: Tensor, labels: Tensor | None) -> list[Tensor]:
    """Return the indices of the boxes of each class, ascending: only these are compared with one another."""
    if labels is None:
        return [torch.arange(len(boxes), device=boxes.device)]
    order = labels.argsort(stable=True)
    counts = labels[order].unique_consecutive(return_counts=True)[1]
    return list(order.split(counts.tolist()))


def _overlapped_by_neighbours(boxes: Tensor, labels: Tensor | None, iou: float) -> Tensor:
    """Return which boxes a surer one of their class, of a few that lie beside them, overlaps (N,) bool.

    Most candidates of a head lie in heaps: a few comparisons with what is next to them spare those with all.
    """
    x, y = (boxes[:, :2] / _CELL_PX).floor().long().unbind(1)
    order = (y * 2**32 + x).argsort(stable=True)
    found = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
    for away in range(1, min(_NEIGHBOURS + 1, len(boxes))):
        surer, other = torch.stack((order[:-away], order[away:])).sort(0).values
        over = probiou(boxes[surer], boxes[other])[:, 0] >= iou
        if labels is not None:
            over &= labels[surer] == labels[other]
        found[other[over]] = True
    return found


def _survivors(
    boxes: Tensor, members: Tensor, among: tuple[int, int], alone: Tensor, iou: float
) -> Tensor:
    """Return which boxes of a class, indices ``among``, no surer one of it overlaps; only those ``alone`` (N,) can."""
    first, last = torch.searchsorted(members, members.new_tensor(among)).tolist()
    left = torch.arange(first, last, device=boxes.device)  # places among the members
    left = left[alone[members[left]]]
    for before in range(0, last, _BLOCK):  # the surest first: they send most away
        if not len(left):
            break
        rivals = torch.arange(before, min(before + _BLOCK, last), device=boxes.device)
        left = left[~_overlapped(boxes, members, rivals, left, iou)]
    return members[left]


def _overlapped(
    boxes: Tensor, members: Tensor, rivals: Tensor, places: Tensor, iou: float
) -> Tensor:
    """Return at which places (P,) among the members a box is that one of the rivals before it overlaps."""
    mine, others = boxes[members[places]], boxes[members[rivals]]
    pairs = _near(others, mine, iou) & (rivals[:, None] < places[None])
    first, second = pairs.nonzero(as_tuple=True)
    over = probiou(others[first], mine[second])[:, 0] >= iou
    found = torch.zeros(len(places), dtype=torch.bool, device=boxes.device)
    found[second[over]] = True
    return found


def _near(boxes1: Tensor, boxes2: Tensor, iou: float) -> Tensor:
    """Return which pairs (N, M) are near enough that their ProbIoU can reach a threshold.

    With the Bhattacharyya distance B, ProbIoU = 1 - sqrt(1 - exp(-B)), and B is at least the squared distance of
    the centres over four times the sum of both covariances' traces.
    """
    if iou <= 0:
        return torch.ones(len(boxes1), len(boxes2), dtype=torch.bool, device=boxes1.device)
    reach = -4.04 * math.log1p(-((1 - iou) ** 2))  # one in a hundred more, for what float32 rounds
    trace1, trace2 = ((b[:, 2].pow(2) + b[:, 3].pow(2)) / 12 for b in (boxes1, boxes2))
    x = boxes1[:, None, 0] - boxes2[None, :, 0]
    y = boxes1[:, None, 1] - boxes2[None, :, 1]
    return x * x + y * y <= reach * (trace1[:, None] + trace2[None]) + 1e-3
