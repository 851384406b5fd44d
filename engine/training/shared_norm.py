"""Batch normalisation over the images of all processes that train together.

With a few images a device the statistics of each share alone are too rough to learn from (Peng et al. 2018,
MegDet; Wu and He 2018 find the error to rise below sixteen images). torch has this normalisation for GPUs; on
processors it is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from engine.losses.shares import Total

if TYPE_CHECKING:
    from engine.training.team import SharedTeam

# Statistics of fewer images than this are shared where nobody has said otherwise.
ENOUGH_IMAGES = 16


def share_statistics(network: nn.Module, team: SharedTeam) -> int:
    """Let a network's batch normalisations in training count the images of all processes, in place.

    Weights and buffers stay the same tensors, under the same names.

    Args:
        network: On its device.
        team: The processes.

    Returns:
        How many normalisations there are.
    """
    found = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if any(parameter.is_cuda for parameter in network.parameters()):
        nn.SyncBatchNorm.convert_sync_batchnorm(network, team.group)
        return len(found)
    for module in found:
        module.__class__ = ProcessorBatchNorm
        vars(module)["total"] = team.total
    return len(found)


def renew_group(network: nn.Module, group: Any) -> None:
    """Give torch's normalisations another group of processes; those here ask the team each time."""
    for module in network.modules():
        if isinstance(module, nn.SyncBatchNorm):
            module.process_group = group


class ProcessorBatchNorm(_BatchNorm):
    """A normalisation on a processor; see the module."""

    total: Total

    def forward(self, images: Tensor) -> Tensor:
        """Normalise (B, C, ...), in training by the statistics of all processes' images."""
        if not self.training:
            return super().forward(images)
        out, mean, var, count = _Normalise.apply(
            images, self.weight, self.bias, self.eps, self.total
        )
        if self.track_running_stats and self.running_mean is not None:
            self._follow(mean, var * (count / (count - 1).clamp(min=1)))
        return out

    def _check_input_dim(self, input: Tensor) -> None:
        """Take images, volumes and rows alike."""

    @torch.no_grad()
    def _follow(self, mean: Tensor, var: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None  # noqa: PT018, S101
        assert self.num_batches_tracked is not None  # noqa: S101 (for the type checker)
        self.num_batches_tracked.add_(1)
        momentum = self.momentum
        weight = 1.0 / float(self.num_batches_tracked) if momentum is None else momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), weight)
        self.running_var.lerp_(var.to(self.running_var.dtype), weight)


class _Normalise(torch.autograd.Function):
    """(B, C, ...) less its mean over its deviation, times a weight, plus a bias; all by channel."""

    @staticmethod
    def forward(
        ctx: Any,
        images: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        total: Total,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        exact = _exact(images)
        own = images.numel() // images.shape[1]
        var, mean = torch.var_mean(exact, _axes(images), correction=0)
        # In double precision the squares of means can be added and taken off again without loss.
        var, mean = var.double(), mean.double()
        sums = total(torch.stack((mean, var + mean**2, torch.ones_like(mean))) * own)
        count = sums[2]
        mean = sums[0] / count
        var = (sums[1] / count - mean**2).clamp(min=0)
        ctx.save_for_backward(images, weight, mean, (var + eps).rsqrt(), count)
        ctx.total = total
        ctx.mark_non_differentiable(mean, var, count)
        dtype = exact.dtype
        out = F.batch_norm(exact, mean.to(dtype), var.to(dtype), weight, bias, eps=eps)
        return out.to(images.dtype), mean, var, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        given, weight, mean, scale, count = ctx.saved_tensors
        images, slope = _exact(given), _exact(slope)
        shape = [1, -1, *[1] * (images.dim() - 2)]
        normal = (images - mean.to(images.dtype).view(shape)) * scale.to(images.dtype).view(shape)
        axes = _axes(images)
        by_bias, by_weight = slope.sum(axes), (slope * normal).sum(axes)
        sums = ctx.total(torch.stack((by_bias, by_weight)).double())
        flat, tilted = (sums / count).to(images.dtype).unbind()
        factor = scale.to(images.dtype)
        if weight is not None:
            factor = factor * weight
        along = slope - flat.view(shape) - normal * tilted.view(shape)
        by_images = (along * factor.view(shape)).to(given.dtype)
        has = weight is not None
        return by_images, by_weight if has else None, by_bias if has else None, None, None


def _exact(images: Tensor) -> Tensor:
    """Return numbers of 16 bits as float32: sums of many would lose what they are about."""
    return images.float() if images.dtype in (torch.bfloat16, torch.float16) else images


def _axes(images: Tensor) -> list[int]:
    """Return all dimensions but that of the channels."""
    return [0, *range(2, images.dim())]
