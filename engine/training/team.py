"""The processes that train together, one a device: what they tell one another.

Two channels. Tensors on the devices (gradients, counts of losses, statistics of normalisations) are added up
over one; what a process says to the others (commands, plans, whether a step went well) goes over another that
never waits for a GPU. The first can be broken off and made anew, which is how a process whose memory is short
wakes up those that wait for it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from engine.losses.shares import shared_out
from engine.runtime.log import LOGGER
from engine.training.shared_gradients import SharedGradients

# A rank waits while the first one validates, or a person has paused the run. That a process died is noticed
# by its closed connections, not by this time.
PATIENCE = timedelta(days=30)
# How a step went, see `Team.worst`
FINE, LOST, MEMORY = 0, 1, 2
_LOOK_S = 0.5


class Team:
    """A process that trains alone, and what `SharedTeam` does for several.

    Attributes:
        rank: This process's number, from 0.
        size: How many train together.
    """

    rank = 0
    size = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes the run directory, validates and decides."""
        return self.rank == 0

    def fit(self, batch: int) -> int:
        """Give the number of images, at most ``batch`` where that can be, of which all get equally many."""
        return max(batch // self.size, 1) * self.size

    def total(self, values: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place."""
        return values

    def decide(self, what: Callable[[], Any]) -> Any:
        """Give to all what the first process says, a value that JSON holds."""
        return what()

    def gather(self, value: Any) -> list[Any]:
        """Give to all what each process says, by rank."""
        return [value]

    def worst(self, outcome: int) -> int:
        """Give to all the highest of the processes' numbers."""
        return outcome

    def first(self, work: Callable[[], Any]) -> Any:
        """Work in the first process before the others do: they find what it has fetched or kept."""
        return work()

    def hand_out(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Give to all what the first process makes, whenever each of them asks for it.

        Args:
            key: What it is, the same for all.
            make: Called in the first process alone.
        """
        return make()

    def mean_loss(self, items: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        """Give parts (P,) and total () of a loss as means over the processes, without gradients."""
        return items, total

    def join(self, network: nn.Module) -> None:
        """Let a network learn with those of the other processes, all from the weights of the first."""

    def gathering(self, steps: bool) -> contextlib.AbstractContextManager[Any]:
        """Give the context of one batch's passes; gradients become means where a step follows."""
        return contextlib.nullcontext()

    def counting(self) -> contextlib.AbstractContextManager[Any]:
        """Give the context in which a loss counts over all processes."""
        return contextlib.nullcontext()

    def break_off(self) -> None:
        """Stop exchanging tensors and wake up those who wait for that."""

    def renew(self) -> None:
        """Begin to exchange tensors again, after `break_off`; networks are to join anew."""

    def wait(self) -> None:
        """Wait until all are here."""

    def close(self) -> None:
        """Leave the others."""


class SharedTeam(Team):
    """One of several processes; all call the same methods in the same order.

    Attributes:
        device: What this process computes on.
        group: The processes as torch knows them, for what exchanges tensors by itself; None while broken off.
    """

    def __init__(self, rank: int, size: int, store: dist.Store, device: torch.device) -> None:
        self.rank, self.size, self.device = rank, size, device
        self.store = store
        self._backend = "nccl" if device.type == "cuda" else "gloo"
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=size, timeout=PATIENCE)
        self._round = 0
        self._left = threading.Event()
        self.group: Any = self._new_group()
        self._gradients: SharedGradients | None = None
        self._level = LOGGER.level
        if not self.is_main:
            LOGGER.setLevel(logging.ERROR)  # what all have to say is said once
        if self._backend == "nccl":
            threading.Thread(target=self._watch, name="broken-off", daemon=True).start()

    def total(self, values: Tensor) -> Tensor:
        """Add up a tensor over all processes, in place."""
        dist.all_reduce(values, group=self.group)
        return values

    def decide(self, what: Callable[[], Any]) -> Any:
        """Give to all what the first process says, a value that JSON holds."""
        said = json.dumps(what()).encode() if self.is_main else b""
        size = torch.tensor([len(said)])
        dist.broadcast(size, 0)
        text = torch.zeros(int(size), dtype=torch.uint8)
        if self.is_main:
            text.copy_(torch.frombuffer(bytearray(said), dtype=torch.uint8))
        dist.broadcast(text, 0)
        return json.loads(text.numpy().tobytes())

    def gather(self, value: Any) -> list[Any]:
        """Give to all what each process says, by rank."""
        said = json.dumps(value).encode()
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        dist.all_gather(sizes, torch.tensor([len(said)]))
        room = max(int(size) for size in sizes)
        mine = torch.zeros(room, dtype=torch.uint8)
        mine[: len(said)] = torch.frombuffer(bytearray(said), dtype=torch.uint8)
        texts = [torch.zeros_like(mine) for _ in range(self.size)]
        dist.all_gather(texts, mine)
        both = zip(texts, sizes, strict=True)
        return [json.loads(text[: int(size)].numpy().tobytes()) for text, size in both]

    def worst(self, outcome: int) -> int:
        """Give to all the highest of the processes' numbers."""
        number = torch.tensor([outcome])
        dist.all_reduce(number, dist.ReduceOp.MAX)
        return int(number)

    def first(self, work: Callable[[], Any]) -> Any:
        """Work in the first process before the others do: they find what it has fetched or kept."""
        if not self.is_main:
            self.wait()
        done = work()
        if self.is_main:
            self.wait()
        return done

    def hand_out(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Give to all what the first process makes, whenever each of them asks for it."""
        place = f"maskwright/handed/{key}"
        if self.is_main:
            made = make()
            self.store.set(place, base64.b64encode(made).decode())
            return made
        self.store.wait([place], PATIENCE)
        return base64.b64decode(self.store.get(place))

    def mean_loss(self, items: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
        """Give parts (P,) and total () of a loss as means over the processes, without gradients."""
        both = torch.cat((items.detach().flatten(), total.detach().reshape(1)))
        both = self.total(both) / self.size
        return both[:-1].view(items.shape), both[-1]

    def join(self, network: nn.Module) -> None:
        """Let a network learn with those of the other processes, all from the weights of the first."""
        self._gradients = SharedGradients(network, self)

    @contextlib.contextmanager
    def gathering(self, steps: bool) -> Iterator[None]:
        """Give the context of one batch's passes; gradients become means where a step follows."""
        assert self._gradients is not None  # noqa: S101 (joined before the first batch)
        self._gradients.begin(steps)
        yield
        if steps:
            self._gradients.finish()

    def counting(self) -> contextlib.AbstractContextManager[Any]:
        """Give the context in which a loss counts over all processes."""
        return shared_out(self.total, self.size)

    def break_off(self) -> None:
        """Stop exchanging tensors and wake up those who wait for that.

        The closed connections wake them; they close when nothing refers to the group any more, so whoever
        exchanges tensors asks for `group` each time.
        """
        if self.group is None:
            return
        self.store.set(self._signal, "broken off")
        self._leave_group()

    def renew(self) -> None:
        """Begin to exchange tensors again, after `break_off`; networks are to join anew."""
        self._leave_group()
        self._round += 1
        self.group = self._new_group()

    def wait(self) -> None:
        """Wait until all are here."""
        self.worst(FINE)

    def close(self) -> None:
        """Leave the others."""
        self._left.set()
        LOGGER.setLevel(self._level)
        self._leave_group()
        if dist.is_initialized():
            dist.destroy_process_group()

    def __deepcopy__(self, _: Any) -> SharedTeam:
        """Stay the same in copies of networks, whose normalisations ask it."""
        return self

    @property
    def _signal(self) -> str:
        return f"maskwright/broken/{self._round}"

    def _leave_group(self) -> None:
        gradients, self._gradients = self._gradients, None
        if gradients is not None:
            gradients.close()
        group, self.group = self.group, None
        if group is None:
            return
        if self._backend == "nccl":
            group.abort()
        dist.destroy_process_group(group)

    def _new_group(self) -> Any:
        return dist.new_group(backend=self._backend, timeout=PATIENCE)

    def _watch(self) -> None:
        """Break off with the others: who waits for a GPU that waits for a missing one never wakes by itself."""
        done = -1
        while not self._left.wait(_LOOK_S):
            if self._round > done and self.store.check([self._signal]):
                done, group = self._round, self.group
                if group is not None:
                    group.abort()
