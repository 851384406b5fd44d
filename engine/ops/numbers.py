"""Small arithmetic on plain numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def make_divisible(x: float, divisor: Any) -> int:
    """Return the smallest multiple of ``divisor`` that is not below ``x``.

    Args:
        x: Any number.
        divisor: A positive integer, or a tensor of strides of which the largest counts.
    """
    step = int(divisor.max()) if hasattr(divisor, "max") else int(divisor)
    if step < 1:
        raise ValueError(f"expected a divisor of 1 or more, received {divisor!r}")
    return math.ceil(x / step) * step


def as_written(values: np.ndarray, digits: int = 6) -> np.ndarray:
    """Return float32 numbers as the decimal text they were read from has them, float64.

    Text of up to ``digits`` significant digits comes back exactly; of longer text, what float32 kept of it.
    """
    exact = np.asarray(values, dtype=np.float64)
    size = np.floor(np.log10(np.abs(exact), out=np.zeros_like(exact), where=exact != 0))
    unit = 10.0 ** (digits - 1 - size)
    short = np.round(exact * unit) / unit
    same: np.ndarray = short.astype(np.float32) == np.asarray(values, dtype=np.float32)
    return np.where(same, short, exact)
