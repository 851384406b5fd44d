"""The loss of the class scores: binary cross-entropy with soft targets that are nearly all zero."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class _SparseTargetBce(torch.autograd.Function):
    """Sum of the binary cross-entropy of all logits with targets that are zero but at a few places.

    softplus(x) - t * x needs the targets at their places only, and the gradient sigmoid(x) - t is a sigmoid
    with a few numbers taken off: no dense target, and two passes over the scores instead of six.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, places: Tensor, values: Tensor) -> Tensor:
        ctx.save_for_backward(logits, places, values)
        flat = logits.reshape(-1)
        return torch.nn.functional.softplus(flat).sum() - (flat[places] * values).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        logits, places, values = ctx.saved_tensors
        out = logits.reshape(-1).sigmoid()
        out[places] -= values
        return out.mul_(grad).view(logits.shape), None, None


def sparse_bce(logits: Tensor, places: Tensor, values: Tensor) -> Tensor:
    """Return the summed binary cross-entropy of ``logits`` with targets 0 but ``values`` at ``places``.

    Args:
        logits: Any shape.
        places: Distinct flat indices into the logits (K,).
        values: Targets 0..1 at these places (K,).
    """
    return _SparseTargetBce.apply(logits, places, values)


def class_targets(
    image: Tensor,
    anchor: Tensor,
    label: Tensor,
    score: Tensor,
    shape: tuple[int, int, int],
    smoothing: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Return flat places and values of the targets of positive anchors in logits (B, nc, A).

    Args:
        image: Image of each positive anchor (P,).
        anchor: Its index (P,).
        label: Class of its object (P,).
        score: What the class should score, 0..1 (P,).
        shape: (B, nc, A).
        smoothing: This share of the score is spread evenly over all classes; the background stays at 0.
    """
    _, nc, anchors = shape
    start = image * (nc * anchors) + anchor
    if not smoothing:
        return start + label * anchors, score
    classes = torch.arange(nc, device=image.device)
    places = start[:, None] + classes * anchors
    values = (score * (smoothing / nc))[:, None].repeat(1, nc)
    values.scatter_add_(1, label[:, None], (score * (1 - smoothing))[:, None])
    return places.flatten(), values.flatten()
