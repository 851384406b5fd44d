"""Seeds and random-number states: a run can be repeated, and a resumed one goes on as if never stopped."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 (augmentations of users' own may draw from it)
    torch.manual_seed(seed)


@contextlib.contextmanager
def determinism(wanted: bool) -> Iterator[None]:
    """Ask torch for repeatable kernels (or for its fastest ones) and put its switches back afterwards."""
    before = torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic
    fill = memory.fill_uninitialized_memory
    cudnn = (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
    if wanted:
        # cuBLAS reads it when its handle is made; without it matrix products differ run by run.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        # The same switch as use_deterministic_algorithms, which imports the compiler: 2.6 s.
        torch.set_deterministic_debug_mode("warn" if wanted else "default")
        # Filling every fresh tensor only helps to find code that reads what it never wrote.
        memory.fill_uninitialized_memory = False
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = wanted, not wanted
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        memory.fill_uninitialized_memory = fill
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn


def seed_epoch(seed: int, epoch: int, rank: int = 0) -> None:
    """Give each epoch its own seed, so that it draws the same numbers however the run got there.

    Args:
        seed: Of the run.
        epoch: Number of the epoch, from 0.
        rank: Of several processes each draws numbers of its own, what it drops out, say.
    """
    mixed = (seed * 1_000_003 + epoch * 7_919 + rank * 104_729 + 1) % 2**32
    random.seed(mixed)
    np.random.seed(mixed)  # noqa: NPY002
    torch.manual_seed(mixed)


def capture() -> dict[str, Any]:
    """Give all generators' states as plain values and tensors."""
    version, internal, gauss = random.getstate()
    numpy_state: Any = np.random.get_state()  # noqa: NPY002
    name, keys, position, has_gauss, cached = numpy_state
    state: dict[str, Any] = {
        "python": [version, list(internal), gauss],
        "numpy": [name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore(state: dict[str, Any]) -> None:
    """Take the states that `capture` gave; GPUs that were not there then keep their own."""
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal), gauss))
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(state["torch"].cpu())
    for index, cuda in enumerate(state.get("cuda", [])[: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(cuda.cpu(), index)
