"""Gradients of several processes, averaged while the backward pass still runs (data parallel training).

As in Li et al. 2020 ("PyTorch Distributed: Experiences on Accelerating Data Parallel Training"): weights lie
in buckets in the order in which a backward pass is expected to reach them, and a full bucket is sent off at
once. Nothing else of the processes' networks is exchanged, and no part of a loss needs to run inside of a
wrapper, so a loss may have weights of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

if TYPE_CHECKING:
    from engine.training.team import SharedTeam

# Fewer bytes would be many small messages, more would begin to be sent late.
BUCKET_BYTES = 16 * 2**20


class SharedGradients:
    """Makes the gradients of one network their means over a team's processes."""

    def __init__(self, network: nn.Module, team: SharedTeam) -> None:
        """Take a network; all processes begin with the weights of the first."""
        self.team = team
        for tensor in network.state_dict().values():
            dist.broadcast(tensor, 0, group=team.group)
        learning = [p for p in network.parameters() if p.requires_grad]
        self._buckets = _buckets(learning[::-1], BUCKET_BYTES)
        self._place: dict[Tensor, int] = {
            p: i for i, bucket in enumerate(self._buckets) for p in bucket
        }
        self._hooks = [p.register_post_accumulate_grad_hook(self._ready) for p in learning]
        self._unused: set[Tensor] | None = None
        self._sending = False
        self._forget()

    def begin(self, steps: bool) -> None:
        """Begin the passes of a batch; its gradients are exchanged only where a step follows."""
        self._forget()
        # Which weights a loss reaches is known after the first exchange, which therefore waits for its end.
        self._sending = steps and self._unused is not None

    def finish(self) -> None:
        """Send off what is left and take in what the others have sent."""
        if self._unused is None:
            self._unused = self._reached_by_none()
        for number in range(len(self._sent), len(self._buckets)):
            self._send(number)
        for bucket, (flat, work) in zip(self._buckets, self._sent, strict=True):
            work.wait()
            flat /= self.team.size
            for p, part in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
                if p not in self._unused:
                    p.grad = part.view_as(p).to(memory_format=_layout(p), copy=True)
        self._forget()

    def close(self) -> None:
        """Leave the network alone."""
        self._forget()
        for hook in self._hooks:
            hook.remove()

    def _forget(self) -> None:
        self._left = [len(bucket) for bucket in self._buckets]
        if self._unused:
            for p in self._unused:
                self._left[self._place[p]] -= 1
        self._sent: list[tuple[Tensor, Any]] = []

    def _ready(self, parameter: Tensor) -> None:
        """Note a gradient that is complete; full buckets go off in their order, the same in all processes."""
        if not self._sending:
            return
        self._left[self._place[parameter]] -= 1
        while len(self._sent) < len(self._left) and self._left[len(self._sent)] <= 0:
            self._send(len(self._sent))

    def _send(self, number: int) -> None:
        parts = [
            torch.zeros_like(p).flatten() if p.grad is None else p.grad.reshape(-1)
            for p in self._buckets[number]
        ]
        flat = torch.cat(parts)
        work = dist.all_reduce(flat, group=self.team.group, async_op=True)
        self._sent.append((flat, work))

    def _reached_by_none(self) -> set[Tensor]:
        """Give the weights that have no gradient in any process."""
        flat = [p for bucket in self._buckets for p in bucket]
        without = [i for i, p in enumerate(flat) if p.grad is None]
        found = set(without).intersection(*self.team.gather(without))
        return {flat[i] for i in found}


def _buckets(parameters: list[nn.Parameter], size: int) -> list[list[nn.Parameter]]:
    """Cut weights into runs of one dtype and about ``size`` bytes."""
    buckets: list[list[nn.Parameter]] = []
    room = 0
    for p in parameters:
        if not buckets or room < p.nbytes or buckets[-1][0].dtype is not p.dtype:
            buckets.append([])
            room = size
        buckets[-1].append(p)
        room -= p.nbytes
    return buckets


def _layout(parameter: Tensor) -> torch.memory_format:
    """Give the order in which a weight's values lie in memory."""
    last = torch.channels_last
    if parameter.dim() == 4 and parameter.is_contiguous(memory_format=last):
        return last
    return torch.contiguous_format
