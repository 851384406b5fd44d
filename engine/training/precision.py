"""Mixed precision: which number format a device trains in, and the gradient scaler it needs."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from engine.runtime.hardware import cpu_name

# Ampere and later compute in bfloat16 at full speed; its range is float32's, so nothing overflows.
_BFLOAT16_CAPABILITY = 8


def autocast_dtype(device: torch.device, amp: bool) -> torch.dtype | None:
    """Give the format of the forward pass, or None for plain float32.

    Other CPUs than those of `has_fast_bfloat16` stay in float32: bfloat16 is slower there.
    """
    if not amp or device.type not in ("cuda", "cpu"):
        return None
    if device.type == "cpu":
        return torch.bfloat16 if has_fast_bfloat16() else None
    major, _ = torch.cuda.get_device_capability(device)
    return torch.bfloat16 if major >= _BFLOAT16_CAPABILITY else torch.float16


def has_fast_bfloat16() -> bool:
    """Say whether the processor multiplies matrices of bfloat16 at least twice as fast as those of float32.

    Those are Intel's with matrix units (AMX), and AMD's since Zen 4, whose dot products of bfloat16 (AVX512-BF16)
    do twice a float32 product's work in the same time. Intel's have that instruction too, at half the pace.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    return _supports("amx_tile") or (_supports("avx512_bf16") and _is_by_amd())


def _supports(instructions: str) -> bool:
    ask = getattr(
        torch.cpu, f"_is_{instructions}_supported", None
    )  # torch has no public word for it
    return ask is not None and bool(ask())


def _is_by_amd() -> bool:
    return re.search(r"\bAMD\b|AuthenticAMD", cpu_name()) is not None


class Precision:
    """Runs forward passes in the chosen format and steps the optimizer on unscaled gradients.

    Attributes:
        dtype: Format of the forward pass, None for float32.
        scaler: Gradient scaler; it only scales where the format is float16.
    """

    def __init__(self, device: torch.device, amp: bool) -> None:
        self.device = device
        self.dtype = autocast_dtype(device, amp)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype is torch.float16)

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Give the context for one forward pass."""
        if self.dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.dtype)

    def backward(self, loss: torch.Tensor) -> None:
        """Add the gradients of ``loss``."""
        self.scaler.scale(loss).backward()

    def step(
        self,
        optimizer: Optimizer,
        model: nn.Module,
        max_norm: float,
        sound: torch.Tensor | None = None,
    ) -> None:
        """Clip the gradients to ``max_norm`` and step, unless they are no numbers.

        A step on such gradients is dropped: the weights stay. On a GPU that is decided there, without
        waiting for it, where the optimizer has one kernel for the whole step.

        Args:
            optimizer: Over the model's parameters.
            model: Whose gradients are clipped.
            max_norm: Longest gradient, over all parameters.
            sound: () bool, False drops the step whatever the gradients are.
        """
        self.scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=max_norm, foreach=True)
        takes = torch.isfinite(norm) if sound is None else torch.isfinite(norm) & sound
        if self.scaler.is_enabled():
            self.scaler.step(optimizer)  # looks at the gradients itself
            self.scaler.update()
        elif norm.is_cuda and getattr(optimizer, "_step_supports_amp_scaling", False):
            _step_where(optimizer, takes)
        elif takes:
            optimizer.step()


def _step_where(optimizer: Any, takes: torch.Tensor) -> None:
    """Step if ``takes``, () bool on the device: the way in which gradient scalers tell fused optimizers."""
    optimizer.grad_scale, optimizer.found_inf = None, (~takes).float()
    try:
        optimizer.step()
    finally:
        del optimizer.grad_scale, optimizer.found_inf
