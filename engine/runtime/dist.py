"""Which of several training processes this one is, as ``torchrun`` tells in the environment."""

from __future__ import annotations

import os


def rank() -> int:
    """Return the number of this process among all; -1 when it is alone."""
    return _number("RANK", -1)


def local_rank() -> int:
    """Return the number of this process on its computer; -1 when it is alone."""
    return _number("LOCAL_RANK", -1)


def world_size() -> int:
    """Return how many processes train together; 1 when this one is alone."""
    return max(1, _number("WORLD_SIZE", 1))


def is_main() -> bool:
    """Tell whether this process writes files and messages for all."""
    return rank() in (-1, 0)


def _number(variable: str, fallback: int) -> int:
    value = os.environ.get(variable, "")
    return int(value) if value.lstrip("-").isdecimal() else fallback
