"""How a trainer becomes one of several processes, and what it says when that fails.

`device=0,1` makes the process that was asked the first of two; it starts the other (`engine.training.ranks`)
and trains itself, so that callbacks, networks in memory and the results stay where they are. Under `torchrun`
the processes are there already.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch.distributed as dist
from torch import nn

from engine.runtime import dist as place
from engine.runtime.device import parse_device
from engine.runtime.errors import ConfigError, EngineError
from engine.training.events import plain
from engine.training.ranks import RankError, Ranks, new_store
from engine.training.shared_norm import ENOUGH_IMAGES, renew_group, share_statistics
from engine.training.team import SharedTeam, Team

if TYPE_CHECKING:
    from engine.core.trainer import BaseTrainer

_importing: list[bool] = []


@contextlib.contextmanager
def importing_script() -> Iterator[None]:
    """Refuse trainings while a further process imports the script of the first one."""
    _importing.append(True)
    try:
        yield
    finally:
        _importing.pop()


class Together:
    """Opens and closes the team of one trainer.

    Attributes:
        store: Where the processes meet, set in one that another has started.
    """

    def __init__(self, trainer: BaseTrainer) -> None:
        self.trainer = trainer
        self.store: dist.Store | None = None
        self._ranks: Ranks | None = None

    def open(self) -> Team:
        """Start or find the other processes and give the team, which is this process alone on one device.

        Raises:
            ConfigError: This training cannot be told to other processes.
            RankError: One of them did not come up.
        """
        t = self.trainer
        if _importing:
            raise ConfigError(
                "this script starts a training when it is imported, as each process on another device does.",
                remedy='Put what it does below: if __name__ == "__main__":',
            )
        if self.store is not None:
            return SharedTeam(place.rank(), place.world_size(), self.store, t.device)
        if place.world_size() > 1 and place.rank() >= 0:
            self.store, rank, size = next(dist.rendezvous("env://"))
            return SharedTeam(rank, size, self.store, t.device)
        devices = parse_device(t.args.device)
        return Team() if len(devices) < 2 else self._launch(len(devices))

    def reason(self, error: BaseException) -> BaseException:
        """Give why a training fails: the error itself, or what made another process leave it alone."""
        if self.trainer.team.size == 1 or isinstance(error, KeyboardInterrupt | RankError):
            return error
        if isinstance(error, EngineError):
            return error  # it is about this training; the others meet the same or lose this process
        if self._ranks is not None:
            return self._ranks.error() if self._ranks.lost() else error
        return error

    def close(self, failed: bool) -> None:
        """Leave the team and end the processes that this one has started.

        Args:
            failed: Whether the training ends before its time: nobody is waited for then.
        """
        ranks, self._ranks = self._ranks, None
        if ranks is not None and failed:
            ranks.stop()
        try:
            self.trainer.team.close()
        finally:
            if ranks is not None:
                ranks.end()

    def expect_end(self) -> None:
        """Take it for right from now on that the others end."""
        if self._ranks is not None:
            self._ranks.expect_end()

    def join(self) -> None:
        """Let the trainer's network learn with the others, with shared statistics where asked."""
        t = self.trainer
        wanted = t.args.sync_bn
        few = t.batch_size // t.team.size < ENOUGH_IMAGES
        if isinstance(t.team, SharedTeam) and (few if wanted is None else wanted):
            count = share_statistics(t.model, t.team)
            if count and wanted is None:
                t.log(
                    f"sync_bn: batch statistics are taken over all devices, each has fewer than "
                    f"{ENOUGH_IMAGES} images a batch."
                )
        t.team.join(t.model)

    def renew(self) -> None:
        """Begin again with the others, after a step that did not succeed in all processes."""
        t = self.trainer
        t.team.renew()
        if isinstance(t.team, SharedTeam):
            renew_group(t.model, t.team.group)
        t.team.join(t.model)

    def _launch(self, size: int) -> Team:
        """Start the other processes and become the first."""
        t = self.trainer
        store = new_store(size)
        job = {**self._job(), "port": store.port, "size": size}
        t.log(
            f"Training on {t.args.device}: {size} processes, {t.args.batch} images a batch in all."
        )
        self._ranks = Ranks([job] * (size - 1), store)
        try:
            self._ranks.meet()
            return SharedTeam(0, size, store, t.device)
        except BaseException:
            self._ranks.stop()
            raise

    def _job(self) -> dict[str, Any]:
        """Say everything that another process needs to build the same trainer.

        Raises:
            ConfigError: It cannot be said in words.
        """
        t, kind = self.trainer, type(self.trainer)
        name = kind.__qualname__
        main = sys.modules["__main__"]
        own = kind.__module__ == "__main__"
        script = getattr(main, "__file__", None) if own else None
        if "<locals>" in name or (own and script is None):
            raise ConfigError(
                f"the class {kind.__name__} cannot be imported by the processes on the other devices.",
                value=kind,
                remedy="Define it at the top of a module or script, or start the script with torchrun.",
            )
        if isinstance(t.model, nn.Module):
            raise ConfigError(
                "a network that exists in memory only cannot be given to the processes on other devices.",
                remedy="Build it in get_model() of a trainer's class, or start the script with torchrun.",
            )
        arguments = {**plain(vars(t.args)), "cfg": None}
        if t.resumed is not None:
            arguments["resume"] = str(t.resumed.path)
        return {
            "trainer": f"{kind.__module__}:{name}",
            "main": str(Path(script).absolute()) if script else None,
            "arguments": arguments,
            "chosen": sorted(t.chosen),
            "description": plain(t.model_source[0]) if t.model_source else None,
            "path": [str(Path(entry).absolute()) for entry in sys.path],
            "argv": sys.argv,
            "parent": os.getpid(),
        }
