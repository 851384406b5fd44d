"""Locked shapes: which of some may be changed, and what a person is told of those that stay as they are.

What changes a selection asks here, so that a lock means the same everywhere. Locking, unlocking, hiding and showing do not
ask, they are how a person gets at a locked shape; nor does what is said of a class as a whole, such as merging it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from studio.language import ntr


class Lockable(Protocol):
    """A shape, or a row of a list that stands for one."""

    @property
    def locked(self) -> bool:
        """Whether it stays as it is."""


Kind = TypeVar("Kind", bound=Lockable)


def unlocked(shapes: Iterable[Kind]) -> list[Kind]:
    """Return the shapes that may be changed."""
    return [shape for shape in shapes if not shape.locked]


def locked_text(shapes: Sequence[Lockable]) -> str:
    """Return how many of the shapes stay as they are and what to do about it; empty where none is locked."""
    count = len(shapes) - len(unlocked(shapes))
    if not count:
        return ""
    return ntr(
        "{count:,} locked shape stays as it is: unlock it in the list of objects.",
        "{count:,} locked shapes stay as they are: unlock them in the list of objects.",
        count,
    ).format(count=count)
