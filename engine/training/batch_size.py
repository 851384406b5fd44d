"""`batch=-1` or a fraction: the batch that fills a share of the GPU's memory."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from engine.runtime.log import LOGGER

DEFAULT_BATCH = 16
DEFAULT_SHARE = 0.6
_PROBES = (1, 2, 4, 8, 16)


def choose_batch(
    model: nn.Module, device: torch.device, imgsz: int, wanted: float, amp_dtype: torch.dtype | None
) -> int:
    """Give the batch for ``batch=wanted``: itself where it is a count, else what fits in memory.

    Args:
        model: The network, on ``device``; it is not changed.
        device: Where it will train.
        imgsz: Side of the square input in pixels.
        wanted: A count (1 or more), a share of the memory in (0, 1), or -1 for 60 %.
        amp_dtype: Format of the forward pass, None for float32.
    """
    if wanted >= 1:
        return int(wanted)
    if device.type != "cuda":
        LOGGER.info("batch=%s: only a GPU's memory is measured; taking %d.", wanted, DEFAULT_BATCH)
        return DEFAULT_BATCH
    share = wanted if 0 < wanted < 1 else DEFAULT_SHARE
    total = torch.cuda.get_device_properties(device).total_memory
    held = torch.cuda.memory_reserved(device)
    points = _measure(model, device, imgsz, amp_dtype)
    batch = fit_batch(points, total * share - held)
    LOGGER.info("batch=%d fills about %.0f %% of %s.", batch, share * 100, device)
    return batch


def fit_batch(points: list[tuple[int, int]], room: float) -> int:
    """Put a line through (batch, bytes) and give the batch at ``room`` bytes, 1 or more."""
    if len(points) < 2:
        return points[0][0] if points else 1
    (b0, m0), (b1, m1) = points[-2], points[-1]
    slope = max((m1 - m0) / (b1 - b0), 1.0)
    return max(int((room - m0) / slope + b0), 1)


def _measure(
    model: nn.Module, device: torch.device, imgsz: int, amp_dtype: torch.dtype | None
) -> list[tuple[int, int]]:
    """Give (batch, peak bytes) of forward and backward passes, up to the first that does not fit."""
    probe = copy.deepcopy(model).train()
    points = []
    for batch in _PROBES:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        try:
            images = torch.zeros(batch, 3, imgsz, imgsz, device=device)
            with torch.autocast("cuda", dtype=amp_dtype, enabled=amp_dtype is not None):
                outputs = probe(images)
            torch.stack([t.float().sum() for t in _tensors(outputs)]).sum().backward()
        except torch.cuda.OutOfMemoryError:
            break
        points.append((batch, torch.cuda.max_memory_reserved(device)))
        probe.zero_grad(set_to_none=True)
    del probe
    torch.cuda.empty_cache()
    return points


def _tensors(value: Any) -> list[torch.Tensor]:
    """Give the tensors in nested lists, tuples and dictionaries."""
    if isinstance(value, torch.Tensor):
        return [value]
    values = value.values() if isinstance(value, dict) else value
    return [t for v in values for t in _tensors(v)]
