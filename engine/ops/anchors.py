"""Anchor points of a feature pyramid and the distances by which a head describes boxes around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


def make_anchors(
    feats: Sequence[Tensor], strides: Iterable[float], grid_cell_offset: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Return the anchor points of some feature maps, level after level, rows before columns.

    Args:
        feats: Feature maps (B, C, H, W), one a level; only shape, dtype and device are used.
        strides: Input pixels to a cell, one a level.
        grid_cell_offset: Where in a cell the point lies; 0.5 is the centre.

    Returns:
        Points (A, 2), x and y in cells of their level, and strides (A, 1).
    """
    points, steps = [], []
    for feat, stride in zip(feats, strides, strict=True):
        h, w = feat.shape[2:]
        dtype, device = feat.dtype, feat.device
        x = torch.arange(w, dtype=dtype, device=device) + grid_cell_offset
        y = torch.arange(h, dtype=dtype, device=device) + grid_cell_offset
        grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
        points.append(torch.stack((grid_x, grid_y), -1).view(-1, 2))
        steps.append(torch.full((h * w, 1), float(stride), dtype=dtype, device=device))
    return torch.cat(points), torch.cat(steps)


def dist2bbox(distance: Tensor, anchor_points: Tensor, xywh: bool = True, dim: int = -1) -> Tensor:
    """Turn distances (left, top, right, bottom) from anchor points into boxes.

    Args:
        distance: Four values along ``dim``, in the unit of the anchor points.
        anchor_points: x and y along ``dim``, broadcastable to the distances.
        xywh: Return centre and size; otherwise corners.
        dim: The dimension that holds the four values.
    """
    left_top, right_bottom = distance.chunk(2, dim)
    corner1, corner2 = anchor_points - left_top, anchor_points + right_bottom
    if xywh:
        return torch.cat(((corner1 + corner2) / 2, corner2 - corner1), dim)
    return torch.cat((corner1, corner2), dim)


def bbox2dist(anchor_points: Tensor, bbox: Tensor, last_bin: int | None = None) -> Tensor:
    """Turn corners (..., 4) into distances (left, top, right, bottom) from anchor points (..., 2).

    With ``last_bin`` the distances are limited to what bins 0..last_bin express as a mix of two
    neighbours: 0 to just below ``last_bin``.
    """
    corner1, corner2 = bbox.chunk(2, -1)
    distance = torch.cat((anchor_points - corner1, corner2 - anchor_points), -1)
    return distance if last_bin is None else distance.clamp(0, last_bin - 0.01)
