"""`batch=-1` or a fraction: the batch that fills a share of the device's memory."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import psutil
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from engine.runtime.log import LOGGER
from engine.training.failures import kind_of

# What a processor gets at most: larger batches are no faster there and take fewer steps an epoch.
DEFAULT_BATCH = 16
DEFAULT_SHARE = 0.6
# A run of fewer batches than this learns little from random weights: little data is given smaller ones.
FEW_BATCHES = 1000
SMALLEST = 4
_PROBES = (1, 2, 4, 8, 16)
_CPU_PROBES = (1, 2)
_ONE_CELL = 32  # side in pixels of a picture that the coarsest level of a network sees as one cell
# Gradients, two moments of an optimizer and the average, beside the weights that are there already.
_COPIES_OF_WEIGHTS = 4
# Backward needs the gradients of what forward kept, a layer or so at a time.
_BACKWARD = 1.5


def choose_batch(
    model: nn.Module,
    device: torch.device,
    imgsz: int,
    wanted: float,
    amp_dtype: torch.dtype | None,
    channels: int = 3,
) -> int:
    """Give the batch for ``batch=wanted``: itself where it is a count, else what fits in memory.

    Args:
        model: The network, on ``device``; it is not changed.
        device: Where it will train.
        imgsz: Side of the square input in pixels.
        wanted: A count (1 or more), a share of the memory in (0, 1), or -1 for 60 %.
        amp_dtype: Format of the forward pass, None for float32.
        channels: Of the images.
    """
    if wanted >= 1:
        return int(wanted)
    share = wanted if 0 < wanted < 1 else DEFAULT_SHARE
    shape = (channels, imgsz, imgsz)
    reserve = _COPIES_OF_WEIGHTS * sum(p.nbytes for p in model.parameters())
    if device.type != "cuda":
        return _for_processor(model, device, shape, share, reserve)
    total = torch.cuda.get_device_properties(device).total_memory
    free, _ = torch.cuda.mem_get_info(device)
    # Other programs' memory cannot be had; what this process holds is part of every measured point.
    room = min(total * share, free + torch.cuda.memory_reserved(device))
    points = _measure(model, device, shape, amp_dtype)
    batch = fit_batch(points, room - reserve)
    LOGGER.info("batch=%d fills about %.0f %% of %s.", batch, share * 100, device)
    return batch


def batch_for_steps(images: int, epochs: int, batch: int) -> int:
    """Halve the batch while a run has too few batches, down to four images.

    Args:
        images: In the training split.
        epochs: Of the run.
        batch: The usual batch.
    """
    while batch >= 2 * SMALLEST and epochs * -(-images // batch) < FEW_BATCHES:
        batch //= 2
    return batch


def fit_batch(points: list[tuple[int, int]], room: float) -> int:
    """Put a line through (batch, bytes) and give the batch at ``room`` bytes, 1 or more."""
    if len(points) < 2:
        return points[0][0] if points else 1
    (b0, m0), (b1, m1) = points[-2], points[-1]
    slope = max((m1 - m0) / (b1 - b0), 1.0)
    return max(int((room - m0) / slope + b0), 1)


def kept_bytes(model: nn.Module, images: torch.Tensor) -> int:
    """Give the bytes that a forward pass of ``model`` keeps for the backward pass, each tensor once."""
    storages: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = model(images)
    del outputs
    return sum(storages.values())


def _for_processor(
    model: nn.Module,
    device: torch.device,
    shape: tuple[int, int, int],
    share: float,
    reserve: int,
) -> int:
    """Give the batch that fits into a share of the computer's free memory, up to the default."""
    probe = copy.deepcopy(model).train()
    points = []
    for batch in _normalised(_CPU_PROBES, shape):
        images = torch.zeros(batch, *shape, device=device)
        points.append((batch, int(_BACKWARD * kept_bytes(probe, images))))
    room = psutil.virtual_memory().available * share - reserve
    batch = min(fit_batch(points, room), DEFAULT_BATCH)
    LOGGER.info(
        "batch=%d: an image takes about %.0f MiB, %.0f MiB are free; more than %d are no faster on %s.",
        batch,
        (points[1][1] - points[0][1]) / (points[1][0] - points[0][0]) / 2**20,
        room / share / 2**20,
        DEFAULT_BATCH,
        device,
    )
    return batch


def _normalised(batches: Sequence[int], shape: tuple[int, int, int]) -> list[int]:
    """Double the batches to try where a single picture has nothing to be normalised by: one cell at the coarsest level."""
    return [batch * (2 if max(shape[1:]) <= _ONE_CELL else 1) for batch in batches]


def _measure(
    model: nn.Module,
    device: torch.device,
    shape: tuple[int, int, int],
    amp_dtype: torch.dtype | None,
) -> list[tuple[int, int]]:
    """Give (batch, peak bytes) of forward and backward passes, up to the first that does not fit."""
    probe = copy.deepcopy(model).train()
    points = []
    for batch in _normalised(_PROBES, shape):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        try:
            images = torch.zeros(batch, *shape, device=device)
            with torch.autocast("cuda", dtype=amp_dtype, enabled=amp_dtype is not None):
                outputs = probe(images)
            torch.stack([t.float().sum() for t in _tensors(outputs)]).sum().backward()
        except RuntimeError as error:
            # CUDA's libraries tell of short memory in errors of their own.
            if kind_of(error) != "out_of_memory":
                raise
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
