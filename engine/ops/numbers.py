"""Small arithmetic on plain numbers."""

from __future__ import annotations

import math
from typing import Any


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
