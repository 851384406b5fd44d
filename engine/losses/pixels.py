"""Cross-entropy and Dice over pixels that have one class each, from logits of a coarser map.

Enlarging the logits, their softmax and both losses are one step with its own gradient: of the enlarged maps,
which are hundreds of megabytes, one copy is made instead of half a dozen, and on the CPU image by image, so
that it stays in the cache. Enlarging is two products of matrices, forth and back.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from engine.losses.shares import mean_over_processes, processes, share_of

# The class of pixels that nothing is known of
IGNORED = 255
# Added to both sides of Dice's fraction, so that a class which is neither there nor seen costs nothing
_SMOOTH = 1.0


def pixel_losses(
    logits: Tensor, truth: Tensor, smoothing: float = 0.0, dice: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the losses of logits that are enlarged, bilinear, to the size of the truth.

    Args:
        logits: (B, nc, h, w), float32 or float64.
        truth: Class numbers (B, H, W) int64, 255 for none; such pixels do not count.
        smoothing: Share of each pixel's truth that is spread over all classes, 0..1.
        dice: Whether the second loss is wanted.

    Returns:
        The mean cross-entropy of the pixels, 0 where none has a class; and the mean Dice loss (Milletari et
        al. 2016) of the classes, each over all pixels of the batch, 0 where it is not wanted.
    """
    return _PixelLosses.apply(logits, truth, smoothing, dice)


class _PixelLosses(torch.autograd.Function):
    """The gradient by the logits: p (k + b - inner) + [class is the true one] (a p - k), pulled back.

    Here p are the shares of the classes, k the weight of a pixel in the cross-entropy, and a and b what
    Dice's fraction says of a share in the true class and in any.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, truth: Tensor, smoothing: float, dice: bool
    ) -> tuple[Tensor, Tensor]:
        nc = logits.shape[1]
        across, down = _enlarging(logits, truth)
        known = truth != IGNORED
        target = truth.where(known, 0)
        entropy, hit, there, seen = (logits.new_zeros(n) for n in (1, nc, nc, nc))
        kept = []
        for part in _parts(logits):
            enlarged = down @ logits[part] @ across.T
            sure, own = known[part], target[part]
            top = enlarged.amax(1, keepdim=True)
            right = enlarged.gather(1, own[:, None]) - top
            if smoothing:
                even = enlarged.mean(1, keepdim=True) - top
                right = (1 - smoothing) * right + smoothing * even
            shares = enlarged.sub_(top).exp_()
            total = shares.sum(1, keepdim=True)
            entropy += ((total.log() - right) * sure[:, None]).sum()
            shares *= sure[:, None] / total
            if dice:
                hit.index_add_(0, own.flatten(), shares.gather(1, own[:, None]).flatten())
                there.index_add_(0, own.flatten(), sure.flatten().to(there.dtype))
                seen += shares.sum((0, 2, 3))
            if ctx.needs_input_grad[0]:
                kept.append(shares)
        count = share_of(known.sum())
        if dice:
            hit, there, seen = mean_over_processes(torch.stack((hit, there, seen)))
        smooth = _SMOOTH / processes()
        size = seen + there + smooth
        share = (2 * hit + smooth) / size
        ctx.save_for_backward(across, down, known, target, count, size, share, *kept)
        ctx.smoothing, ctx.dice = smoothing, dice
        missed = (1 - share).mean() if dice else logits.new_zeros(())
        return entropy[0] / count, missed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, by_entropy: Tensor, by_dice: Tensor) -> tuple[Tensor | None, ...]:
        across, down, known, target, count, size, share, *kept = ctx.saved_tensors
        nc = len(share)
        weight = by_entropy / count
        scale = by_dice / nc if ctx.dice else torch.zeros_like(weight)
        in_true, in_any = -2 * scale / size, scale * share / size
        gradients = []
        for part, shares in zip(_parts(known), kept, strict=True):
            own, sure = target[part][:, None], known[part][:, None]
            right = shares.gather(1, own)
            pull = in_true[own] * right  # 0 where nothing is known, as the shares are
            inner = torch.einsum("bchw,c->bhw", shares, in_any)[:, None] + pull
            at_true = pull - (1 - ctx.smoothing) * weight * sure
            shares = shares * ((weight - inner) + in_any[:, None, None])
            if ctx.smoothing:
                shares -= (ctx.smoothing / nc) * weight * sure
            _add_at(shares, own, at_true)
            gradients.append(down.T @ shares @ across)
        return torch.cat(gradients), None, None, None


def _add_at(values: Tensor, number: Tensor, amount: Tensor) -> None:
    """Add an amount (n, 1, H, W) to the channel of each pixel's number in (n, nc, H, W), in place."""
    if values.device.type == "cpu":
        values.scatter_add_(1, number, amount)
        return
    # Elsewhere scattering has no repeatable kernel, though here no two amounts meet.
    channels = torch.arange(values.shape[1], device=values.device)[:, None, None]
    values.addcmul_((channels == number).to(values.dtype), amount)


def _parts(images: Tensor) -> list[slice]:
    """Return which images are worked on at once: one on a CPU, all on other devices."""
    count = len(images)
    step = 1 if images.device.type == "cpu" else max(count, 1)
    return [slice(i, i + step) for i in range(0, count, step)]


def _enlarging(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the matrices (W, w) and (H, h) that enlarge rows and columns of logits to those of the truth."""
    (h, w), (height, width) = logits.shape[2:], truth.shape[1:]
    return tuple(  # type: ignore[return-value]
        _matrix(small, large, logits.dtype, logits.device)
        for small, large in ((w, width), (h, height))
    )


@lru_cache(maxsize=32)
def _matrix(small: int, large: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return (large, small): what bilinear interpolation does along one axis."""
    with torch.inference_mode(False):  # kept for trainings too, whoever asks first
        units = torch.eye(small, dtype=dtype, device=device)[None]
        return F.interpolate(units, large, mode="linear", align_corners=False)[0].T.contiguous()
