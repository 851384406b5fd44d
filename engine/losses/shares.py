"""Counts that a loss divides by, where a batch is shared out over several processes.

A loss divides by how much there is in the batch: positive anchors, known pixels, images. Divided by what is in
its own share alone, a process with few objects would pull harder than one with many. With the count of the
whole batch over the number of processes in its place, the mean of all processes' losses is the loss of the
whole batch, and the mean of their gradients times the number of processes is its gradient.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import NamedTuple

import torch
from torch import Tensor

Total = Callable[[Tensor], Tensor]


class _Sharing(NamedTuple):
    total: Total
    processes: int


_SHARING: ContextVar[_Sharing | None] = ContextVar("sharing", default=None)


@contextlib.contextmanager
def shared_out(total: Total, processes: int) -> Iterator[None]:
    """Let losses count over all processes inside; all of them must compute the same losses.

    Args:
        total: Gives the sum of a tensor over all processes.
        processes: How many there are.
    """
    token = _SHARING.set(_Sharing(total, processes))
    try:
        yield
    finally:
        _SHARING.reset(token)


def processes() -> int:
    """Return over how many processes the present batch is shared out; 1 outside of `shared_out`."""
    sharing = _SHARING.get()
    return 1 if sharing is None else sharing.processes


def mean_over_processes(values: Tensor) -> Tensor:
    """Return the mean of a tensor over the processes, without gradients; the tensor itself where there is one."""
    sharing = _SHARING.get()
    if sharing is None:
        return values
    return sharing.total(values.detach().clone()) / sharing.processes


def share_of(count: Tensor, least: float = 1.0) -> Tensor:
    """Return what to divide by instead of ``count``: its total over the processes, over their number.

    Args:
        count: () of this process's share, any dtype.
        least: The total counts as this much at least.
    """
    sharing = _SHARING.get()
    if sharing is None:
        return count.clamp(min=least)
    return mean_over_processes(count.to(torch.float32)).clamp(min=least / sharing.processes)


def share_of_number(count: int, like: Tensor) -> int | Tensor:
    """Return what to divide by instead of a number that is known without asking the device.

    Args:
        count: Of this process's share.
        like: A tensor on the device of the loss.
    """
    if _SHARING.get() is None:
        return max(count, 1)
    return share_of(torch.tensor(count, dtype=torch.float32, device=like.device))


def of_all(count: int, like: Tensor) -> int | Tensor:
    """Return the total over the processes of a number that is known without asking the device.

    Args:
        count: Of this process's share, 1 or more.
        like: A tensor on the device of the loss.
    """
    return share_of_number(count, like) * processes()
