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
        """Start at ``t`` seconds; work on a CUDA ``device`` (name or torch.device) is waited for."""
        self.t = t
        self.dt = 0.0
        self.device = device
        self._waits = device is not None and str(device).startswith("cuda")
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
            import torch  # only reached with a CUDA device, so it is loaded already

            torch.cuda.synchronize(self.device)
        return time.perf_counter()
