"""A stopwatch for a block of code or a function."""

from __future__ import annotations

import time
from contextlib import ContextDecorator
from typing import Any


class Profile(ContextDecorator):
    """Measure how long a ``with`` block or a decorated function takes; several uses add up.

    Attributes:
        t: Seconds over all uses.
        dt: Seconds of the last use.
    """

    def __init__(self, t: float = 0.0, device: Any = None) -> None:
        """Start at ``t`` seconds; work on a CUDA ``device`` (name or torch.device), where there is one, is waited for."""
        self.t = t
        self.dt = 0.0
        self.device = device
        self._waits = _is_there(device)
        self._start = 0.0

    def __enter__(self) -> Profile:
        self._start = self.time()
        return self

    def __exit__(self, *_: object) -> None:
        self.dt = self.time() - self._start
        self.t += self.dt

    def __str__(self) -> str:
        return f"Elapsed time is {self.t} s"

    def time(self) -> float:
        """Return a steady clock's seconds, after the device has finished what it was given."""
        if self._waits:
            import torch

            torch.cuda.synchronize(self.device)
        return time.perf_counter()


def _is_there(device: Any) -> bool:
    """Say whether a device is a CUDA one that this computer has; torch is loaded only to ask that."""
    if device is None or not str(device).startswith("cuda"):
        return False
    import torch

    return torch.cuda.is_available()
